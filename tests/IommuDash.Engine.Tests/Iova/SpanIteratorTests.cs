using FsCheck;
using FsCheck.Fluent;
using IommuDash.Engine.Iova;

namespace IommuDash.Engine.Tests.Iova;

/// <summary>Span iterators against a bitmap of a small space, placed at the bottom, the middle and the very top of the address space.</summary>
public sealed class SpanIteratorTests
{
    private const int Space = 64;

    private static readonly ulong[] s_origins = [0, 1UL << 40, ulong.MaxValue - (Space - 1)];

    [Fact]
    public void Spans_AnyTreeAndWindow_MatchBitmap()
    {
        Prop.ForAll(Arb.From(Gen.Choose(0, int.MaxValue)), seed =>
        {
            var random = new Random(seed);
            ulong origin = s_origins[random.Next(s_origins.Length)];
            RangeTree<int> tree = RandomTree(random, origin, out bool[] used);
            (int first, int last) = RandomWindow(random);
            var actual = new List<(bool, int, int)>();
            for (var span = tree.Spans(origin + (ulong)first, origin + (ulong)last); !span.IsDone; span.Next())
                actual.Add((!span.IsHole, (int)(span.Start - origin), (int)(span.Last - origin)));
            Assert.Equal(Runs(first, last, i => used[i]), actual);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));
    }

    [Fact]
    public void Advance_AnywhereInTheWindow_ContinuesAsIfStartedThere()
    {
        Prop.ForAll(Arb.From(Gen.Choose(0, int.MaxValue)), seed =>
        {
            var random = new Random(seed);
            ulong origin = s_origins[random.Next(s_origins.Length)];
            RangeTree<int> tree = RandomTree(random, origin, out bool[] used);
            (int first, int last) = RandomWindow(random);
            var span = tree.Spans(origin + (ulong)first, origin + (ulong)last);
            for (int jumps = 0; jumps < 4 && !span.IsDone; jumps++)
            {
                int to = random.Next(first, Space);
                span.Advance(origin + (ulong)to);
                List<(bool, int, int)> expected = to > last ? [] : Runs(to, last, i => used[i]);
                var actual = new List<(bool, int, int)>();
                for (var copy = span; !copy.IsDone; copy.Next())
                    actual.Add((!copy.IsHole, (int)(copy.Start - origin), (int)(copy.Last - origin)));
                Assert.Equal(expected, actual);
                if (!span.IsDone && random.Next(2) == 0)
                    span.Next();
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));
    }

    [Fact]
    public void SpansOver_AnyTreesAndWindow_MatchBitmaps()
    {
        Prop.ForAll(Arb.From(Gen.Choose(0, int.MaxValue)), seed =>
        {
            var random = new Random(seed);
            ulong origin = s_origins[random.Next(s_origins.Length)];
            RangeTree<int> one = RandomTree(random, origin, out bool[] usedOne);
            RangeTree<int> two = RandomTree(random, origin, out bool[] usedTwo);
            (int first, int last) = RandomWindow(random);
            var actual = new List<(SpanCover, int, int)>();
            for (var span = one.SpansOver(two, origin + (ulong)first, origin + (ulong)last); !span.IsDone; span.Next())
                actual.Add((span.Cover, (int)(span.Start - origin), (int)(span.Last - origin)));
            Assert.Equal(Runs(first, last, i => usedOne[i] ? SpanCover.First : usedTwo[i] ? SpanCover.Second : SpanCover.Hole), actual);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));
    }

    [Fact]
    public void Spans_EmptyWindow_IsDoneAtOnce()
    {
        var tree = new RangeTree<int>();
        Assert.True(tree.Spans(5, 4).IsDone);
        Assert.True(tree.SpansOver(tree, 5, 4).IsDone);
    }

    private static RangeTree<int> RandomTree(Random random, ulong origin, out bool[] used)
    {
        var tree = new RangeTree<int>();
        used = new bool[Space];
        for (int count = random.Next(8); count > 0; count--)
        {
            int start = random.Next(Space);
            int last = Math.Min(Space - 1, start + random.Next(12));
            tree.Insert(new IovaRange(origin + (ulong)start, origin + (ulong)last), count);
            Array.Fill(used, true, start, last - start + 1);
        }
        return tree;
    }

    private static (int First, int Last) RandomWindow(Random random)
    {
        int a = random.Next(Space);
        int b = random.Next(Space);
        return (Math.Min(a, b), Math.Max(a, b));
    }

    private static List<(T, int, int)> Runs<T>(int first, int last, Func<int, T> cover)
    {
        var runs = new List<(T, int, int)>();
        for (int start = first; start <= last;)
        {
            int end = start;
            while (end < last && Equals(cover(end + 1), cover(start)))
                end++;
            runs.Add((cover(start), start, end));
            start = end + 1;
        }
        return runs;
    }
}
