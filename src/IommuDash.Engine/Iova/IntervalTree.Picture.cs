// The tree's shape for the eye, the path a lookup takes, and order statistics for windowed tables ("areas 500–550 of 84,210").
namespace IommuDash.Engine.Iova;

/// <summary>Where a lookup goes from a node.</summary>
public enum LookupDirection : byte
{
    /// <summary>The left subtree reaches the window's start, so the first overlap is there or nowhere.</summary>
    Left,

    /// <summary>Neither the left subtree nor the node reaches the window's start.</summary>
    Right,

    /// <summary>The node overlaps the window, and nothing before it does.</summary>
    Found,

    /// <summary>The node, and so everything after it, starts behind the window.</summary>
    Stop,
}

/// <summary>One comparison of a lookup.</summary>
/// <param name="Slot">Node looked at.</param>
/// <param name="Range">Its range.</param>
/// <param name="SubtreeLast">Greatest last address in its subtree.</param>
/// <param name="LeftSubtreeLast">Greatest last address left of it; null without a left child.</param>
/// <param name="Direction">What was concluded.</param>
public readonly record struct LookupStep(int Slot, IovaRange Range, ulong SubtreeLast, ulong? LeftSubtreeLast, LookupDirection Direction)
{
    /// <summary>The conclusion in words, with the values compared.</summary>
    public string Explain(IovaRange window) => Direction switch
    {
        LookupDirection.Left => $"the left subtree reaches 0x{LeftSubtreeLast:x} ≥ 0x{window.Start:x}: the first overlap is on the left or nowhere",
        LookupDirection.Found => $"{Range} overlaps {window}, and nothing before it reaches 0x{window.Start:x}",
        LookupDirection.Stop => $"{Range} starts behind 0x{window.Last:x}, and so does everything after it",
        _ when LeftSubtreeLast is { } left => $"neither the left subtree (to 0x{left:x}) nor {Range} reaches 0x{window.Start:x}: go right",
        _ => $"{Range} ends before 0x{window.Start:x}: go right",
    };
}

public partial class IntervalTree<TPayload, TAugment>
{
    /// <summary>The topmost node.</summary>
    public int Root => _root;

    public int Left(int slot) => Live(slot).Left;

    public int Right(int slot) => Live(slot).Right;

    public int Parent(int slot) => Live(slot).Parent;

    /// <summary>Height of the left side less that of the right: -1, 0 or 1.</summary>
    public int Balance(int slot) => Live(slot).Balance;

    /// <summary>Nodes on the longest way down, this one included: 1 for a leaf. O(log n).</summary>
    public int SubtreeHeight(int slot)
    {
        int height = 0;
        for (slot = Live(slot).Balance >= 0 ? At(slot).Left : At(slot).Right; slot != None; slot = At(slot).Balance >= 0 ? At(slot).Left : At(slot).Right)
            height++;
        return height + 1;
    }

    /// <summary>Nodes in the subtree, this one included.</summary>
    public int SubtreeCount(int slot) => Live(slot).Count;

    /// <summary>Greatest last address in the subtree, inclusive.</summary>
    public ulong SubtreeLast(int slot) => Live(slot).SubtreeLast;

    /// <summary>The augmentation of a node.</summary>
    public ref readonly TAugment Augment(int slot) => ref Live(slot).Augment;

    /// <summary>Number of nodes before <paramref name="slot"/> in order.</summary>
    public int RankOf(int slot)
    {
        int rank = CountBelow(Live(slot).Left);
        for (int parent = At(slot).Parent; parent != None; parent = At(slot).Parent)
        {
            if (At(parent).Right == slot)
                rank += 1 + CountBelow(At(parent).Left);
            slot = parent;
        }
        return rank;
    }

    /// <summary>The node with <paramref name="rank"/> nodes before it; none if the tree is not that large.</summary>
    public int AtRank(int rank)
    {
        if ((uint)rank >= (uint)Count)
            return None;
        int slot = _root;
        while (true)
        {
            ref Node node = ref At(slot);
            int before = CountBelow(node.Left);
            if (rank == before)
                return slot;
            if (rank < before)
            {
                slot = node.Left;
            }
            else
            {
                rank -= before + 1;
                slot = node.Right;
            }
        }
    }

    /// <summary>The comparisons by which an interval tree finds <see cref="FirstOverlap(IovaRange)"/>, from the root down. Ends with Found or Stop, or after a Right to nowhere.</summary>
    public IReadOnlyList<LookupStep> ExplainLookup(IovaRange window)
    {
        var steps = new List<LookupStep>();
        for (int slot = _root; slot != None;)
        {
            ref Node node = ref At(slot);
            ulong? leftLast = node.Left == None ? null : At(node.Left).SubtreeLast;
            LookupDirection direction = leftLast >= window.Start ? LookupDirection.Left
                : node.Start > window.Last ? LookupDirection.Stop
                : node.Last >= window.Start ? LookupDirection.Found
                : LookupDirection.Right;
            steps.Add(new LookupStep(slot, new IovaRange(node.Start, node.Last), node.SubtreeLast, leftLast, direction));
            slot = direction switch
            {
                LookupDirection.Left => node.Left,
                LookupDirection.Right => node.Right,
                _ => None,
            };
        }
        return steps;
    }
}
