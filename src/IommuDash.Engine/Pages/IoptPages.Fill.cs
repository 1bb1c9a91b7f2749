// Putting pages into page tables and taking them out again.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iova;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Pages;

public partial class IoptPages
{
    /// <summary>
    /// Shows an area's pages in each of <paramref name="domains"/>, pinning what is not pinned yet, and charges for it. All or nothing.
    /// EFAULT where the process has no suitable memory, ENOMEM without frames, above RLIMIT_MEMLOCK or without memory for tables.
    /// </summary>
    internal virtual Refusal? Fill(IoPagetable table, int slot, ReadOnlySpan<IommuDomain> domains)
    {
        ref IopArea area = ref table.Area(slot);
        IovaRange range = table.Areas.Range(slot);
        (ulong index, ulong lastIndex) = table.PageIndexes(slot);
        int maxPageShift = table.LargePagesDisabled ? PhysicalMemory.FrameShift : 63;
        uint pinnedBefore = PinnedPages;
        ulong iova = range.Start;
        Refusal? refusal = null;
        if (Context.Host.Fails(FailurePoint.BatchMemory))
            return Injected.Refusal(Errno.ENOMEM, FailurePoint.BatchMemory);
        while (true)
        {
            Span<PhysicalRun> runs = Context.Host.ScratchRuns;
            refusal = ReadRuns(index, lastIndex, runs, out int count, out ulong pageCount, out bool areFresh);
            if (refusal is not null)
                break;
            runs = runs[..count];
            ulong bytes = ClipToArea(runs, pageCount, index == area.FirstIndex ? area.PageOffset : 0u, range.Last - iova);
            refusal = MapBatch(domains, iova, runs, bytes, area.Prot, maxPageShift);
            if (refusal is not null)
            {
                if (areFresh)
                    Unpin(runs);
                break;
            }
            index += pageCount;
            if (index > lastIndex)
            {
                refusal = Charge(PinnedPages - pinnedBefore);
                if (refusal is null)
                    return null;
                iova = range.Last + 1;
                break;
            }
            iova += bytes;
        }
        if (iova != range.Start)
            Empty(table, slot, domains, domains[0], new IovaRange(range.Start, iova - 1));
        return refusal;
    }

    /// <summary>Makes the area count as in a domain, after its first <see cref="Fill"/>.</summary>
    internal void Hold(IoPagetable table, int slot, IommuDomain storage)
    {
        table.Area(slot).StorageDomain = storage;
        AddHolder(table, slot);
    }

    /// <summary>Takes an area out of all domains, and unpins what nothing else holds.</summary>
    internal virtual void Unfill(IoPagetable table, int slot, ReadOnlySpan<IommuDomain> domains)
    {
        ref IopArea area = ref table.Area(slot);
        if (area.StorageDomain is not { } storage)
            return;
        area.StorageDomain = null;
        RemoveHolder(table, slot);
        uint pinnedBefore = PinnedPages;
        Empty(table, slot, domains, storage, table.Areas.Range(slot));
        Uncharge(pinnedBefore - PinnedPages);
    }

    // Unmaps part of an area everywhere, the storage domain last, since its table is where the frames are read back from. Unmap calls cut between physical runs only, so no leaf is cut.
    private void Empty(IoPagetable table, int slot, ReadOnlySpan<IommuDomain> domains, IommuDomain storage, IovaRange part)
    {
        ulong length = part.Last - part.Start + 1;
        foreach (IommuDomain domain in domains)
        {
            if (domain != storage)
                domain.Unmap(part.Start, length);
        }
        ulong index = table.PageIndexes(slot).First;
        for (ulong iova = part.Start; ;)
        {
            Span<PhysicalRun> runs = Context.Host.ScratchRuns;
            runs = runs[..storage.ReadRuns(iova, part.Last, runs)];
            ulong bytes = 0;
            foreach (PhysicalRun run in runs)
                bytes += run.LengthBytes;
            if (bytes == 0 || storage.Unmap(iova, bytes) != bytes)
                throw new InvalidOperationException($"The storage domain does not hold {new IovaRange(iova, part.Last)} as its area says.");
            if (_holders is null)
                Unpin(runs);
            else
                index = UnpinUnheld(runs, index);
            iova += bytes;
            if (iova - 1 == part.Last)
                return;
        }
    }

    // Unpins the pages of runs, which begin at a page index, that no other area or access covers. Returns the index after them.
    private ulong UnpinUnheld(ReadOnlySpan<PhysicalRun> runs, ulong index)
    {
        foreach (PhysicalRun run in runs)
        {
            uint pfn = FirstFrame(run);
            ulong last = index + FrameCount(run) - 1;
            while (index <= last)
            {
                PfnSource source = SourceOf(index, last, out ulong spanLast, out _, out _);
                var pages = (uint)(spanLast - index + 1);
                if (source == PfnSource.Memory)
                    Unpin(pfn, pages);
                pfn += pages;
                index = spanLast + 1;
            }
        }
        return index;
    }

    private protected Refusal? MapBatch(ReadOnlySpan<IommuDomain> domains, ulong iova, ReadOnlySpan<PhysicalRun> runs, ulong bytes, IommuProt prot, int maxPageShift)
    {
        for (int i = 0; i < domains.Length; i++)
        {
            bool fails = domains[i] is RadixPageTable<MockAmdV1> && Context.Host.Level.MockMapCanFail && Context.Host.Fails(FailurePoint.MockMap);
            Errno errno = fails ? Errno.ENOENT : domains[i].MapRuns(iova, runs, prot, maxPageShift);
            if (errno == Errno.None)
                continue;
            foreach (IommuDomain done in domains[..i])
                done.Unmap(iova, bytes);
            return fails ? Injected.Refusal(errno, FailurePoint.MockMap) : WhyUnmapped(domains[i], iova, errno);
        }
        return null;
    }

    // iommu_map() itself refuses what is not aligned to the domain's smallest page, before the table could. Only a copy of several pieces, cut where the destination has no boundary, gets so far.
    private static Refusal WhyUnmapped(IommuDomain domain, ulong iova, Errno errno) => errno switch
    {
        Errno.ENOMEM => new Refusal(errno, "domain.map", $"No memory for another page table of {domain.FormatName} (machine memory, or option Limits:MachineWrittenBytes)."),
        Errno.ENXIO => new Refusal(Errno.EINVAL, "domain.alignment", $"A piece at 0x{iova:x} or its memory is not a multiple of the smallest page of {domain.FormatName}."),
        _ => new Refusal(errno, "domain.map", $"The {domain.FormatName} table refused 0x{iova:x}."),
    };

    // The first page of an area starts at its page offset, the last ends where the area does.
    private protected static ulong ClipToArea(Span<PhysicalRun> runs, ulong pageCount, uint pageOffset, ulong bytesLeftLess1)
    {
        ulong bytes = (pageCount << PhysicalMemory.FrameShift) - pageOffset;
        runs[0] = new PhysicalRun(runs[0].Physical + pageOffset, runs[0].LengthBytes - pageOffset);
        if (bytes - 1 <= bytesLeftLess1)
            return bytes;
        ulong excess = bytes - 1 - bytesLeftLess1;
        runs[^1] = runs[^1] with { LengthBytes = runs[^1].LengthBytes - excess };
        return bytes - excess;
    }

    private static uint FirstFrame(PhysicalRun run) => (uint)(run.Physical >> PhysicalMemory.FrameShift);

    private static uint FrameCount(PhysicalRun run) =>
        (uint)(((run.Physical + run.LengthBytes - 1) >> PhysicalMemory.FrameShift) - (run.Physical >> PhysicalMemory.FrameShift) + 1);
}
