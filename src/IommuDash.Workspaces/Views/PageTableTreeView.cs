// A whole page table as an icicle: one band per level, a table or page as wide as the IOVAs it answers for, children under their parent. A page stands where a table of its parent's entries would,
// so 4 KiB pages of a VT-d table make up the band below level 0.
// Level of detail: the window is cut into 512 columns. What is at least a column wide comes on its own, neighbouring pages of one size as a run; what is narrower is counted by column.
// Bounded: at most 512 items a band, and of a column's tables a few are looked into, with their counts scaled up and marked as estimated (PageTableTreeScan.cs).
using System.Text.Json.Serialization;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;

namespace IommuDash.Workspaces.Views;

/// <summary>A window on the tree of one hw_pagetable.</summary>
/// <param name="Start">First IOVA; moved down to the start of a column, and so that the window ends inside the table's reach.</param>
/// <param name="Shift">log2 of the window's bytes, cut to what there is; 0 = the smallest window with all that is in the table.</param>
public sealed record PageTableTreeQuery(int Context, uint Hwpt, ulong Start = 0, int Shift = 0);

/// <summary>Part of a tree. Levels count from 0, the leaf-most; −1 is the band of the pages that level-0 tables point to.</summary>
[JsonDerivedType(typeof(TreeTable))]
[JsonDerivedType(typeof(TreePages))]
[JsonDerivedType(typeof(TreeColumns))]
public abstract record TreeItem(string Key, int Level) : IViewItem;

/// <summary>One table, at least a column wide.</summary>
/// <param name="Start">First IOVA it answers for.</param>
/// <param name="Tables">Entries that point to tables.</param>
/// <param name="Pages">Pages its entries map; a page over several entries counts once.</param>
/// <param name="Used">Entries in use.</param>
public sealed record TreeTable(string Key, int Level, ulong Start, ulong Physical, int Used, int Tables, int Pages) : TreeItem(Key, Level);

/// <summary>Neighbouring pages of one size, each at least a column wide.</summary>
/// <param name="Level">One below the table that maps them.</param>
/// <param name="PageShift">log2 of the size of one.</param>
public sealed record TreePages(string Key, int Level, ulong Start, int PageShift, int Count) : TreeItem(Key, Level);

/// <summary>Neighbouring columns that are alike, with what is narrower than one.</summary>
/// <param name="First">0-based.</param>
/// <param name="Last">Inclusive.</param>
/// <param name="Tables">Tables in each of the columns.</param>
/// <param name="Pages">Pages in each.</param>
/// <param name="Covered">Part of a column's IOVAs that these pages map, 0 … 1.</param>
/// <param name="Estimated">Whether the numbers were scaled up from some of the tables.</param>
public sealed record TreeColumns(string Key, int Level, int First, int Last, long Tables, long Pages, double Covered, bool Estimated) : TreeItem(Key, Level);

/// <summary>What a band holds.</summary>
/// <param name="Level">Of its tables; −1 has none.</param>
/// <param name="TableShift">log2 of the IOVAs a table here answers for.</param>
/// <param name="Tables">Tables in the window.</param>
/// <param name="Pages">Pages in the window.</param>
/// <param name="Estimated">Whether these two were scaled up.</param>
/// <param name="AllTables">Tables of the level in the whole tree, exactly.</param>
public sealed record TreeBand(int Level, int TableShift, long Tables, long Pages, bool Estimated, long AllTables);

/// <summary>A table that answers for the whole window.</summary>
public sealed record TreeCrumb(int Level, ulong Start, int Shift, ulong Physical);

/// <summary>What the picture shows.</summary>
public sealed record PageTableTreeSnapshot : IItemSnapshot
{
    /// <summary>False: there is no such hw_pagetable.</summary>
    public bool Exists { get; init; }

    public uint Hwpt { get; init; }

    public ulong Start { get; init; }

    /// <summary>log2 of the window's bytes.</summary>
    public int Shift { get; init; }

    /// <summary>log2 of a column's bytes.</summary>
    public int ColumnShift => Shift - PageTableTreeView.ColumnBits;

    /// <summary>The smallest window there is.</summary>
    public int LeastShift { get; init; }

    /// <summary>Bits of IOVA the table translates.</summary>
    public int ReachShift { get; init; }

    /// <summary>The window with all that is in the table.</summary>
    public ulong FitStart { get; init; }

    public int FitShift { get; init; }

    /// <summary>Top level first.</summary>
    public IReadOnlyList<TreeBand> Bands { get; init; } = [];

    /// <summary>Pages of the whole tree.</summary>
    public long AllPages { get; init; }

    /// <summary>Top first.</summary>
    public IReadOnlyList<TreeCrumb> Crumbs { get; init; } = [];

    /// <summary>By level from the top, then by IOVA; items of a band do not overlap.</summary>
    public IReadOnlyList<TreeItem> Items { get; init; } = [];

    IReadOnlyList<IViewItem> IItemSnapshot.Items => Items;

    /// <summary>IOVAs an item stands for.</summary>
    public IovaRange RangeOf(TreeItem item) => item switch
    {
        TreeTable table => PageTableTreeView.Block(table.Start, Bands.First(band => band.Level == table.Level).TableShift),
        TreePages pages => new IovaRange(pages.Start, pages.Start + (((ulong)pages.Count << pages.PageShift) - 1)),
        TreeColumns columns => new IovaRange(Start + ((ulong)columns.First << ColumnShift), Start + ((((ulong)columns.Last + 1) << ColumnShift) - 1)),
        _ => throw new ArgumentOutOfRangeException(nameof(item)),
    };
}

public sealed class PageTableTreeView : IView<PageTableTreeQuery, PageTableTreeSnapshot>
{
    internal const int ColumnBits = 9;

    /// <summary>Columns of a window.</summary>
    public const int Columns = 1 << ColumnBits;

    // 32 of the smallest pages fill a window, so that each can be pointed at.
    private const int LeastPagesShift = 5;

    public static string Name => "domains.tree";

    public static PageTableTreeSnapshot Project(EmulatedHost host, PageTableTreeQuery query)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (host.FindContext(query.Context)?.Objects.Find<HwptPaging>(query.Hwpt) is not { } hwpt)
            return new PageTableTreeSnapshot { Hwpt = query.Hwpt };
        IommuDomain domain = hwpt.Domain;
        int reach = SpanShift(domain, domain.Levels - 1);
        int least = Math.Max(ColumnBits, domain.IndexBits(0).LowBit + LeastPagesShift);
        (ulong fitStart, int fitShift) = Fit(PageTableTreeScan.Extent(host.Memory, domain), least, reach);
        int shift = query.Shift == 0 ? fitShift : Math.Clamp(query.Shift, least, reach);
        ulong start = query.Shift == 0 ? fitStart : Clamp(query.Start, shift, reach);
        var scan = new PageTableTreeScan(host.Memory, domain, start, shift);
        return new PageTableTreeSnapshot
        {
            Exists = true,
            Hwpt = hwpt.Id,
            Start = start,
            Shift = shift,
            LeastShift = least,
            ReachShift = reach,
            FitStart = fitStart,
            FitShift = fitShift,
            Bands = scan.Bands,
            AllPages = domain.LeafCounts().Sum(static leaf => leaf.Count),
            Crumbs = scan.Crumbs,
            Items = scan.Items,
        };
    }

    /// <summary>IOVAs of 2^<paramref name="shift"/> bytes from <paramref name="start"/>, which is aligned to them.</summary>
    internal static IovaRange Block(ulong start, int shift) => new(start, start + LastOffset(shift));

    internal static ulong LastOffset(int shift) => shift >= 64 ? ulong.MaxValue : (1UL << shift) - 1;

    internal static int SpanShift(IommuDomain domain, int level) => domain.IndexBits(level).LowBit + domain.IndexBits(level).Bits;

    // The smallest window that holds a range, beginning at a column.
    private static (ulong Start, int Shift) Fit(IovaRange range, int least, int reach)
    {
        for (int shift = least; shift < reach; shift++)
        {
            ulong start = Clamp(range.Start, shift, reach);
            if (range.Last - start <= LastOffset(shift))
                return (start, shift);
        }
        return (0, reach);
    }

    private static ulong Clamp(ulong start, int shift, int reach) =>
        Math.Min(start & ~LastOffset(shift - ColumnBits), LastOffset(reach) - LastOffset(shift));
}
