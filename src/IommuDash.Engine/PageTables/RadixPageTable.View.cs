// What pages show of a table: counters, the walk of one address, one word taken apart.
using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.PageTables;

public sealed unsafe partial class RadixPageTable<TFormat>
{
    public override ulong TableBytes
    {
        get
        {
            ulong tables = 0;
            foreach (int count in _tableCounts)
                tables += (ulong)count;
            return tables << PhysicalMemory.FrameShift;
        }
    }

    public override ulong MappedBytes
    {
        get
        {
            ulong bytes = 0;
            for (int shift = 0; shift < _leafCounts.Length; shift++)
                bytes += (ulong)_leafCounts[shift] << shift;
            return bytes;
        }
    }

    public override (int LowBit, int Bits) IndexBits(int level)
    {
        int low = ItemShift(level);
        return (low, Math.Min(LevelBits, 64 - low));
    }

    public override int EntryCount(int level) => 1 << IndexBits(level).Bits;

    public override int TableCount(int level) => level < _levels ? _tableCounts[level] : 0;

    public override IReadOnlyList<(int PageShift, long Count)> LeafCounts()
    {
        var counts = new List<(int, long)>();
        for (int shift = 0; shift < _leafCounts.Length; shift++)
        {
            if (_leafCounts[shift] != 0)
                counts.Add((shift, _leafCounts[shift]));
        }
        return counts;
    }

    public override int Walk(ulong iova, Span<WalkStep> steps)
    {
        if (iova > LastOfBits(SpanShift(_levels - 1)))
            return 0;
        int count = 0;
        ulong physical = _rootPhysical;
        for (int level = _levels - 1; ; level--)
        {
            int index = Index(level, iova);
            ulong raw = Table(physical)[index];
            EntryKind kind = Decode(level, raw, out ulong target, out int pageShift);
            steps[count++] = new WalkStep(level, physical, index, raw, kind, target, pageShift);
            if (kind != EntryKind.Table)
                return count;
            physical = target;
        }
    }

    public override EntryKind Decode(int level, ulong raw, out ulong target, out int pageShift)
    {
        target = 0;
        pageShift = 0;
        if (!TFormat.IsPresent(raw))
            return EntryKind.Empty;
        if (TFormat.IsTable(level, raw))
        {
            target = TFormat.TableTarget(raw);
            return EntryKind.Table;
        }
        target = TFormat.LeafTarget(level, raw, out pageShift);
        return EntryKind.Leaf;
    }

    public override IReadOnlyList<EntryField> DescribeEntry(int level, ulong raw) => TFormat.Describe(level, raw);
}
