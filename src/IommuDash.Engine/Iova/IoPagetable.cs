// The IO page table of one IOAS (drivers/iommu/iommufd/io_pagetable.c): which IOVA shows which pages, for every domain alike. One partial file per family of rules.
//
// Holds always:
//  - Areas do not overlap each other, nor a reserved range made after them; every area's IOVA, length and page offset are multiples of the alignment.
//  - Every attached domain maps exactly the areas; domain 0 is where new areas keep their frames.
//  - Allowed ranges never touch reserved ones; they bind automatic allocation only.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Iova;

/// <summary>Areas, allowed and reserved ranges, alignment and domains of an IOAS.</summary>
public sealed partial class IoPagetable
{
    /// <summary>What allocation aligns large maps to at most: the CPU's large page, 2 MiB.</summary>
    public const ulong LargePageBytes = 2UL << 20;

    private readonly Ioas _ioas;
    private IommuDomain[] _domains = [];

    internal IoPagetable(Ioas ioas) => _ioas = ioas;

    public AreaTree<IopArea> Areas { get; } = new();

    /// <summary>Ranges no area may use, each with its owner: a hw_pagetable (its aperture), a device (its reserved regions), or <see cref="PermanentOwner"/>.</summary>
    public RangeTree<object> Reserved { get; } = new();

    /// <summary>Ranges automatic allocation may use; none = everywhere.</summary>
    public RangeTree<object> Allowed { get; } = new();

    /// <summary>Owner of reservations that nothing removes.</summary>
    public static object PermanentOwner { get; } = new();

    /// <summary>What every IOVA, length and page offset must be a multiple of; a power of two.</summary>
    public ulong IovaAlignment { get; private set; } = 1;

    public bool LargePagesDisabled { get; private set; }

    /// <summary>Domains attached, in the order that says where frames are read back from.</summary>
    public IReadOnlyList<IommuDomain> Domains => _domains;

    /// <summary>Sum of the areas' lengths, in bytes.</summary>
    public UInt128 MappedBytes { get; private set; }

    private EmulatedHost Host => _ioas.Context.Host;

    internal ref IopArea Area(int slot) => ref Areas.Payload(slot);

    /// <summary>First and last page index, both inclusive, of an area in its pages object.</summary>
    public (ulong First, ulong Last) PageIndexes(int slot)
    {
        ref IopArea area = ref Areas.Payload(slot);
        IovaRange range = Areas.Range(slot);
        return (area.FirstIndex, area.FirstIndex + ((area.PageOffset + (range.Last - range.Start)) >> PhysicalMemory.FrameShift));
    }

    /// <summary>Lowest IOVA of an area that shows a page of its pages object; the page must be one of the area's.</summary>
    public ulong IovaOfPage(int slot, ulong pageIndex)
    {
        ref IopArea area = ref Areas.Payload(slot);
        ulong start = Areas.Range(slot).Start;
        return pageIndex == area.FirstIndex ? start : start - area.PageOffset + ((pageIndex - area.FirstIndex) << PhysicalMemory.FrameShift);
    }

    /// <summary>Frames of an area's pages [index, last], read from its storage domain as runs of whole pages; as many as fit.</summary>
    internal int ReadBack(int slot, ulong index, ulong last, Span<PhysicalRun> runs)
    {
        IovaRange range = Areas.Range(slot);
        ulong end = last == PageIndexes(slot).Last ? range.Last : IovaOfPage(slot, last + 1) - 1;
        int count = Area(slot).StorageDomain!.ReadRuns(IovaOfPage(slot, index), end, runs);
        for (int i = 0; i < count; i++)
        {
            ulong first = runs[i].Physical & ~(PhysicalMemory.FrameBytes - 1UL);
            ulong lastByte = (runs[i].Physical + runs[i].LengthBytes - 1) | (PhysicalMemory.FrameBytes - 1UL);
            runs[i] = new PhysicalRun(first, lastByte - first + 1);
        }
        return count;
    }

    /// <summary>The holes of the reserved set over the whole address space: what IOMMU_IOAS_IOVA_RANGES reports.</summary>
    public IEnumerable<IovaRange> UsableRanges()
    {
        ulong next = 0;
        for (int slot = Reserved.First; slot >= 0; slot = Reserved.Next(slot))
        {
            IovaRange reserved = Reserved.Range(slot);
            if (reserved.Start > next)
                yield return new IovaRange(next, reserved.Start - 1);
            if (reserved.Last == ulong.MaxValue)
                yield break;
            next = Math.Max(next, reserved.Last + 1);
        }
        yield return new IovaRange(next, ulong.MaxValue);
    }

    internal void Clear()
    {
        if (Unmap(IovaRange.Whole, out _) is { } refusal)
            throw new InvalidOperationException($"IOAS {_ioas.Id} could not be emptied: {refusal.Reason}");
    }

    private void Raise(EngineEventKind kind, IovaRange range = default, ulong value = 0, uint other = 0) =>
        _ioas.Context.Raise(kind, _ioas.Id, other, range, value);
}
