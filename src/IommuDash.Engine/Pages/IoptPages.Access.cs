// Pages held by in-kernel users: accesses pin page ranges and keep the frames in the PFN store, whatever domains come and go.
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Pages;

public sealed partial class IoptPages
{
    /// <summary>
    /// Holds pages [first, last] for an access. The same range again only counts up. EPERM to write pages that are not writable; EFAULT, ENOMEM as for pinning; nothing is held on refusal.
    /// </summary>
    internal Refusal? AddAccess(ulong first, ulong last, bool write)
    {
        if (write && !IsWritable)
            return new Refusal(Errno.EPERM, "access.write", "The memory was mapped without WRITEABLE, so an access may not write it.");
        PagesSharing sharing = Sharing();
        int same = sharing.FindAccess(first, last);
        if (same >= 0)
        {
            sharing.AccessUsers(same)++;
            return null;
        }
        uint pinnedBefore = PinnedPages;
        Refusal? refusal = null;
        ulong index = first;
        var added = new List<(ulong Index, uint Pages, PhysicalRun Run, bool IsFresh)>();
        while (index <= last && refusal is null)
        {
            if (SourceOf(index, last, out ulong spanLast, out _, out _) == PfnSource.Store)
            {
                index = spanLast + 1;
                continue;
            }
            Span<PhysicalRun> runs = Context.Host.ScratchRuns;
            refusal = ReadRuns(index, spanLast, runs, out int count, out _, out bool areFresh);
            for (int i = 0; refusal is null && i < count; i++)
            {
                added.Add((index, FrameCount(runs[i]), runs[i], areFresh));
                index += FrameCount(runs[i]);
            }
        }
        refusal ??= Charge(PinnedPages - pinnedBefore);
        if (refusal is null)
        {
            foreach ((ulong start, uint pages, PhysicalRun run, _) in added)
            {
                for (uint i = 0; i < pages; i++)
                    sharing.Store(start + i, FirstFrame(run) + i);
            }
            sharing.AddAccess(first, last);
            return null;
        }
        foreach ((_, uint pages, PhysicalRun run, _) in added.Where(a => a.IsFresh))
            Unpin(FirstFrame(run), pages);
        if (sharing.IsEmpty)
            _holders = null;
        return refusal;
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

    /// <summary>The frame an access sees for a page it holds.</summary>
    internal uint HeldFrame(ulong index) => ((PagesSharing)_holders!).Stored(index);
}
