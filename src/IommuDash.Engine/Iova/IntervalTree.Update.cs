// Insert and remove. Both link or unlink one node and then walk once to the root: counts change all the way up, heights and summaries only until they settle.
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

        ulong holeStart = 0;
        if (TAugment.TracksHoles)
        {
            if (previous != None && At(previous).Last >= range.Start)
                throw new ArgumentException($"{range} overlaps {Range(previous)}.", nameof(range));
            if (next != None && At(next).Start <= range.Last)
                throw new ArgumentException($"{range} overlaps {Range(next)}.", nameof(range));
            if (previous != None)
                holeStart = At(previous).Last + 1;
            if (next != None)
                TAugment.SetHoleStart(ref At(next).Augment, range.Last + 1);
        }

        int slot = AllocateSlot();
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
        // The hole before the next node shrank, and the next node is an ancestor.
        SettleUpward(parent, 1, TAugment.TracksHoles ? next : None);
        return slot;
    }

    /// <summary>Removes a node; its slot may be given out again. O(log n).</summary>
    /// <exception cref="ArgumentException">The slot holds no node.</exception>
    public void Remove(int slot)
    {
        ref Node gone = ref Live(slot);
        int next = TAugment.TracksHoles ? Next(slot) : None;
        if (next != None)
            TAugment.SetHoleStart(ref At(next).Augment, TAugment.GetHoleStart(in gone.Augment));

        int settleFrom;
        // An ancestor whose own values changed, so that settling must not stop below it.
        int changed;
        if (gone.Left == None || gone.Right == None)
        {
            int child = gone.Left == None ? gone.Right : gone.Left;
            ReplaceChild(gone.Parent, slot, child);
            if (child != None && child == next)
                Refresh(ref At(child));
            settleFrom = gone.Parent;
            changed = next;
        }
        else
        {
            // The next node moves into the place: links change, slots do not, so handles stay valid. It takes over the old summary too, which is what the parent has seen.
            int heir = Leftmost(gone.Right);
            ref Node moved = ref At(heir);
            settleFrom = heir;
            if (moved.Parent != slot)
            {
                settleFrom = moved.Parent;
                ReplaceChild(moved.Parent, heir, moved.Right);
                moved.Right = gone.Right;
                At(gone.Right).Parent = heir;
            }
            moved.Left = gone.Left;
            At(gone.Left).Parent = heir;
            ReplaceChild(gone.Parent, slot, heir);
            moved.Count = gone.Count;
            moved.Height = gone.Height;
            moved.SubtreeLast = gone.SubtreeLast;
            moved.Augment = gone.Augment;
            changed = heir;
        }
        FreeSlot(slot);
        SettleUpward(settleFrom, -1, changed);
    }

    // Adds countDelta to every node from slot to the root, and refreshes and rebalances as long as something changes, at least up to mustReach (an ancestor or none).
    private void SettleUpward(int slot, int countDelta, int mustReach)
    {
        bool changing = true;
        while (slot != None)
        {
            ref Node node = ref At(slot);
            node.Count += countDelta;
            if (changing || slot == mustReach)
            {
                changing = Refresh(ref node);
                int balance = Height(node.Left) - Height(node.Right);
                if (balance is < -1 or > 1)
                {
                    slot = Rebalance(slot, balance);
                    changing = true;
                    node = ref At(slot);
                }
            }
            slot = node.Parent;
        }
    }

    // Returns the subtree's new root. The two sides' heights differ by exactly 2.
    private int Rebalance(int slot, int balance)
    {
        if (balance > 0)
        {
            int left = At(slot).Left;
            if (Height(At(left).Left) < Height(At(left).Right))
                RotateLeft(left);
            return RotateRight(slot);
        }
        int right = At(slot).Right;
        if (Height(At(right).Right) < Height(At(right).Left))
            RotateRight(right);
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

    // Computes what a node says about its subtree from its children, Count apart. Returns whether anything changed.
    private bool Refresh(ref Node node)
    {
        int height = 0;
        ulong last = node.Last;
        ref TAugment left = ref _empty;
        ref TAugment right = ref _empty;
        if (node.Left != None)
        {
            ref Node child = ref At(node.Left);
            height = child.Height;
            last = Math.Max(last, child.SubtreeLast);
            left = ref child.Augment;
        }
        if (node.Right != None)
        {
            ref Node child = ref At(node.Right);
            height = Math.Max(height, child.Height);
            last = Math.Max(last, child.SubtreeLast);
            right = ref child.Augment;
        }
        height++;
        bool changed = height != node.Height || last != node.SubtreeLast;
        node.Height = height;
        node.SubtreeLast = last;
        return TAugment.Refresh(ref node.Augment, node.Start, in left, in right) || changed;
    }

    private int Height(int slot) => slot == None ? 0 : At(slot).Height;

    private int CountBelow(int slot) => slot == None ? 0 : At(slot).Count;
}
