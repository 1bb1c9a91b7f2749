// Unmapping: one pass over the tables of a range. It stops at the first hole, takes a leaf whole or not at all, and frees a table that the range covers from its first to its
// last address.
using System.Runtime.CompilerServices;

namespace IommuDash.Engine.PageTables;

public sealed unsafe partial class RadixPageTable<TFormat>
{
    public override ulong Unmap(ulong iova, ulong lengthBytes)
    {
        if (lengthBytes == 0 || ((iova | lengthBytes) & _granuleMask) != 0)
            return 0;
        ulong reach = LastOfBits(SpanShift(_levels - 1));
        if (iova > reach)
            return 0;
        ulong last = iova + Math.Min(lengthBytes - 1, reach - iova);
        ulong next = iova;

        // A whole table has to be reached from above, to be freed.
        if (Tag(iova) == _cursorTag && Tag(last) == _cursorTag && last - iova < LastOfBits(SpanShift(0)))
            UnmapItems(_cursorTable, ref next, last);
        else
            UnmapTable(_root, _levels - 1, ref next, last);
        return next - iova;
    }

    /// <summary>Unmaps what of [next, last] this table maps and moves <paramref name="next"/> on. False: something stopped it before the end of both.</summary>
    private bool UnmapTable(ulong* table, int level, ref ulong next, ulong last)
    {
        if (level == 0)
        {
            SetCursor(table, next);
            return UnmapItems(table, ref next, last);
        }
        ulong itemMask = LastOfBits(ItemShift(level));
        for (int index = Index(level, next); index < Entries; index = NextIndex(level, index, next))
        {
            ulong raw = table[index];
            if (raw == 0)
                return false;
            if (TFormat.IsTable(level, raw))
            {
                bool covered = (next & itemMask) == 0 && (next | itemMask) <= last;
                ulong lower = TFormat.TableTarget(raw);
                if (!UnmapTable(Table(lower), level - 1, ref next, last))
                    return false;
                if (covered)
                {
                    table[index] = 0;
                    FreeTable(lower, level - 1);
                }
            }
            else if (!TryUnmapLeaf(table, level, index, ref next))
            {
                return false;
            }
            if (unchecked(next - 1) >= last)
                return true;
        }
        return true;
    }

    /// <summary>The entry at <paramref name="next"/>; a table that has been left is at its end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int NextIndex(int level, int index, ulong next)
    {
        int following = Index(level, next);
        return following > index ? following : Entries;
    }

    private bool UnmapItems(ulong* table, ref ulong next, ulong last)
    {
        int index = Index(0, next);
        int wanted = (int)Math.Min((ulong)(Entries - index), ((last - next) >> TFormat.GranuleShift) + 1);
        return TFormat.HasRuns ? UnmapRunItems(table, ref next, index, index + wanted) : UnmapPlainItems(table, ref next, index, wanted);
    }

    private bool UnmapPlainItems(ulong* table, ref ulong next, int index, int wanted)
    {
        if (wanted == 1)
        {
            if (table[index] == 0)
                return false;
            table[index] = 0;
            _leafCounts[TFormat.GranuleShift]--;
            next += 1UL << TFormat.GranuleShift;
            return true;
        }
        var items = new Span<ulong>(table + index, wanted);
        int hole = items.IndexOf(0UL);
        int present = hole < 0 ? wanted : hole;
        items[..present].Clear();
        _leafCounts[TFormat.GranuleShift] -= present;
        next += (ulong)present << TFormat.GranuleShift;
        return hole < 0;
    }

    private bool UnmapRunItems(ulong* table, ref ulong next, int index, int end)
    {
        int ones = 0;
        bool whole = true;
        while (index < end)
        {
            ulong raw = table[index];
            if (raw == 0)
            {
                whole = false;
                break;
            }
            TFormat.LeafTarget(0, raw, out int pageShift);
            if (pageShift == TFormat.GranuleShift)
            {
                table[index++] = 0;
                ones++;
                next += 1UL << TFormat.GranuleShift;
                continue;
            }
            if (!TryUnmapLeaf(table, 0, index, ref next))
            {
                whole = false;
                break;
            }
            index += 1 << (pageShift - TFormat.GranuleShift);
        }
        _leafCounts[TFormat.GranuleShift] -= ones;
        return whole;
    }

    private bool TryUnmapLeaf(ulong* table, int level, int index, ref ulong next)
    {
        TFormat.LeafTarget(level, table[index], out int pageShift);
        if ((next & LastOfBits(pageShift)) != 0)
            return false;
        new Span<ulong>(table + index, 1 << (pageShift - ItemShift(level))).Clear();
        _leafCounts[pageShift]--;
        next += 1UL << pageShift;
        return true;
    }
}
