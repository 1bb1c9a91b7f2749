namespace IommuDash.Engine.Iova;

/// <summary>
/// The areas of an IOAS: ranges that never overlap, each node knowing the hole before it. Finds the first hole long enough for an aligned request in O(log n)
/// (a hole that begins or ends inside a page may be offered though it is too short by less than the parts of pages at its ends: the caller checks).
/// </summary>
public sealed class AreaTree<TPayload> : IntervalTree<TPayload, HoleAugment>
{
    /// <summary>First address of the hole before a node, 0 before the first; equals the node's start if there is no hole.</summary>
    public ulong HoleStart(int slot) => Augment(slot).HoleStart;

    /// <summary>Pages touched by the longest hole before any node of the subtree; the hole after the last node belongs to none.</summary>
    public ulong SubtreeHolePages(int slot) => Augment(slot).MaxPages;

    /// <summary>
    /// The first node, in order, after <paramref name="slot"/> whose hole offers <paramref name="pages"/> pages (at least 1) at an alignment of 2^<paramref name="alignShift"/> pages.
    /// </summary>
    internal int NextWithHole(int slot, ulong pages, int alignShift)
    {
        int right = At(slot).Right;
        while (true)
        {
            if (right != None && At(right).Augment.MaxUsablePages(alignShift) >= pages)
                return FirstWithHoleBelow(right, pages, alignShift);

            int child;
            do
            {
                child = slot;
                slot = At(slot).Parent;
                if (slot == None)
                    return None;
                right = At(slot).Right;
            }
            while (right == child);

            ref Node node = ref At(slot);
            if (node.Augment.OwnUsablePages(node.Start, alignShift) >= pages)
                return slot;
        }
    }

    // The subtree is known to have one.
    private int FirstWithHoleBelow(int slot, ulong pages, int alignShift)
    {
        while (true)
        {
            ref Node node = ref At(slot);
            if (node.Left != None && At(node.Left).Augment.MaxUsablePages(alignShift) >= pages)
                slot = node.Left;
            else if (node.Augment.OwnUsablePages(node.Start, alignShift) >= pages)
                return slot;
            else
                slot = node.Right;
        }
    }
}
