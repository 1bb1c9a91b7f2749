// Mapping: cut a run into stretches of equal leaves that lie in one table, check the stretch, write it. A stretch is written wholly or not at all, so undoing a failed call is
// one unmap of the stretches before it.
using System.Numerics;
using System.Runtime.CompilerServices;

namespace IommuDash.Engine.PageTables;

public sealed unsafe partial class RadixPageTable<TFormat>
{
    public override Errno Map(ulong iova, ulong physical, ulong lengthBytes, IommuProt prot, int maxPageShift = 63)
    {
        if (IsOneItemAtCursor(iova, lengthBytes, maxPageShift))
        {
            Errno refused = CheckRun(iova, physical, lengthBytes, prot);
            return refused != Errno.None ? refused : MapOneItem(iova, physical, prot);
        }
        var run = new PhysicalRun(physical, lengthBytes);
        return MapRuns(iova, new ReadOnlySpan<PhysicalRun>(in run), prot, maxPageShift);
    }

    public override Errno MapRuns(ulong iova, ReadOnlySpan<PhysicalRun> runs, IommuProt prot, int maxPageShift = 63)
    {
        ulong sizes = _shape.PageSizeBitmap & LastOfBits(maxPageShift + 1);
        if (sizes == 0)
            return Errno.ENXIO;
        Errno errno = CheckRuns(iova, runs, prot, out ulong last);
        if (errno != Errno.None)
            return errno;
        if (!TryGrow(last))
            return Errno.ENOMEM;

        ulong next = iova;
        foreach (ref readonly PhysicalRun run in runs)
        {
            if (!IsOneItemAtCursor(next, run.LengthBytes, maxPageShift))
                errno = MapRun(ref next, run, prot, sizes);
            else if ((errno = MapOneItem(next, run.Physical, prot)) == Errno.None)
                next += run.LengthBytes;
            if (errno == Errno.None)
                continue;
            if (next != iova)
                Unmap(iova, next - iova);
            return errno;
        }
        return Errno.None;
    }

    /// <summary>Whether a run is one level-0 entry in the table the cursor names: by far the most frequent call.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsOneItemAtCursor(ulong iova, ulong lengthBytes, int maxPageShift) =>
        lengthBytes == 1UL << TFormat.GranuleShift && Tag(iova) == _cursorTag && maxPageShift >= TFormat.GranuleShift;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Errno MapOneItem(ulong iova, ulong physical, IommuProt prot)
    {
        ulong* item = _cursorTable + Index(0, iova);
        if (*item != 0)
            return Errno.EADDRINUSE;
        *item = TFormat.LeafAttributes(0, TFormat.GranuleShift, prot, _coherent) | TFormat.LeafAddress(0, TFormat.GranuleShift, physical);
        _leafCounts[TFormat.GranuleShift]++;
        return Errno.None;
    }

    private Errno CheckRuns(ulong iova, ReadOnlySpan<PhysicalRun> runs, IommuProt prot, out ulong last)
    {
        last = unchecked(iova - 1);
        if (runs.IsEmpty)
            return Errno.EINVAL;
        foreach (ref readonly PhysicalRun run in runs)
        {
            ulong start = unchecked(last + 1);
            if (start < iova)
                return Errno.EOVERFLOW;
            Errno refused = CheckRun(start, run.Physical, run.LengthBytes, prot);
            if (refused != Errno.None)
                return refused;
            last = start + (run.LengthBytes - 1);
        }
        return Errno.None;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Errno CheckRun(ulong iova, ulong physical, ulong lengthBytes, IommuProt prot)
    {
        if ((prot & (IommuProt.Read | IommuProt.Write)) == 0 && !_shape.MapsWithoutRights)
            return Errno.EINVAL;
        ulong outputLast = (1UL << TFormat.OutputBits) - 1;
        if (physical > outputLast || (lengthBytes != 0 && lengthBytes - 1 > outputLast - physical))
            return Errno.ERANGE;
        if (lengthBytes == 0)
            return Errno.EINVAL;
        if (lengthBytes - 1 > ulong.MaxValue - iova)
            return Errno.EOVERFLOW;
        if (((iova | physical | lengthBytes) & _granuleMask) != 0)
            return Errno.ENXIO;
        return iova + (lengthBytes - 1) > _inputLast ? Errno.ERANGE : Errno.None;
    }

    /// <summary>Adds levels until the top reaches <paramref name="last"/>; the old top becomes entry 0 of the new one. False: no frame, and the top is as it was.</summary>
    private bool TryGrow(ulong last)
    {
        int levelsBefore = _levels;
        while (last > LastOfBits(SpanShift(_levels - 1)))
        {
            if (!TryNewTable(_levels, out ulong physical))
            {
                while (_levels > levelsBefore)
                    DropTop();
                return false;
            }
            ulong* top = Table(physical);
            top[0] = TFormat.TableEntry(_levels, _rootPhysical);
            _root = top;
            _rootPhysical = physical;
            _levels++;
        }
        return true;
    }

    private void DropTop()
    {
        ulong lower = TFormat.TableTarget(_root[0]);
        _levels--;
        FreeTable(_rootPhysical, _levels);
        _rootPhysical = lower;
        _root = Table(lower);
    }

    /// <param name="next">Where the run starts; on return, behind what of it is mapped.</param>
    private Errno MapRun(ref ulong next, in PhysicalRun run, IommuProt prot, ulong sizes)
    {
        ulong last = next + (run.LengthBytes - 1);
        ulong physical = run.Physical;
        while (true)
        {
            ulong stretchLast = EqualLeaves(sizes, next, physical, last, out int pageShift);
            int level = LevelOf(pageShift);
            Errno errno = TryDescend(level, next, out ulong* table);
            if (errno != Errno.None)
                return errno;
            stretchLast = Math.Min(stretchLast, next | LastOfBits(SpanShift(level)));
            ulong pages = (stretchLast - next + 1) >> pageShift;
            if (!TryWriteLeaves(table, level, Index(level, next), pageShift, (int)pages, physical, prot))
                return Errno.EADDRINUSE;
            physical += stretchLast - next + 1;
            next = unchecked(stretchLast + 1);
            if (stretchLast == last)
                return Errno.None;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int LevelOf(int pageShift) => (pageShift - TFormat.GranuleShift) / LevelBits;

    /// <summary>Finds the largest leaf that divides both addresses and fits, and the last address up to which no other size is better.</summary>
    private static ulong EqualLeaves(ulong sizes, ulong iova, ulong physical, ulong last, out int pageShift)
    {
        ulong bytes = last - iova + 1;
        ulong fitting = sizes & LastOfBits(BitOperations.Log2(bytes) + 1);
        ulong dividing = fitting & LastOfBits(BitOperations.TrailingZeroCount(iova | physical) + 1);
        pageShift = BitOperations.Log2(dividing);

        // A larger leaf that fits may become possible at its next boundary, if both addresses reach theirs together.
        ulong stretch = bytes >> pageShift << pageShift;
        ulong larger = fitting & ~LastOfBits(pageShift + 1);
        if (larger != 0)
        {
            ulong size = larger & (0 - larger);
            ulong toBoundary = (0 - iova) & (size - 1);
            if (((iova ^ physical) & (size - 1)) == 0 && toBoundary <= bytes && bytes - toBoundary >= size)
                stretch = toBoundary;
        }
        return iova + (stretch - 1);
    }

    /// <summary>Finds the table at a level on the way to an address, making those that miss.</summary>
    private Errno TryDescend(int level, ulong iova, out ulong* table)
    {
        if (level == 0 && Tag(iova) == _cursorTag)
        {
            table = _cursorTable;
            return Errno.None;
        }
        table = _root;
        for (int at = _levels - 1; at > level; at--)
        {
            ulong* item = table + Index(at, iova);
            if (*item == 0)
            {
                if (!TryNewTable(at - 1, out ulong physical))
                    return Errno.ENOMEM;
                *item = TFormat.TableEntry(at, physical);
            }
            else if (!TFormat.IsTable(at, *item))
            {
                return Errno.EADDRINUSE;
            }
            table = Table(TFormat.TableTarget(*item));
        }
        if (level == 0)
            SetCursor(table, iova);
        return Errno.None;
    }

    private bool TryWriteLeaves(ulong* table, int level, int index, int pageShift, int pages, ulong physical, IommuProt prot)
    {
        int itemsPerPage = 1 << (pageShift - ItemShift(level));
        var items = new Span<ulong>(table + index, pages * itemsPerPage);
        if (items.ContainsAnyExcept(0UL) && !TryClearEmptyTables(items, level))
            return false;
        ulong attributes = TFormat.LeafAttributes(level, pageShift, prot, _coherent);
        if (itemsPerPage == 1)
        {
            for (int i = 0; i < items.Length; i++)
                items[i] = attributes | TFormat.LeafAddress(level, pageShift, physical + ((ulong)i << pageShift));
        }
        else
        {
            for (int i = 0; i < pages; i++)
                items.Slice(i * itemsPerPage, itemsPerPage).Fill(attributes | TFormat.LeafAddress(level, pageShift, physical + ((ulong)i << pageShift)));
        }
        _leafCounts[pageShift] += pages;
        return true;
    }

    /// <summary>Makes room for a leaf where only tables without leaves stand, and frees them. False: a leaf is in the way, nothing is changed.</summary>
    private bool TryClearEmptyTables(Span<ulong> items, int level)
    {
        if (level == 0)
            return false;
        foreach (ulong raw in items)
        {
            if (raw != 0 && !(TFormat.IsTable(level, raw) && IsWithoutLeaves(TFormat.TableTarget(raw), level - 1)))
                return false;
        }
        foreach (ulong raw in items)
        {
            if (raw != 0)
                FreeSubtree(TFormat.TableTarget(raw), level - 1);
        }
        return true;
    }

    private bool IsWithoutLeaves(ulong physical, int level)
    {
        var items = new ReadOnlySpan<ulong>(Table(physical), Entries);
        if (level == 0)
            return !items.ContainsAnyExcept(0UL);
        foreach (ulong raw in items)
        {
            if (raw != 0 && !(TFormat.IsTable(level, raw) && IsWithoutLeaves(TFormat.TableTarget(raw), level - 1)))
                return false;
        }
        return true;
    }
}
