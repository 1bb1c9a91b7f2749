// The interval tree of an IOAS's areas as the engine holds it. Small trees are shown whole; of larger ones the top levels, what the reader unfolded, and the ways to a lookup's end and to the selected area.
using System.Globalization;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iova;

namespace IommuDash.Workspaces.Views;

/// <param name="Unfolded">First IOVAs, as hex and separated by commas, of nodes whose subtrees are unfolded some levels deep; the first <see cref="IoasTreeView.MostUnfolded"/> count.</param>
/// <param name="Keep">First IOVA of an area whose way from the root is shown; null = none.</param>
/// <param name="LookupStart">What to look up; null = nothing.</param>
/// <param name="LookupLast">Its end, inclusive; null = one address.</param>
public sealed record IoasTreeQuery(uint Ioas, string Unfolded = "", ulong? Keep = null, ulong? LookupStart = null, ulong? LookupLast = null, int Context = 1);

/// <summary>A node. Children are named by key, or counted where they are folded.</summary>
/// <param name="Key">Its area's first IOVA as hex.</param>
/// <param name="SubtreeLast">Greatest last address in its subtree.</param>
/// <param name="HoleStart">First address of the hole before it; equals <paramref name="Start"/> if there is none.</param>
/// <param name="SubtreeHolePages">Pages touched by the longest hole before any node of the subtree.</param>
/// <param name="Height">1 for a leaf.</param>
/// <param name="Balance">Height of the left side less that of the right.</param>
/// <param name="Count">Nodes of the subtree.</param>
/// <param name="FoldedLeft">Nodes on the left that are not shown.</param>
/// <param name="FoldedRight">Nodes on the right that are not shown.</param>
public sealed record IoasTreeNode(
    string Key, ulong Start, ulong Last, ulong SubtreeLast, ulong HoleStart, long SubtreeHolePages, int Height, int Balance, int Count,
    string? Left, string? Right, int FoldedLeft, int FoldedRight) : IViewItem;

/// <summary>One comparison of the lookup.</summary>
public sealed record IoasLookupStep(string Key, LookupDirection Direction, string Why);

public sealed record IoasTreeSnapshot : IItemSnapshot
{
    public int Total { get; init; }

    public string? Root { get; init; }

    public IReadOnlyList<IoasLookupStep> Lookup { get; init; } = [];

    /// <summary>Nodes shown, in order of IOVA.</summary>
    public IReadOnlyList<IoasTreeNode> Items { get; init; } = [];

    IReadOnlyList<IViewItem> IItemSnapshot.Items => Items;
}

public sealed class IoasTreeView : IView<IoasTreeQuery, IoasTreeSnapshot>
{
    /// <summary>Trees up to this size are shown whole.</summary>
    public const int WholeNodes = 500;

    public const int MostUnfolded = 12;

    private const int TopLevels = 6;
    private const int UnfoldedLevels = 5;

    public static string Name => "ioas.tree";

    public static IoasTreeSnapshot Project(EmulatedHost host, IoasTreeQuery query)
    {
        if (IoasAreas.Find(host, query.Context, query.Ioas) is not { Pagetable.Areas: { Count: > 0 } areas })
            return new IoasTreeSnapshot();
        IReadOnlyList<LookupStep> steps = query.LookupStart is { } start ? areas.ExplainLookup(Lookup(query, start)) : [];
        HashSet<int> shown = Shown(areas, query, steps);
        return new IoasTreeSnapshot
        {
            Total = areas.Count,
            Root = Key(areas, areas.Root),
            Lookup = [.. steps.Select(step => new IoasLookupStep(IoasAreas.Key(step.Range.Start), step.Direction, step.Explain(Lookup(query, query.LookupStart!.Value))))],
            Items = [.. shown.OrderBy(slot => areas.Range(slot).Start).Select(slot => Node(areas, slot, shown))],
        };
    }

    private static IovaRange Lookup(IoasTreeQuery query, ulong start) => new(start, Math.Max(start, query.LookupLast ?? start));

    private static HashSet<int> Shown(AreaTree<IopArea> areas, IoasTreeQuery query, IReadOnlyList<LookupStep> steps)
    {
        var shown = new HashSet<int>();
        if (areas.Count <= WholeNodes)
        {
            Unfold(areas, areas.Root, int.MaxValue, shown);
            return shown;
        }
        Unfold(areas, areas.Root, TopLevels, shown);
        foreach (LookupStep step in steps)
            shown.Add(step.Slot);
        if (query.Keep is { } keep)
            ShowWayTo(areas, StartingAt(areas, keep), shown);
        foreach (string key in query.Unfolded.Split(',', StringSplitOptions.RemoveEmptyEntries).Take(MostUnfolded))
        {
            if (!key.StartsWith("0x", StringComparison.Ordinal) || !ulong.TryParse(key.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong address))
                continue;
            int slot = StartingAt(areas, address);
            ShowWayTo(areas, slot, shown);
            Unfold(areas, slot, UnfoldedLevels, shown);
        }
        return shown;
    }

    // The area may have gone since the reader chose it.
    private static int StartingAt(AreaTree<IopArea> areas, ulong address)
    {
        int slot = areas.FirstOverlap(address, address);
        return slot >= 0 && areas.Range(slot).Start == address ? slot : -1;
    }

    private static void ShowWayTo(AreaTree<IopArea> areas, int slot, HashSet<int> shown)
    {
        for (; slot >= 0; slot = areas.Parent(slot))
            shown.Add(slot);
    }

    private static void Unfold(AreaTree<IopArea> areas, int slot, int levels, HashSet<int> shown)
    {
        if (slot < 0 || levels == 0)
            return;
        shown.Add(slot);
        Unfold(areas, areas.Left(slot), levels - 1, shown);
        Unfold(areas, areas.Right(slot), levels - 1, shown);
    }

    private static IoasTreeNode Node(AreaTree<IopArea> areas, int slot, HashSet<int> shown)
    {
        IovaRange range = areas.Range(slot);
        int left = areas.Left(slot);
        int right = areas.Right(slot);
        return new IoasTreeNode(
            Key(areas, slot), range.Start, range.Last, areas.SubtreeLast(slot), areas.HoleStart(slot), (long)areas.SubtreeHolePages(slot),
            areas.SubtreeHeight(slot), areas.Balance(slot), areas.SubtreeCount(slot),
            shown.Contains(left) ? Key(areas, left) : null, shown.Contains(right) ? Key(areas, right) : null,
            Folded(areas, left, shown), Folded(areas, right, shown));
    }

    private static int Folded(AreaTree<IopArea> areas, int slot, HashSet<int> shown) => slot < 0 || shown.Contains(slot) ? 0 : areas.SubtreeCount(slot);

    private static string Key(AreaTree<IopArea> areas, int slot) => IoasAreas.Key(areas.Range(slot).Start);
}
