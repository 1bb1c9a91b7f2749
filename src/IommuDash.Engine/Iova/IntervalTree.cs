// An interval tree as the kernel's (include/linux/interval_tree_generic.h): ordered by start, each node knowing the greatest last address of its subtree, so that a
// lookup of "what overlaps [start, last]" takes one path down. Balanced as an AVL tree; each node also counts its subtree, so rank and position convert into each other.
//
// Always holds: in-order is by (Start, Last), equal ranges in order of insertion; heights of siblings differ by at most 1, and Balance says by how much; SubtreeLast, Count and
// the augmentation of every node agree with its children. With a hole-tracking augmentation ranges are disjoint, and a node's hole begins right after its predecessor.
//
// Nodes are structs in chunked arrays, named by int slots that stay valid until removed; a removed slot is used again. Nothing is allocated while the tree stays within
// its greatest size so far. One writer; no reader during a change.
//
// Parts: this file looks things up, .Update.cs changes the tree, .Nodes.cs stores nodes, .Picture.cs shows its shape.
namespace IommuDash.Engine.Iova;

/// <summary>A balanced tree of inclusive ranges that may overlap and repeat. Slots are int; <see cref="None"/> (-1) means no node.</summary>
/// <typeparam name="TPayload">Kept with each range.</typeparam>
/// <typeparam name="TAugment">Kept with each node about itself and its subtree.</typeparam>
public partial class IntervalTree<TPayload, TAugment>
    where TAugment : struct, ITreeAugment<TAugment>
{
    /// <summary>No node.</summary>
    public const int None = -1;

    private int _root = None;

    /// <summary>Number of nodes.</summary>
    public int Count => _root == None ? 0 : At(_root).Count;

    /// <summary>The range of a node.</summary>
    public IovaRange Range(int slot)
    {
        ref Node node = ref Live(slot);
        return new IovaRange(node.Start, node.Last);
    }

    /// <summary>The payload of a node, to read or change in place. The reference holds until the next <see cref="Insert"/>.</summary>
    public ref TPayload Payload(int slot) => ref Live(slot).Payload;

    /// <summary>The node of lowest start.</summary>
    public int First => _root == None ? None : Leftmost(_root);

    /// <summary>The node of highest start.</summary>
    public int Last => _root == None ? None : Rightmost(_root);

    /// <summary>The node after <paramref name="slot"/> in order.</summary>
    public int Next(int slot)
    {
        ref Node node = ref Live(slot);
        if (node.Right != None)
            return Leftmost(node.Right);
        int parent = node.Parent;
        while (parent != None && At(parent).Right == slot)
        {
            slot = parent;
            parent = At(slot).Parent;
        }
        return parent;
    }

    /// <summary>The node before <paramref name="slot"/> in order.</summary>
    public int Previous(int slot)
    {
        ref Node node = ref Live(slot);
        if (node.Left != None)
            return Rightmost(node.Left);
        int parent = node.Parent;
        while (parent != None && At(parent).Left == slot)
        {
            slot = parent;
            parent = At(slot).Parent;
        }
        return parent;
    }

    /// <summary>The first node, in order, that shares an address with [<paramref name="start"/>, <paramref name="last"/>], both inclusive.</summary>
    public int FirstOverlap(ulong start, ulong last) => _root == None ? None : FirstOverlapBelow(_root, start, last);

    /// <inheritdoc cref="FirstOverlap(ulong, ulong)"/>
    public int FirstOverlap(IovaRange range) => FirstOverlap(range.Start, range.Last);

    /// <summary>The next node after <paramref name="slot"/>, in order, that shares an address with [<paramref name="start"/>, <paramref name="last"/>].</summary>
    public int NextOverlap(int slot, ulong start, ulong last)
    {
        int right = Live(slot).Right;
        while (true)
        {
            if (right != None && At(right).SubtreeLast >= start)
                return FirstOverlapBelow(right, start, last);

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
            if (node.Start > last)
                return None;
            if (node.Last >= start)
                return slot;
        }
    }

    /// <inheritdoc cref="NextOverlap(int, ulong, ulong)"/>
    public int NextOverlap(int slot, IovaRange range) => NextOverlap(slot, range.Start, range.Last);

    /// <summary>The first node whose start is greater than <paramref name="address"/>.</summary>
    public int FirstStartingAfter(ulong address)
    {
        int found = None;
        for (int slot = _root; slot != None;)
        {
            ref Node node = ref At(slot);
            if (node.Start > address)
            {
                found = slot;
                slot = node.Left;
            }
            else
            {
                slot = node.Right;
            }
        }
        return found;
    }

    // Of the nodes overlapping the window the first is wanted. If the left subtree reaches the window's start, then it holds that first one or nobody does:
    // whatever reaches so far yet misses the window starts after it, and so does everything to its right.
    private int FirstOverlapBelow(int slot, ulong start, ulong last)
    {
        if (TAugment.TracksHoles)
            return FirstDisjointOverlapBelow(slot, start, last);
        while (slot != None)
        {
            ref Node node = ref At(slot);
            if (node.Left != None && At(node.Left).SubtreeLast >= start)
            {
                slot = node.Left;
                continue;
            }
            if (node.Start > last)
                return None;
            if (node.Last >= start)
                return slot;
            slot = node.Right;
        }
        return None;
    }

    // Ranges that never overlap end in the order they start, so the first that reaches the window's start is found without looking at children.
    private int FirstDisjointOverlapBelow(int slot, ulong start, ulong last)
    {
        int found = None;
        while (slot != None)
        {
            ref Node node = ref At(slot);
            if (node.Last < start)
            {
                slot = node.Right;
                continue;
            }
            if (node.Start <= last)
                found = slot;
            if (node.Start <= start)
                break;
            slot = node.Left;
        }
        return found;
    }

    private int Leftmost(int slot)
    {
        for (int left = At(slot).Left; left != None; left = At(slot).Left)
            slot = left;
        return slot;
    }

    private int Rightmost(int slot)
    {
        for (int right = At(slot).Right; right != None; right = At(slot).Right)
            slot = right;
        return slot;
    }
}
