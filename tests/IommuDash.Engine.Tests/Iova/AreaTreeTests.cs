using IommuDash.Engine.Iova;

namespace IommuDash.Engine.Tests.Iova;

public sealed class AreaTreeTests
{
    private const int None = -1;
    private const ulong Page = 4096;

    [Theory]
    [InlineData(1, 4096UL, 0UL)]
    [InlineData(2, 512UL, 0UL)]
    [InlineData(3, 4096UL, 0xffff_ffff_f000_0000UL)]
    [InlineData(4, 1UL, 0xffff_ffff_f000_0000UL)]
    public void Tree_RandomInsertsAndRemoves_KeepsHoleSummaries(int seed, ulong unit, ulong origin)
    {
        var random = new Random(seed);
        var tree = new AreaTree<int>();
        var slots = new List<int>();
        for (int step = 0; step < 1_500; step++)
        {
            if (random.NextDouble() < (step < 900 ? 0.75 : 0.3) || slots.Count == 0)
            {
                ulong start = origin + (ulong)random.Next((int)(0x1000_0000 / unit)) * unit;
                ulong last = start + Math.Min((ulong)random.Next(1, 600) * unit - 1, ulong.MaxValue - start);
                if (tree.FirstOverlap(start, last) == None)
                    slots.Add(tree.Insert(new IovaRange(start, last), step));
            }
            else
            {
                int at = random.Next(slots.Count);
                tree.Remove(slots[at]);
                slots[at] = slots[^1];
                slots.RemoveAt(slots.Count - 1);
            }
            if (step % 20 == 0)
                TreeInvariants.CheckHoles(tree);
        }
        TreeInvariants.CheckHoles(tree);
    }

    [Fact]
    public void NextWithHole_RandomHoles_FindsWhatAScanFinds()
    {
        var random = new Random(6);
        var tree = new AreaTree<int>();
        ulong at = 0;
        for (int i = 0; i < 500; i++)
        {
            at += (ulong)random.Next(0, 700) * Page;
            ulong length = (ulong)random.Next(1, 30) * Page;
            tree.Insert(new IovaRange(at, at + length - 1), i);
            at += length;
        }
        for (int i = 0; i < 2_000; i++)
        {
            int from = tree.AtRank(random.Next(tree.Count));
            ulong pages = (ulong)random.Next(1, 750);
            int shift = random.Next(0, HoleAugment.MaxAlignShift + 1);
            int expected = tree.Next(from);
            while (expected != None && tree.Augment(expected).OwnUsablePages(tree.Range(expected).Start, shift) < pages)
                expected = tree.Next(expected);
            Assert.Equal(expected, tree.NextWithHole(from, pages, shift));
        }
    }

    [Theory]
    [InlineData(10, 20)]
    [InlineData(5, 10)]
    [InlineData(20, 25)]
    [InlineData(12, 13)]
    public void Insert_Overlapping_ThrowsAndLeavesNoTrace(ulong start, ulong last)
    {
        var tree = new AreaTree<int>();
        tree.Insert(new IovaRange(10, 20), 0);
        Assert.Throws<ArgumentException>(() => tree.Insert(new IovaRange(start, last), 0));
        Assert.Equal(1, tree.Count);
        TreeInvariants.CheckHoles(tree);
    }

    [Fact]
    public void Insert_BothEndsOfTheAddressSpace_HasNoHoleThere()
    {
        var tree = new AreaTree<int>();
        int low = tree.Insert(new IovaRange(0, 0xfff), 0);
        int high = tree.Insert(new IovaRange(ulong.MaxValue - 0xfff, ulong.MaxValue), 0);
        Assert.Equal(0UL, tree.HoleStart(low));
        Assert.Equal(0x1000UL, tree.HoleStart(high));
        Assert.Equal((1UL << 52) - 2, tree.SubtreeHolePages(tree.Root));
        TreeInvariants.CheckHoles(tree);
    }
}
