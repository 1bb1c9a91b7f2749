// Dirty bits: which leaves hardware wrote to, read into a bitmap and cleared. Hardware may mark any one entry of a leaf that takes several: it is dirty if one of them is, and is cleared in all.
// Clean stretches cost one pass of vector loads over the level-0 tables.
using System.Numerics;
using System.Runtime.CompilerServices;

namespace IommuDash.Engine.PageTables;

public sealed unsafe partial class RadixPageTable<TFormat>
{
    public override void ReadDirty(ulong iova, ulong last, bool clear, DirtyBitmap bitmap)
    {
        ulong reach = LastOfBits(SpanShift(_levels - 1));
        if (iova > reach)
            return;
        last = Math.Min(last, reach);
        if (_shape.DirtyReadStepsByLeaf)
            ReadDirtyByLeaf(iova, last, clear, bitmap);
        else
            ReadDirtyTable(_root, _levels - 1, iova, last, clear, bitmap);
    }

    public override bool MarkDirty(ulong iova)
    {
        ulong* entry = FindLeafEntry(iova, out _, out _);
        if (entry == null)
            return false;
        *entry |= TFormat.DirtyBit;
        return true;
    }

    public override bool IsDirty(ulong iova)
    {
        ulong* entry = FindLeafEntry(iova, out int level, out int index);
        if (entry == null)
            return false;
        (int start, int count) = RunOf(level, *entry, index);
        return IsRunDirty(entry - index + start, count);
    }

    /// <summary>Reads [iova, last], which lie in this one table.</summary>
    private void ReadDirtyTable(ulong* table, int level, ulong iova, ulong last, bool clear, DirtyBitmap bitmap)
    {
        int first = Index(level, iova);
        int end = Index(level, last) + 1;
        ulong tableStart = iova & ~LastOfBits(SpanShift(level));
        for (int index = first; index < end;)
        {
            if (level == 0)
            {
                index = NextDirty(table, Math.Min(index, RunOf(0, table[index], index).Start), RunEnd(table, end));
                if (index >= RunEnd(table, end))
                    return;
            }
            ulong raw = table[index];
            ulong itemStart = tableStart + ((ulong)index << ItemShift(level));
            if (raw != 0 && TFormat.IsTable(level, raw))
            {
                ulong from = Math.Max(iova, itemStart);
                ReadDirtyTable(Table(TFormat.TableTarget(raw)), level - 1, from, Math.Min(last, itemStart | LastOfBits(ItemShift(level))), clear, bitmap);
                index++;
                continue;
            }
            (int start, int count) = RunOf(level, raw, index);
            if (raw != 0 && IsRunDirty(table + start, count))
            {
                int slot = Math.Max(start, first);
                ulong position = slot == first ? iova : tableStart + ((ulong)slot << ItemShift(level));
                bitmap.Record(position, RecordedBytes(level, slot, start, count, end));
                if (clear)
                    ClearRun(table + start, count);
            }
            index = start + count;
        }
    }

    // The reference's length for a leaf of several slots leaves the last one out; readers of its selftest count on that.
    private static ulong RecordedBytes(int level, int slot, int start, int count, int end) =>
        (count == 1 ? 1UL : (ulong)(Math.Min(start + count - 1, end) - slot)) << ItemShift(level);

    /// <summary>The end of a window over a level-0 table, moved up to the end of the leaf it may cut.</summary>
    private static int RunEnd(ulong* table, int end)
    {
        (int start, int count) = RunOf(0, table[end - 1], end - 1);
        return start + count;
    }

    /// <summary>The first entry of [index, end) with the dirty bit, or <paramref name="end"/>.</summary>
    private static int NextDirty(ulong* table, int index, int end)
    {
        var dirty = new Vector<ulong>(TFormat.DirtyBit);
        int width = Vector<ulong>.Count;
        for (; index + (4 * width) <= end; index += 4 * width)
        {
            Vector<ulong> any = Vector.Load(table + index) | Vector.Load(table + index + width) | Vector.Load(table + index + (2 * width)) | Vector.Load(table + index + (3 * width));
            if ((any & dirty) != Vector<ulong>.Zero)
                break;
        }
        while (index < end && (table[index] & TFormat.DirtyBit) == 0)
            index++;
        return index;
    }

    // The reference before its generic table: whatever leaf the position is in counts whole from there, and the next position lies that much further.
    private void ReadDirtyByLeaf(ulong iova, ulong last, bool clear, DirtyBitmap bitmap)
    {
        for (ulong position = iova; ;)
        {
            ulong step = 1UL << TFormat.GranuleShift;
            ulong* entry = FindLeafEntry(position, out int level, out int index);
            if (entry != null)
            {
                TFormat.LeafTarget(level, *entry, out int pageShift);
                step = 1UL << pageShift;
                (int start, int count) = RunOf(level, *entry, index);
                ulong* run = entry - index + start;
                if (IsRunDirty(run, count))
                {
                    bitmap.Record(position, step);
                    if (clear)
                        ClearRun(run, count);
                }
            }
            if (step - 1 >= last - position)
                return;
            position += step;
        }
    }

    private ulong* FindLeafEntry(ulong iova, out int level, out int index)
    {
        level = _levels - 1;
        index = 0;
        if (iova > LastOfBits(SpanShift(level)))
            return null;
        ulong* table = _root;
        while (true)
        {
            index = Index(level, iova);
            ulong raw = table[index];
            if (raw == 0)
                return null;
            if (!TFormat.IsTable(level, raw))
                return table + index;
            table = Table(TFormat.TableTarget(raw));
            level--;
        }
    }

    /// <summary>The entries one leaf takes, of which this is one; an empty entry is alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (int Start, int Count) RunOf(int level, ulong raw, int index)
    {
        if (!TFormat.HasRuns || raw == 0)
            return (index, 1);
        TFormat.LeafTarget(level, raw, out int pageShift);
        int count = 1 << (pageShift - ItemShift(level));
        return (index & ~(count - 1), count);
    }

    private static bool IsRunDirty(ulong* run, int count) => NextDirty(run, 0, count) != count;

    private static void ClearRun(ulong* run, int count)
    {
        for (int i = 0; i < count; i++)
            run[i] &= ~TFormat.DirtyBit;
    }
}
