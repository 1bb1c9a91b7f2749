// Insert and remove. Both link or unlink one node; then summaries are refreshed upward until they settle, then balance is restored upward until it settles. The order
// matters: a rotation does not change what its subtree says as a whole, so nothing above it needs another look. Counts change along the whole path: an insert
// changes them on its way down, a remove on its one walk to the root, which also meets the next node if that is an ancestor.
using System.Diagnostics.CodeAnalysis;

namespace IommuDash.Engine.Iova;

public partial class IntervalTree<TPayload, TAugment>
{
    /// <summary>Adds a range. O(log n).</summary>
    /// <returns>The slot that names the node until it is removed.</returns>
    /// <exception cref="ArgumentException">The range ends before it starts, or overlaps another in a tree that tracks holes.</exception>
    public int Insert(IovaRange range, in TPayload payload)
    {
        if (range.Last < range.Start)
            throw new ArgumentException($"{range} ends before it starts.", nameof(range));

        int parent = None;
        int previous = None;
        int next = None;
        for (int at = _root; at != None;)
        {
            ref Node node = ref At(at);
            node.Count++;
            parent = at;
            if (range.Start < node.Start || (range.Start == node.Start && range.Last < node.Last))
            {
                next = at;
                at = node.Left;
            }
            else
            {
                previous = at;
                at = node.Right;
            }
        }

        if (TAugment.TracksHoles)
        {
            if (previous != None && At(previous).Last >= range.Start)
                ThrowOverlap(parent, range, previous);
            if (next != None && At(next).Start <= range.Last)
                ThrowOverlap(parent, range, next);
        }

        int slot = AllocateSlot();
        ulong holeStart = 0;
        if (TAugment.TracksHoles)
        {
            if (previous != None)
                holeStart = At(previous).Last + 1;
            if (next != None)
                TAugment.SetHoleStart(ref At(next).Augment, range.Last + 1);
        }

        ref Node added = ref At(slot);
        added.Start = range.Start;
        added.Last = range.Last;
        added.Left = None;
        added.Right = None;
        added.Parent = parent;
        added.Count = 1;
        added.Payload = payload;
        if (TAugment.TracksHoles)
            TAugment.SetHoleStart(ref added.Augment, holeStart);
        Refresh(ref added);

        if (parent == None)
            _root = slot;
        else if (parent == next)
            At(parent).Left = slot;
        else
            At(parent).Right = slot;
        // The hole before the next node changed too, and the next node is an ancestor at which the first refresh need not arrive.
        RefreshUpward(parent);
        if (TAugment.TracksHoles)
            RefreshUpward(next);
        BalanceAfterInsert(slot);
        return slot;
    }

    /// <summary>Removes a node; its slot may be given out again. O(log n).</summary>
    /// <exception cref="ArgumentException">The slot holds no node.</exception>
    public void Remove(int slot)
    {
        ref Node gone = ref Live(slot);
        int next = gone.Right == None ? None : Leftmost(gone.Right);

        // The node under which one side becomes less high, and which side.
        int shrunk;
        bool leftShrinks;
        if (gone.Left == None || gone.Right == None)
        {
            int child = gone.Left == None ? gone.Right : gone.Left;
            shrunk = gone.Parent;
            leftShrinks = shrunk != None && At(shrunk).Left == slot;
            ReplaceChild(gone.Parent, slot, child);
            int nextAbove = UncountUpward(shrunk, leftShrinks);
            if (TAugment.TracksHoles && next == None)
                next = nextAbove;
            if (next != None)
                TAugment.SetHoleStart(ref At(next).Augment, TAugment.GetHoleStart(in gone.Augment));
        }
        else
        {
            // The next node moves into the place: links change, slots do not, so handles stay valid. It takes over the old summary too, which is what the parent has seen.
            int heir = next;
            ref Node moved = ref At(heir);
            shrunk = heir;
            leftShrinks = moved.Parent != slot;
            if (leftShrinks)
            {
                shrunk = moved.Parent;
                ReplaceChild(moved.Parent, heir, moved.Right);
                moved.Right = gone.Right;
                At(gone.Right).Parent = heir;
            }
            moved.Left = gone.Left;
            At(gone.Left).Parent = heir;
            ReplaceChild(gone.Parent, slot, heir);
            moved.Count = gone.Count;
            moved.Balance = gone.Balance;
            moved.SubtreeLast = gone.SubtreeLast;
            moved.Augment = gone.Augment;
            UncountUpward(shrunk, leftShrinks);
        }
        FreeSlot(slot);
        RefreshUpward(shrunk);
        if (next != shrunk)
            RefreshUpward(next);
        BalanceAfterRemove(shrunk, leftShrinks);
    }

    // Takes one off the counts from slot to the root. Returns the first node met from its left, which is the next in order after the subtree that the walk came out of.
    private int UncountUpward(int slot, bool fromLeft)
    {
        int next = None;
        while (slot != None)
        {
            ref Node node = ref At(slot);
            node.Count--;
            if (fromLeft && next == None)
                next = slot;
            int parent = node.Parent;
            fromLeft = next == None && parent != None && At(parent).Left == slot;
            slot = parent;
        }
        return next;
    }

    private void RefreshUpward(int slot)
    {
        while (slot != None)
        {
            ref Node node = ref At(slot);
            if (!Refresh(ref node))
                return;
            slot = node.Parent;
        }
    }

    private void BalanceAfterInsert(int slot)
    {
        for (int parent = At(slot).Parent; parent != None; parent = At(slot).Parent)
        {
            ref Node node = ref At(parent);
            node.Balance += (sbyte)(node.Left == slot ? 1 : -1);
            if (node.Balance == 0)
                return;
            if (node.Balance is < -1 or > 1)
            {
                Rebalance(parent);
                return;
            }
            slot = parent;
        }
    }

    private void BalanceAfterRemove(int slot, bool leftShrinks)
    {
        while (slot != None)
        {
            ref Node node = ref At(slot);
            node.Balance += (sbyte)(leftShrinks ? -1 : 1);
            if (node.Balance is < -1 or > 1)
            {
                slot = Rebalance(slot);
                node = ref At(slot);
            }
            if (node.Balance != 0)
                return;
            leftShrinks = node.Parent != None && At(node.Parent).Left == slot;
            slot = node.Parent;
        }
    }

    [DoesNotReturn]
    private void ThrowOverlap(int parent, IovaRange range, int other)
    {
        for (; parent != None; parent = At(parent).Parent)
            At(parent).Count--;
        throw new ArgumentException($"{range} overlaps {Range(other)}.", nameof(range));
    }

    // Turns a subtree whose sides differ by 2; returns its new root. It got less high if that is balanced.
    private int Rebalance(int slot)
    {
        ref Node node = ref At(slot);
        if (node.Balance > 0)
        {
            if (At(node.Left).Balance < 0)
                RotateLeft(node.Left);
            return RotateRight(slot);
        }
        if (At(node.Right).Balance > 0)
            RotateRight(node.Right);
        return RotateLeft(slot);
    }

    private int RotateLeft(int slot)
    {
        ref Node node = ref At(slot);
        int pivot = node.Right;
        ref Node up = ref At(pivot);
        node.Right = up.Left;
        if (up.Left != None)
            At(up.Left).Parent = slot;
        up.Left = slot;
        node.Balance = (sbyte)(node.Balance + 1 - Math.Min(up.Balance, (sbyte)0));
        up.Balance = (sbyte)(up.Balance + 1 + Math.Max(node.Balance, (sbyte)0));
        FinishRotation(slot, ref node, pivot, ref up);
        return pivot;
    }

    private int RotateRight(int slot)
    {
        ref Node node = ref At(slot);
        int pivot = node.Left;
        ref Node up = ref At(pivot);
        node.Left = up.Right;
        if (up.Right != None)
            At(up.Right).Parent = slot;
        up.Right = slot;
        node.Balance = (sbyte)(node.Balance - 1 - Math.Max(up.Balance, (sbyte)0));
        up.Balance = (sbyte)(up.Balance - 1 + Math.Min(node.Balance, (sbyte)0));
        FinishRotation(slot, ref node, pivot, ref up);
        return pivot;
    }

    private void FinishRotation(int slot, ref Node node, int pivot, ref Node up)
    {
        ReplaceChild(node.Parent, slot, pivot);
        node.Parent = pivot;
        up.Count = node.Count;
        node.Count = 1 + CountBelow(node.Left) + CountBelow(node.Right);
        Refresh(ref node);
        Refresh(ref up);
    }

    // Puts child (or none) where old hangs under parent (or at the root).
    private void ReplaceChild(int parent, int old, int child)
    {
        if (child != None)
            At(child).Parent = parent;
        if (parent == None)
            _root = child;
        else if (At(parent).Left == old)
            At(parent).Left = child;
        else
            At(parent).Right = child;
    }

    // Computes again what a node says about its subtree, Count and Balance apart. Returns whether anything changed.
    private bool Refresh(ref Node node)
    {
        ulong last = node.Last;
        ref TAugment left = ref _empty;
        ref TAugment right = ref _empty;
        if (node.Left != None)
        {
            ref Node child = ref At(node.Left);
            last = Math.Max(last, child.SubtreeLast);
            left = ref child.Augment;
        }
        if (node.Right != None)
        {
            ref Node child = ref At(node.Right);
            last = Math.Max(last, child.SubtreeLast);
            right = ref child.Augment;
        }
        bool changed = last != node.SubtreeLast;
        node.SubtreeLast = last;
        return TAugment.Refresh(ref node.Augment, node.Start, in left, in right) || changed;
    }

    private int CountBelow(int slot) => slot == None ? 0 : At(slot).Count;
}
