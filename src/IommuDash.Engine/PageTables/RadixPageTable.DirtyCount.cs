// Dirty leaves as they are in the table, for whoever shows or sums them: no bitmap, no clearing, and none of the reference's own way of recording leaves of several slots.
namespace IommuDash.Engine.PageTables;

public sealed unsafe partial class RadixPageTable<TFormat>
{
    public override void CountDirty(ulong iova, ulong last, int cellShift, Span<ulong> cells)
    {
        if ((last - iova) >> cellShift >= (ulong)cells.Length)
            throw new ArgumentException($"{cells.Length} cells of 2^{cellShift} bytes do not hold 0x{iova:x} to 0x{last:x}.", nameof(cells));
        CountDirty(iova, last, new DirtyCells(cells, iova, last, cellShift));
    }

    public override ulong DirtyBytes(ulong iova, ulong last)
    {
        Span<ulong> halves = [0, 0];
        CountDirty(iova, last, new DirtyCells(halves, 0, ulong.MaxValue, 63));
        return halves[0] + halves[1];
    }

    public override ulong MarkDirty(ulong iova, ulong last)
    {
        ulong marked = 0;
        for (ulong position = iova; ;)
        {
            int pageShift = TFormat.GranuleShift;
            ulong* entry = FindLeafEntry(position, out int level, out int index);
            if (entry != null)
            {
                TFormat.LeafTarget(level, *entry, out pageShift);
                (int start, int count) = RunOf(level, *entry, index);
                marked += IsRunDirty(entry - index + start, count) ? 0 : 1UL << pageShift;
                *entry |= TFormat.DirtyBit;
            }
            ulong leafLast = position | LastOfBits(pageShift);
            if (leafLast >= last)
                return marked;
            position = leafLast + 1;
        }
    }

    private void CountDirty(ulong iova, ulong last, DirtyCells cells)
    {
        ulong reach = LastOfBits(SpanShift(_levels - 1));
        if (iova <= last && iova <= reach)
            CountDirtyTable(_root, _levels - 1, iova, Math.Min(last, reach), cells);
    }

    /// <summary>Counts the leaves that [iova, last] touches, which lie in this one table.</summary>
    private void CountDirtyTable(ulong* table, int level, ulong iova, ulong last, DirtyCells cells)
    {
        int index = Index(level, iova);
        int end = Index(level, last) + 1;
        ulong tableStart = iova & ~LastOfBits(SpanShift(level));
        if (level == 0)
        {
            index = RunOf(0, table[index], index).Start;
            end = RunEnd(table, end);
        }
        while (index < end)
        {
            if (level == 0)
            {
                index = NextDirty(table, index, end);
                if (index == end)
                    return;
            }
            ulong raw = table[index];
            ulong itemStart = tableStart + ((ulong)index << ItemShift(level));
            if (raw != 0 && TFormat.IsTable(level, raw))
            {
                CountDirtyTable(Table(TFormat.TableTarget(raw)), level - 1, Math.Max(iova, itemStart), Math.Min(last, itemStart | LastOfBits(ItemShift(level))), cells);
                index++;
                continue;
            }
            (int start, int count) = RunOf(level, raw, index);
            if (raw != 0 && IsRunDirty(table + start, count))
                cells.Add(tableStart + ((ulong)start << ItemShift(level)), (ulong)count << ItemShift(level));
            index = start + count;
        }
    }

    // Bytes of dirty leaves, cut to a window and added to the cells they lie in.
    private readonly ref struct DirtyCells(Span<ulong> bytes, ulong start, ulong last, int shift)
    {
        private readonly Span<ulong> _bytes = bytes;

        public void Add(ulong leaf, ulong lengthBytes)
        {
            ulong from = Math.Max(leaf, start);
            ulong to = Math.Min(leaf + (lengthBytes - 1), last);
            while (from <= to)
            {
                var cell = (int)((from - start) >> shift);
                ulong cellLast = start + (((ulong)cell << shift) | LastOfBits(shift));
                ulong end = cellLast < start ? to : Math.Min(cellLast, to);
                _bytes[cell] += end - from + 1;
                if (end == to)
                    return;
                from = end + 1;
            }
        }
    }
}
