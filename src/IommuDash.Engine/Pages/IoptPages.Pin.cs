// Finding frames, pinning and unpinning them.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iova;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Pages;

public partial class IoptPages
{
    /// <summary>
    /// The frames of pages [index, last] as runs of whole pages, from one source: as many as fit, at least one page. Pages found nowhere are pinned, and <paramref name="areFresh"/> says so.
    /// </summary>
    private Refusal? ReadRuns(ulong index, ulong last, Span<PhysicalRun> runs, out int count, out ulong pageCount, out bool areFresh)
    {
        PfnSource source = SourceOf(index, last, out ulong spanLast, out IoPagetable? table, out int slot);
        areFresh = source == PfnSource.Memory;
        switch (source)
        {
            case PfnSource.Memory:
                return PinRuns(index, spanLast, runs, out count, out pageCount);
            case PfnSource.Domain:
                count = table!.ReadBack(slot, index, spanLast, runs);
                pageCount = 0;
                foreach (PhysicalRun run in runs[..count])
                    pageCount += run.LengthBytes >> PhysicalMemory.FrameShift;
                return null;
            default:
                var builder = new RunBuilder(runs);
                pageCount = 0;
                while (index + pageCount <= spanLast && builder.TryAdd(((PagesSharing)_holders!).Stored(index + pageCount)))
                    pageCount++;
                count = builder.Count;
                return null;
        }
    }

    private Refusal? PinRuns(ulong index, ulong last, Span<PhysicalRun> runs, out int count, out ulong pageCount)
    {
        var builder = new RunBuilder(runs);
        pageCount = 0;
        do
        {
            ReadOnlySpan<uint> frames = default;
            Refusal? refusal = Context.Host.Fails(FailurePoint.Pin)
                ? Injected.Refusal(Errno.EFAULT, FailurePoint.Pin)
                : FaultIn(index + pageCount, last - index - pageCount + 1, out frames);
            if (refusal is not null)
            {
                count = builder.Count;
                Unpin(runs[..count]);
                return refusal;
            }
            int taken = builder.AddAll(frames);
            Memory.Pin(frames[..taken]);
            PinnedPages += (uint)taken;
            pageCount += (uint)taken;
            if (taken < frames.Length)
                break;
        }
        while (index + pageCount <= last);
        count = builder.Count;
        return null;
    }

    /// <summary>Frames of pages from <paramref name="index"/> on at their source: at least one, at most <paramref name="maxPages"/>.</summary>
    private protected virtual Refusal? FaultIn(ulong index, ulong maxPages, out ReadOnlySpan<uint> frames) =>
        Source.Memory.FaultIn(AddressOf(index), maxPages, IsWritable, out frames);

    /// <summary>Whether pages [index, +count) could be pinned, without pinning them.</summary>
    private protected virtual Refusal? CheckSource(ulong index, ulong count) => Source.Memory.CheckAccess(AddressOf(index), count, IsWritable, out _);

    private void Unpin(ReadOnlySpan<PhysicalRun> runs)
    {
        uint pages = 0;
        foreach (PhysicalRun run in runs)
        {
            uint frames = FrameCount(run);
            Memory.Unpin(FirstFrame(run), frames);
            pages += frames;
        }
        PinnedPages -= pages;
    }

    private void Unpin(uint pfn, uint count)
    {
        Memory.Unpin(pfn, count);
        PinnedPages -= count;
    }
}

/// <summary>Gathers frames into runs of neighbours, in a buffer of fixed size.</summary>
internal ref struct RunBuilder(Span<PhysicalRun> runs)
{
    private readonly Span<PhysicalRun> _runs = runs;

    public int Count { get; private set; }

    /// <summary>Adds one frame; false when it would need a run more than there is room for.</summary>
    public bool TryAdd(uint pfn) => AddAll(new ReadOnlySpan<uint>(in pfn)) == 1;

    /// <summary>Adds frames in order until the buffer is full; returns how many.</summary>
    public int AddAll(scoped ReadOnlySpan<uint> frames)
    {
        int count = Count;
        ulong start = count == 0 ? 0 : _runs[count - 1].Physical;
        ulong next = count == 0 ? ulong.MaxValue : start + _runs[count - 1].LengthBytes;
        int taken = 0;
        for (; taken < frames.Length; taken++)
        {
            ulong physical = (ulong)frames[taken] << PhysicalMemory.FrameShift;
            if (physical != next)
            {
                if (count == _runs.Length)
                    break;
                if (count != 0)
                    _runs[count - 1] = new PhysicalRun(start, next - start);
                start = physical;
                count++;
            }
            next = physical + PhysicalMemory.FrameBytes;
        }
        if (count != 0)
            _runs[count - 1] = new PhysicalRun(start, next - start);
        Count = count;
        return taken;
    }
}
