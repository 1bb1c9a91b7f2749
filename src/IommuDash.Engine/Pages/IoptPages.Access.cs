// Pages held by in-kernel users: accesses pin page ranges and keep the frames in the PFN store, whatever domains come and go.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Pages;

public partial class IoptPages
{
    /// <summary>
    /// Holds pages [first, last] for an access. The same range again only counts up. EPERM to write pages that are not writable; EFAULT, ENOMEM as for pinning; nothing is held on refusal.
    /// </summary>
    internal Refusal? AddAccess(ulong first, ulong last, bool write)
    {
        if (write && !IsWritable)
            return new Refusal(Errno.EPERM, "access.write", "The memory was mapped without WRITEABLE, so an access may not write it.");
        if (IsDmabuf)
            return new Refusal(Errno.EINVAL, "access.dmabuf", "Memory of a dma-buf is its exporter's; accesses may not use it.");
        PagesSharing sharing = Sharing();
        int same = sharing.FindAccess(first, last);
        if (same >= 0)
        {
            sharing.AccessUsers(same)++;
            return null;
        }
        uint pinnedBefore = PinnedPages;
        var added = new List<StoreRun>();
        Refusal? refusal = Collect(first, last, added) ?? Put(sharing, added) ?? Charge(PinnedPages - pinnedBefore);
        if (refusal is null)
        {
            sharing.AddAccess(first, last);
            return null;
        }
        foreach (StoreRun run in added)
        {
            for (uint i = 0; i < run.Pages; i++)
                sharing.Forget(run.Index + i);
            if (run.IsFresh)
                Unpin(run.Pfn, run.Pages);
        }
        if (sharing.IsEmpty)
            _holders = null;
        return refusal;
    }

    private readonly record struct StoreRun(ulong Index, uint Pfn, uint Pages, bool IsFresh);

    // Finds or pins the frames of [first, last] that the store has not got.
    private Refusal? Collect(ulong first, ulong last, List<StoreRun> added)
    {
        if (Context.Host.Fails(FailurePoint.BatchMemory))
            return Injected.Refusal(Errno.ENOMEM, FailurePoint.BatchMemory);
        for (ulong index = first; index <= last;)
        {
            if (SourceOf(index, last, out ulong spanLast, out _, out _) == PfnSource.Store)
            {
                index = spanLast + 1;
                continue;
            }
            Span<PhysicalRun> runs = Context.Host.ScratchRuns;
            if (ReadRuns(index, spanLast, runs, out int count, out _, out bool areFresh) is { } refusal)
                return refusal;
            foreach (PhysicalRun run in runs[..count])
            {
                added.Add(new StoreRun(index, FirstFrame(run), FrameCount(run), areFresh));
                index += FrameCount(run);
            }
        }
        return null;
    }

    private Refusal? Put(PagesSharing sharing, List<StoreRun> added)
    {
        for (int i = 0; i < added.Count; i++)
        {
            if (i == added.Count / 2 && Context.Host.Fails(FailurePoint.StorePfns))
                return Injected.Refusal(Errno.EINVAL, FailurePoint.StorePfns);
            for (uint page = 0; page < added[i].Pages; page++)
                sharing.Store(added[i].Index + page, added[i].Pfn + page);
        }
        return null;
    }

    /// <summary>Gives up one hold of exactly [first, last]; with the last one, pages that no domain and no other access covers are unpinned.</summary>
    /// <exception cref="InvalidOperationException">There is no such hold.</exception>
    internal void RemoveAccess(ulong first, ulong last)
    {
        int node = _holders is PagesSharing held ? held.FindAccess(first, last) : -1;
        if (node < 0)
            throw new InvalidOperationException($"Pages {first} to {last} are not held by an access.");
        var sharing = (PagesSharing)_holders!;
        if (--sharing.AccessUsers(node) != 0)
            return;
        sharing.RemoveAccess(node);
        uint pinnedBefore = PinnedPages;
        for (ulong index = first; index <= last;)
        {
            PfnSource source = SourceOf(index, last, out ulong spanLast, out _, out _);
            for (; index <= spanLast; index++)
            {
                if (source == PfnSource.Memory)
                    Unpin(sharing.Stored(index), 1);
                if (source != PfnSource.Store)
                    sharing.Forget(index);
            }
        }
        Uncharge(pinnedBefore - PinnedPages);
        if (sharing.IsEmpty)
            _holders = null;
    }

    /// <summary>Page ranges that accesses hold, both ends inclusive, and how often.</summary>
    public IEnumerable<(ulong First, ulong Last, int Users)> AccessHolds => (_holders as PagesSharing)?.Accesses ?? [];

    /// <summary>The frame of a page if an access holds it.</summary>
    internal bool TryHeldFrame(ulong index, out uint pfn)
    {
        pfn = 0;
        return _holders is PagesSharing sharing && sharing.TryStored(index, out pfn);
    }

    /// <summary>The frame an access sees for a page it holds.</summary>
    internal uint HeldFrame(ulong index) => ((PagesSharing)_holders!).Stored(index);
}
