using IommuDash.Engine.Iova;

namespace IommuDash.Engine.Tests.Iova;

/// <summary>Checks everything a tree promises about its shape, by looking at every node.</summary>
internal static class TreeInvariants
{
    private const int None = -1;

    public static void Check<TPayload, TAugment>(IntervalTree<TPayload, TAugment> tree)
        where TAugment : struct, ITreeAugment<TAugment>
    {
        if (tree.Root == None)
        {
            Assert.Equal(0, tree.Count);
            return;
        }
        Assert.Equal(None, tree.Parent(tree.Root));
        CheckSubtree(tree, tree.Root);
    }

    public static void CheckHoles<TPayload>(AreaTree<TPayload> tree)
    {
        Check(tree);
        ulong holeStart = 0;
        for (int slot = tree.First; slot != None; slot = tree.Next(slot))
        {
            Assert.Equal(holeStart, tree.HoleStart(slot));
            holeStart = unchecked(tree.Range(slot).Last + 1);
        }
        if (tree.Root != None)
            CheckHoleSummaries(tree, tree.Root);
    }

    private static (int Height, int Count, ulong Last) CheckSubtree<TPayload, TAugment>(IntervalTree<TPayload, TAugment> tree, int slot)
        where TAugment : struct, ITreeAugment<TAugment>
    {
        (int Height, int Count, ulong Last) left = default;
        (int Height, int Count, ulong Last) right = default;
        if (tree.Left(slot) != None)
        {
            Assert.Equal(slot, tree.Parent(tree.Left(slot)));
            left = CheckSubtree(tree, tree.Left(slot));
        }
        if (tree.Right(slot) != None)
        {
            Assert.Equal(slot, tree.Parent(tree.Right(slot)));
            right = CheckSubtree(tree, tree.Right(slot));
        }
        Assert.InRange(left.Height - right.Height, -1, 1);
        Assert.Equal(left.Height - right.Height, tree.Balance(slot));

        int height = 1 + Math.Max(left.Height, right.Height);
        int count = 1 + left.Count + right.Count;
        ulong last = Math.Max(tree.Range(slot).Last, Math.Max(left.Last, right.Last));
        Assert.Equal(height, tree.SubtreeHeight(slot));
        Assert.Equal(count, tree.SubtreeCount(slot));
        Assert.Equal(last, tree.SubtreeLast(slot));
        return (height, count, last);
    }

    // Usable pages per alignment, straight from the definition.
    private static ulong[] CheckHoleSummaries<TPayload>(AreaTree<TPayload> tree, int slot)
    {
        var best = new ulong[HoleAugment.MaxAlignShift + 1];
        foreach (int child in new[] { tree.Left(slot), tree.Right(slot) })
        {
            if (child == None)
                continue;
            ulong[] below = CheckHoleSummaries(tree, child);
            for (int i = 0; i < best.Length; i++)
                best[i] = Math.Max(best[i], below[i]);
        }
        ulong start = tree.Range(slot).Start;
        ulong holeStart = tree.HoleStart(slot);
        for (int shift = 0; shift < best.Length; shift++)
        {
            UInt128 block = UInt128.One << shift;
            UInt128 first = ((holeStart >> 12) + block - 1) / block * block;
            UInt128 end = start == holeStart ? 0 : (UInt128)((start - 1) >> 12) + 1;
            ulong own = end > first ? (ulong)(end - first) : 0;
            Assert.Equal(own, tree.Augment(slot).OwnUsablePages(start, shift));
            best[shift] = Math.Max(best[shift], own);
            Assert.Equal(best[shift], tree.Augment(slot).MaxUsablePages(shift));
        }
        return best;
    }
}
