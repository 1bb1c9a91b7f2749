// Reads a page table for its icicle, level by level from the top. Tables at least a column wide are all read; of the narrower ones in a column, which lie in it wholly, the first few and then a
// fixed pick of the rest, each standing for as many as were seen. So the cost is bounded by levels × columns × picks tables, whatever the number of areas.
// The two reading loops are optimised at once: the first picture of a large table should not wait for the tiered compiler.
// Holds always: the same table gives the same picture (the pick is not random); counts that were not scaled are exact.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.PageTables;

namespace IommuDash.Workspaces.Views;

internal sealed class PageTableTreeScan
{
    private const int PickedTables = 4;

    private readonly PhysicalMemory _memory;
    private readonly IommuDomain _domain;
    private readonly IovaRange _window;
    private readonly int _columnShift;
    private readonly List<TreeItem> _items = [];
    private readonly List<TreeBand> _bands = [];
    private readonly List<TreeCrumb> _crumbs = [];

    /// <summary>Reads the window of 2^<paramref name="shift"/> bytes from <paramref name="start"/>, which is aligned to a column.</summary>
    public PageTableTreeScan(PhysicalMemory memory, IommuDomain domain, ulong start, int shift)
    {
        _memory = memory;
        _domain = domain;
        _window = PageTableTreeView.Block(start, shift);
        _columnShift = shift - PageTableTreeView.ColumnBits;
        var band = new Band(domain.Levels - 1);
        band.Wide.Add((domain.RootPhysical, 0));
        for (int level = domain.Levels - 1; level >= 0; level--)
        {
            var below = new Band(level - 1);
            foreach ((ulong physical, ulong iova) in band.Wide)
                ReadWide(level, physical, iova, band, below);
            for (int column = 0; column < PageTableTreeView.Columns; column++)
                ReadNarrow(level, column, band, below);
            Close(band);
            band = below;
        }
        Close(band);
    }

    public IReadOnlyList<TreeItem> Items => _items;

    public IReadOnlyList<TreeBand> Bands => _bands;

    public IReadOnlyList<TreeCrumb> Crumbs => _crumbs;

    /// <summary>From the first IOVA in use to the last; the table's whole reach if there is none.</summary>
    public static IovaRange Extent(PhysicalMemory memory, IommuDomain domain)
    {
        int top = domain.Levels - 1;
        return WordsOf(memory, domain, top, domain.RootPhysical).ContainsAnyExcept(0UL)
            ? new IovaRange(Edge(memory, domain, false).Start, Edge(memory, domain, true).Last)
            : PageTableTreeView.Block(0, PageTableTreeView.SpanShift(domain, top));
    }

    // Where the first or last entry in use of each table leads: a page, or a table that was emptied but stays.
    private static IovaRange Edge(PhysicalMemory memory, IommuDomain domain, bool last)
    {
        ulong table = domain.RootPhysical;
        ulong iova = 0;
        for (int level = domain.Levels - 1; ; level--)
        {
            ReadOnlySpan<ulong> words = WordsOf(memory, domain, level, table);
            int index = last ? words.LastIndexOfAnyExcept(0UL) : words.IndexOfAnyExcept(0UL);
            if (index < 0)
                return PageTableTreeView.Block(iova, PageTableTreeView.SpanShift(domain, level));
            iova += (ulong)index << domain.IndexBits(level).LowBit;
            EntryKind kind = domain.Decode(level, words[index], out ulong target, out int pageShift);
            if (kind != EntryKind.Table)
                return PageTableTreeView.Block(iova & ~PageTableTreeView.LastOffset(pageShift), pageShift);
            table = target;
        }
    }

    private static ReadOnlySpan<ulong> WordsOf(PhysicalMemory memory, IommuDomain domain, int level, ulong table) =>
        MemoryMarshal.Cast<byte, ulong>(memory.Read((uint)(table >> PhysicalMemory.FrameShift)))[..domain.EntryCount(level)];

    private int ColumnOf(ulong iova) => (int)((iova - _window.Start) >> _columnShift);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadWide(int level, ulong physical, ulong iova, Band band, Band below)
    {
        ReadOnlySpan<ulong> words = WordsOf(_memory, _domain, level, physical);
        int itemShift = _domain.IndexBits(level).LowBit;
        int used = 0, tables = 0, pages = 0;
        for (int i = 0; i < words.Length; i++)
        {
            if (words[i] == 0)
                continue;
            ulong at = iova + ((ulong)i << itemShift);
            EntryKind kind = _domain.Decode(level, words[i], out ulong target, out int pageShift);
            used += kind == EntryKind.Empty ? 0 : 1;
            if (kind == EntryKind.Table)
            {
                tables++;
                if (!PageTableTreeView.Block(at, itemShift).Overlaps(_window))
                    continue;
                if (itemShift >= _columnShift)
                    below.Wide.Add((target, at));
                else
                    below.SeeTable(ColumnOf(at), target, 1);
            }
            else if (kind == EntryKind.Leaf && (at & PageTableTreeView.LastOffset(pageShift)) == 0)
            {
                pages++;
                if (!PageTableTreeView.Block(at, pageShift).Overlaps(_window))
                    continue;
                if (pageShift >= _columnShift)
                    below.AddPage(at, pageShift);
                else
                    below.CountPages(ColumnOf(at), 1, Math.ScaleB(1, pageShift), false);
            }
        }
        int span = PageTableTreeView.SpanShift(_domain, level);
        band.Tables.Add(new TreeTable($"t{level}.{iova:x}", level, iova, physical, used, tables, pages));
        IovaRange range = PageTableTreeView.Block(iova, span);
        if (range.Start <= _window.Start && range.Last >= _window.Last)
            _crumbs.Add(new TreeCrumb(level, iova, span, physical));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadNarrow(int level, int column, Band band, Band below)
    {
        ReadOnlySpan<ulong> picked = band.Picked(column, out double weight);
        int itemShift = _domain.IndexBits(level).LowBit;
        foreach (ulong physical in picked)
        {
            ReadOnlySpan<ulong> words = WordsOf(_memory, _domain, level, physical);
            double pages = 0, bytes = 0;
            for (int i = 0; i < words.Length; i++)
            {
                if (words[i] == 0)
                {
                    int skip = words[i..].IndexOfAnyExcept(0UL);
                    if (skip < 0)
                        break;
                    i += skip;
                }
                EntryKind kind = _domain.Decode(level, words[i], out ulong target, out int pageShift);
                if (kind == EntryKind.Table)
                {
                    below.SeeTable(column, target, weight);
                }
                else if (kind == EntryKind.Leaf)
                {
                    // Each entry of a page that takes several is a part of it.
                    pages += Math.ScaleB(1, itemShift - pageShift);
                    bytes += Math.ScaleB(1, itemShift);
                }
            }
            if (pages > 0)
                below.CountPages(column, pages * weight, bytes * weight, weight > 1);
        }
    }

    private void Close(Band band)
    {
        bool hasTables = band.Level >= 0;
        int span = hasTables ? PageTableTreeView.SpanShift(_domain, band.Level) : _domain.IndexBits(0).LowBit;
        List<TreeItem> items = [.. band.Tables, .. band.Pages, .. band.Columns(Math.ScaleB(1, _columnShift))];
        items.Sort((a, b) => StartOf(a).CompareTo(StartOf(b)));
        _items.AddRange(items);
        long tables = band.Tables.Count, pages = band.Pages.Sum(static run => (long)run.Count);
        bool estimated = false;
        foreach (TreeColumns columns in items.OfType<TreeColumns>())
        {
            tables += columns.Tables * (columns.Last - columns.First + 1);
            pages += columns.Pages * (columns.Last - columns.First + 1);
            estimated |= columns.Estimated;
        }
        _bands.Add(new TreeBand(band.Level, span, tables, pages, estimated, hasTables ? _domain.TableCount(band.Level) : 0));
    }

    private ulong StartOf(TreeItem item) => item switch
    {
        TreeTable table => table.Start,
        TreePages pages => pages.Start,
        TreeColumns columns => _window.Start + ((ulong)columns.First << _columnShift),
        _ => throw new ArgumentOutOfRangeException(nameof(item)),
    };

    // One band while it is gathered: what is wide, and what is counted by column.
    private sealed class Band(int level)
    {
        private readonly double[] _tables = new double[PageTableTreeView.Columns];
        private readonly double[] _pages = new double[PageTableTreeView.Columns];
        private readonly double[] _bytes = new double[PageTableTreeView.Columns];
        private readonly bool[] _estimated = new bool[PageTableTreeView.Columns];
        private readonly int[] _seen = new int[PageTableTreeView.Columns];
        private readonly ulong[] _picked = new ulong[PageTableTreeView.Columns * PickedTables];

        public int Level => level;

        public List<(ulong Physical, ulong Iova)> Wide { get; } = [];

        public List<TreeTable> Tables { get; } = [];

        public List<TreePages> Pages { get; } = [];

        public void AddPage(ulong iova, int pageShift)
        {
            if (Pages is [.., var run] && run.PageShift == pageShift && run.Start + ((ulong)run.Count << pageShift) == iova)
                Pages[^1] = run with { Count = run.Count + 1 };
            else
                Pages.Add(new TreePages($"p{level}.{iova:x}", level, iova, pageShift, 1));
        }

        public void CountPages(int column, double pages, double bytes, bool estimated)
        {
            _pages[column] += pages;
            _bytes[column] += bytes;
            _estimated[column] |= estimated;
        }

        public void SeeTable(int column, ulong physical, double weight)
        {
            _tables[column] += weight;
            _estimated[column] |= weight > 1;
            int seen = _seen[column]++;
            // Reservoir sampling with a fixed sequence (Knuth's multiplicative hash) for the dice.
            int slot = seen < PickedTables ? seen : (int)(((uint)seen * 2_654_435_769U) % (uint)(seen + 1));
            if (slot < PickedTables)
                _picked[(column * PickedTables) + slot] = physical;
        }

        /// <summary>Tables of a column to look into, and how many each of them stands for.</summary>
        public ReadOnlySpan<ulong> Picked(int column, out double weight)
        {
            int picked = Math.Min(_seen[column], PickedTables);
            weight = picked == 0 ? 0 : _tables[column] / picked;
            return _picked.AsSpan(column * PickedTables, picked);
        }

        public IEnumerable<TreeColumns> Columns(double columnBytes)
        {
            TreeColumns? run = null;
            for (int column = 0; column < PageTableTreeView.Columns; column++)
            {
                if (_tables[column] == 0 && _pages[column] == 0)
                    continue;
                var next = new TreeColumns($"c{level}.{column}", level, column, column, (long)Math.Round(_tables[column]), (long)Math.Round(_pages[column]), Math.Round(Math.Min(1, _bytes[column] / columnBytes), 3), _estimated[column]);
                if (run is not null && run.Last == column - 1 && run with { Key = next.Key, First = next.First, Last = next.Last } == next)
                {
                    run = run with { Last = column };
                    continue;
                }
                if (run is not null)
                    yield return run;
                run = next;
            }
            if (run is not null)
                yield return run;
        }
    }
}
