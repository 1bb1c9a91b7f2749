using IommuDash.Engine.Iova;

namespace IommuDash.Engine.Tests.Iova;

public sealed class IntervalTreeTests
{
    private const int None = -1;

    [Theory]
    [InlineData(1, 40, 400)]
    [InlineData(2, 1_000, 400)]
    [InlineData(3, ulong.MaxValue, 400)]
    [InlineData(4, ulong.MaxValue, 3_000)]
    public void Tree_RandomInsertsAndRemoves_MatchesSortedList(int seed, ulong space, int steps)
    {
        var random = new Random(seed);
        var tree = new RangeTree<int>();
        var model = new List<(IovaRange Range, int Slot, int Payload)>();
        for (int step = 0; step < steps; step++)
        {
            bool grow = random.NextDouble() < (step < steps / 2 ? 0.7 : 0.4);
            if (grow || model.Count == 0)
            {
                IovaRange range = RandomRange(random, space);
                int slot = tree.Insert(range, step);
                int at = model.FindIndex(entry => IsAfter(entry.Range, range));
                model.Insert(at < 0 ? model.Count : at, (range, slot, step));
            }
            else
            {
                int at = random.Next(model.Count);
                tree.Remove(model[at].Slot);
                model.RemoveAt(at);
            }

            IovaRange window = RandomRange(random, space);
            Assert.Equal(model.Where(entry => entry.Range.Overlaps(window)).Select(entry => entry.Slot), Overlaps(tree, window));
            Assert.Equal(model.Where(entry => entry.Range.Start > window.Start).Select(entry => entry.Slot).FirstOrDefault(None), tree.FirstStartingAfter(window.Start));
            if (step % 16 == 0)
                CheckWhole(tree, model);
        }
        CheckWhole(tree, model);
    }

    [Fact]
    public void ExplainLookup_AnyWindow_EndsWhereFirstOverlapEnds()
    {
        var random = new Random(5);
        var tree = new RangeTree<int>();
        for (int i = 0; i < 300; i++)
            tree.Insert(RandomRange(random, 5_000), i);
        for (int i = 0; i < 300; i++)
        {
            IovaRange window = RandomRange(random, 6_000);
            IReadOnlyList<LookupStep> steps = tree.ExplainLookup(window);
            int found = tree.FirstOverlap(window);
            Assert.Equal(found != None, steps[^1].Direction == LookupDirection.Found);
            if (found != None)
                Assert.Equal(found, steps[^1].Slot);
            Assert.InRange(steps.Count, 1, tree.SubtreeHeight(tree.Root));
            Assert.Equal(tree.Root, steps[0].Slot);
            for (int step = 1; step < steps.Count; step++)
                Assert.Equal(steps[step - 1].Slot, tree.Parent(steps[step].Slot));
            Assert.All(steps, step => Assert.NotEmpty(step.Explain(window)));
        }
    }

    [Fact]
    public void Remove_SameSlotTwice_Throws()
    {
        var tree = new RangeTree<int>();
        int slot = tree.Insert(new IovaRange(1, 2), 0);
        tree.Insert(new IovaRange(3, 4), 0);
        tree.Remove(slot);
        Assert.Throws<ArgumentException>(() => tree.Remove(slot));
        Assert.Equal(1, tree.Count);
    }

    [Fact]
    public void Insert_EndBeforeStart_Throws() =>
        Assert.Throws<ArgumentException>(() => new RangeTree<int>().Insert(new IovaRange(2, 1), 0));

    [Fact]
    public void Clear_ThenInsert_StartsOver()
    {
        var tree = new RangeTree<string>();
        for (ulong i = 0; i < 3_000; i++)
            tree.Insert(new IovaRange(i, i), "x");
        tree.Clear();
        Assert.Equal(0, tree.Count);
        Assert.Equal(None, tree.First);
        int slot = tree.Insert(new IovaRange(7, 9), "y");
        Assert.Equal("y", tree.Payload(slot));
        TreeInvariants.Check(tree);
    }

    private static void CheckWhole(RangeTree<int> tree, List<(IovaRange Range, int Slot, int Payload)> model)
    {
        TreeInvariants.Check(tree);
        Assert.Equal(model.Count, tree.Count);
        int slot = tree.First;
        int previous = None;
        for (int rank = 0; rank < model.Count; rank++)
        {
            Assert.Equal(model[rank].Slot, slot);
            Assert.Equal(model[rank].Range, tree.Range(slot));
            Assert.Equal(model[rank].Payload, tree.Payload(slot));
            Assert.Equal(previous, tree.Previous(slot));
            Assert.Equal(rank, tree.RankOf(slot));
            Assert.Equal(slot, tree.AtRank(rank));
            previous = slot;
            slot = tree.Next(slot);
        }
        Assert.Equal(None, slot);
        Assert.Equal(previous, tree.Last);
        Assert.Equal(None, tree.AtRank(model.Count));
    }

    private static IEnumerable<int> Overlaps(RangeTree<int> tree, IovaRange window)
    {
        for (int slot = tree.FirstOverlap(window); slot != None; slot = tree.NextOverlap(slot, window))
            yield return slot;
    }

    private static bool IsAfter(IovaRange entry, IovaRange range) => entry.Start > range.Start || (entry.Start == range.Start && entry.Last > range.Last);

    // Both ends in [0, space].
    private static IovaRange RandomRange(Random random, ulong space)
    {
        ulong a = NextUpTo(random, space);
        ulong b = random.Next(3) == 0 ? NextUpTo(random, space) : a + Math.Min(NextUpTo(random, space / 20), space - a);
        return new IovaRange(Math.Min(a, b), Math.Max(a, b));
    }

    private static ulong NextUpTo(Random random, ulong max)
    {
        ulong value = (ulong)random.NextInt64() ^ ((ulong)random.NextInt64() << 1);
        return max == ulong.MaxValue ? value : value % (max + 1);
    }
}
