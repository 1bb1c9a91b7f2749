namespace IommuDash.Engine.Tests.Iova;

/// <summary>The allocation rules followed step by step over plain lists, visiting every hole; UInt128 so that nothing can wrap unnoticed.</summary>
internal static class ReferenceAllocator
{
    private const ulong Page = 4096;

    public static (Errno Errno, ulong Iova) Allocate(
        IReadOnlyList<IovaRange> areas,
        IReadOnlyList<IovaRange> reserved,
        IReadOnlyList<IovaRange> allowed,
        ulong length,
        ulong sourceAddress,
        ulong iovaAlignment,
        ulong largePage)
    {
        if (length == 0 || length >= ulong.MaxValue / 2)
            return (Errno.EOVERFLOW, 0);
        UInt128 offset = sourceAddress % Page;
        UInt128 align = 1;
        while (align < length)
            align *= 2;
        UInt128 justified = 1;
        while (sourceAddress != 0 && sourceAddress % (justified * 2) == 0)
            justified *= 2;
        if (sourceAddress != 0 && justified < align)
            align = justified;
        if (align > largePage)
            align = largePage;
        if (align < iovaAlignment)
            return (Errno.EINVAL, 0);

        ulong lowest = Page;
        ulong highest = ulong.MaxValue - Page;
        IEnumerable<IovaRange> windows = allowed.Count == 0
            ? [new IovaRange(lowest, highest)]
            : Merge(allowed).Where(range => range.Start <= highest && range.Last >= lowest)
                .Select(range => new IovaRange(Math.Max(range.Start, lowest), Math.Min(range.Last, highest)));
        List<IovaRange> used = Merge([.. areas, .. reserved]);
        foreach (IovaRange window in windows)
        {
            if (Place(window.Start, window.Last) is not { } first)
                continue;
            UInt128 at = first;
            foreach (IovaRange range in used)
            {
                if (range.Last < at)
                    continue;
                if (range.Start > window.Last)
                    break;
                if (range.Start > at && Place(at, range.Start - 1) is { } place)
                    return (Errno.None, (ulong)place);
                at = (UInt128)range.Last + 1;
            }
            if (at <= window.Last && Place(at, window.Last) is { } behind)
                return (Errno.None, (ulong)behind);
        }
        return (Errno.ENOSPC, 0);

        UInt128? Place(UInt128 start, UInt128 last)
        {
            UInt128 aligned = (start + align - 1) / align * align;
            if (start + align - 1 > ulong.MaxValue)
                return null;
            aligned |= offset;
            return aligned >= last || last - aligned < length - 1 ? null : aligned;
        }
    }

    // Ascending, overlapping and touching ranges made one.
    private static List<IovaRange> Merge(IReadOnlyList<IovaRange> ranges)
    {
        var merged = new List<IovaRange>();
        foreach (IovaRange range in ranges.OrderBy(range => range.Start))
        {
            if (merged.Count > 0 && (UInt128)merged[^1].Last + 1 >= range.Start)
                merged[^1] = new IovaRange(merged[^1].Start, Math.Max(merged[^1].Last, range.Last));
            else
                merged.Add(range);
        }
        return merged;
    }
}
