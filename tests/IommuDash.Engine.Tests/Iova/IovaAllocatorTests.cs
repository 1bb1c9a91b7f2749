using IommuDash.Engine.Iova;

namespace IommuDash.Engine.Tests.Iova;

public sealed class IovaAllocatorTests
{
    private const ulong Page = 4096;
    private const ulong TwoMiB = 2UL << 20;

    private readonly AreaTree<int> _areas = new();
    private readonly RangeTree<int> _reserved = new();
    private readonly RangeTree<int> _allowed = new();

    [Theory]
    [InlineData(0UL)]
    [InlineData(ulong.MaxValue / 2)]
    [InlineData(ulong.MaxValue)]
    public void TryAllocate_NoOrHugeLength_ReturnsEoverflow(ulong length) => AssertRefused(Errno.EOVERFLOW, "map.auto.length", length, 0, Page);

    [Fact]
    public void TryAllocate_SourceLessAlignedThanIoas_ReturnsEinval() => AssertRefused(Errno.EINVAL, "map.auto.alignment", 2 * Page, 0x10800, Page);

    [Fact]
    public void TryAllocate_EmptySpace_SkipsTheFirstPage() => Assert.Equal(Page, Allocate(Page, 0x7000));

    [Fact]
    public void TryAllocate_LargeSourceZero_AlignsToTheLargePage()
    {
        Assert.Equal(TwoMiB, Allocate(8 * TwoMiB, 0));
        Assert.Equal(Page, Allocate(8 * TwoMiB, 0, largePage: Page));
    }

    [Fact]
    public void TryAllocate_SourceInsideAPage_KeepsItsOffset() => Assert.Equal(0x1a00UL, Allocate(512, 0x7a00));

    [Fact]
    public void TryAllocate_OneByte_NeedsAHoleOfTwo()
    {
        _areas.Insert(new IovaRange(0, 0x1fff), 0);
        _areas.Insert(new IovaRange(0x2001, 0x2fff), 0);
        _areas.Insert(new IovaRange(0x3002, 0x3fff), 0);
        Assert.Equal(0x3000UL, Allocate(1, 0));
    }

    [Fact]
    public void TryAllocate_ReservedBetweenAreas_GoesAround()
    {
        _areas.Insert(new IovaRange(Page, 0x4fff), 0);
        _reserved.Insert(new IovaRange(0x6000, 0x8fff), 1);
        _reserved.Insert(new IovaRange(0x7000, 0x9fff), 2);
        _areas.Insert(new IovaRange(0xb000, 0xbfff), 0);
        Assert.Equal(0x5000UL, Allocate(Page, Page));
        Assert.Equal(0xc000UL, Allocate(2 * Page, Page));
    }

    [Fact]
    public void TryAllocate_NothingFits_ReturnsEnospcAndTheAllowedRanges()
    {
        _allowed.Insert(new IovaRange(0x10000, 0x13fff), 0);
        _areas.Insert(new IovaRange(0x11000, 0x11fff), 0);
        Refusal refusal = AssertRefused(Errno.ENOSPC, "map.auto.space", 3 * Page, Page, Page);
        Assert.Equal([new RefusalRange(RangeRole.Allowed, new IovaRange(0x10000, 0x13fff))], refusal.Ranges);
    }

    [Fact]
    public void TryAllocate_AllowedOnlyBelowTheFirstPage_ReturnsEnospc()
    {
        _allowed.Insert(new IovaRange(0, Page - 1), 0);
        AssertRefused(Errno.ENOSPC, "map.auto.space", 16, 0, 1);
    }

    [Fact]
    public void TryAllocate_TouchingAllowedRanges_AreOneRange()
    {
        _allowed.Insert(new IovaRange(0x10000, 0x10fff), 0);
        _allowed.Insert(new IovaRange(0x11000, 0x11fff), 0);
        Assert.Equal(0x10000UL, Allocate(2 * Page, 0));
    }

    [Fact]
    public void Explain_HolesTooShortAndMisaligned_SaysWhichAndCaps()
    {
        _allowed.Insert(new IovaRange(0x1000, 0x1fff), 0);
        _allowed.Insert(new IovaRange(0x8000, ulong.MaxValue), 0);
        _areas.Insert(new IovaRange(0x9000, 0x9fff), 0);
        _areas.Insert(new IovaRange(0xd000, 0xffff), 0);
        IovaSearch search = IovaAllocator.Explain(_areas, _reserved, _allowed, 2 * Page, 0, Page, TwoMiB);
        Assert.Null(search.Refusal);
        Assert.Equal(0xa000UL, search.Iova);
        Assert.Equal(
            [new PassedHole(new IovaRange(0x1000, 0x1fff), HoleVerdict.AllowedRangeTooShort), new PassedHole(new IovaRange(0x8000, 0x8fff), HoleVerdict.TooShort)],
            search.PassedOver);
        Assert.False(search.MorePassedOver);

        search = IovaAllocator.Explain(_areas, _reserved, _allowed, 3 * Page, 0, Page, TwoMiB, maxHoles: 2);
        Assert.Equal(0x10000UL, search.Iova);
        Assert.Equal(2, search.PassedOver.Count);
        Assert.True(search.MorePassedOver);

        search = IovaAllocator.Explain(_areas, _reserved, _allowed, 3 * Page, 0, Page, TwoMiB);
        Assert.Equal(new PassedHole(new IovaRange(0xa000, 0xcfff), HoleVerdict.TooShortOnceAligned), search.PassedOver[^1]);
    }

    // Spaces: tiny with below-page grains; some MiB so that every alignment class matters; the top of the address space.
    [Theory]
    [InlineData(1, 0UL, 0x20UL, 1_000)]
    [InlineData(2, 0UL, 0x200UL, 400)]
    [InlineData(3, 0UL, 0x1000UL, 100)]
    [InlineData(4, 0UL, 0x1000UL, 8_000)]
    [InlineData(5, 0xffff_ffff_ff00_0000UL, 0x1000UL, 4_096)]
    [InlineData(6, 0xffff_ffff_ffff_0000UL, 0x80UL, 512)]
    [InlineData(7, 0x8000_0000_0000_0000UL, 0x1_0000UL, 1_024)]
    public void TryAllocate_RandomSpaces_MatchesTheRulesFollowedLiterally(int seed, ulong origin, ulong grain, int grains)
    {
        var random = new Random(seed);
        int found = 0;
        for (int world = 0; world < 150; world++)
        {
            var areas = new AreaTree<int>();
            var reserved = new RangeTree<int>();
            var allowed = new RangeTree<int>();
            for (int count = random.Next(60); count > 0; count--)
            {
                IovaRange range = RandomRange(random, origin, grain, grains, grains / 20 + 2);
                if (areas.FirstOverlap(range) == AreaTree<int>.None)
                    areas.Insert(range, count);
            }
            for (int count = random.Next(4); count > 0; count--)
                reserved.Insert(RandomRange(random, origin, grain, grains, grains / 8 + 2), count);
            for (int count = random.Next(4); count > 0; count--)
            {
                IovaRange range = RandomRange(random, origin, grain, grains, grains / 2 + 2);
                if (allowed.FirstOverlap(range) == RangeTree<int>.None)
                    allowed.Insert(range, count);
            }
            // The space ends at its own end, lest everything be found behind it.
            if (random.Next(4) != 0)
                reserved.Insert(new IovaRange(origin + (ulong)(grains - 1) * grain, ulong.MaxValue), -1);
            if (origin != 0 && random.Next(4) != 0)
                reserved.Insert(new IovaRange(0, origin - 1), -2);

            for (int request = 0; request < 40; request++)
            {
                ulong length = RandomLength(random, grain, grains);
                ulong source = RandomSource(random);
                ulong alignment = random.Next(3) == 0 ? Page : 1UL << random.Next(13);
                ulong largePage = random.Next(4) == 0 ? Page : TwoMiB;
                (Errno errno, ulong iova) = ReferenceAllocator.Allocate(Ranges(areas), Ranges(reserved), Ranges(allowed), length, source, alignment, largePage);

                Refusal? refusal = IovaAllocator.TryAllocate(areas, reserved, allowed, length, source, alignment, largePage, out ulong actual);
                Assert.Equal(errno, refusal?.Errno ?? Errno.None);
                Assert.Equal(iova, actual);
                IovaSearch search = IovaAllocator.Explain(areas, reserved, allowed, length, source, alignment, largePage);
                Assert.Equal(iova, search.Iova);
                found += errno == Errno.None ? 1 : 0;
            }
        }
        // Neither all nor nothing may fit, or the test would say little.
        Assert.InRange(found, 600, 5_400);
    }

    private ulong Allocate(ulong length, ulong source, ulong alignment = 1, ulong largePage = TwoMiB)
    {
        Assert.Null(IovaAllocator.TryAllocate(_areas, _reserved, _allowed, length, source, alignment, largePage, out ulong iova));
        return iova;
    }

    private Refusal AssertRefused(Errno errno, string rule, ulong length, ulong source, ulong alignment)
    {
        Refusal? refusal = IovaAllocator.TryAllocate(_areas, _reserved, _allowed, length, source, alignment, TwoMiB, out ulong iova);
        Assert.NotNull(refusal);
        Assert.Equal((errno, rule, 0UL), (refusal.Errno, refusal.Rule, iova));
        Assert.NotEmpty(refusal.Reason);
        return refusal;
    }

    private static IovaRange RandomRange(Random random, ulong origin, ulong grain, int grains, int maxLength)
    {
        int start = random.Next(grains);
        int length = Math.Min(random.Next(1, maxLength), grains - start);
        ulong first = origin + (ulong)start * grain;
        return new IovaRange(first, first + (ulong)length * grain - 1);
    }

    private static ulong RandomLength(Random random, ulong grain, int grains) => random.Next(10) switch
    {
        0 => (ulong)random.Next(1, 4),
        1 => (ulong)random.Next(1, 5_000),
        2 => (ulong)random.Next(1, 600) * Page,
        3 => (ulong)random.Next(1, grains) * grain,
        4 => (ulong)random.NextInt64() * 2,
        _ => (ulong)random.Next(1, grains / 15 + 2) * grain,
    };

    private static ulong RandomSource(Random random) => random.Next(5) switch
    {
        0 => 0,
        1 => (ulong)random.NextInt64(),
        2 => (ulong)random.Next(1, 1 << 20) << random.Next(0, 13),
        _ => (ulong)random.Next(1, 1 << 10) << random.Next(9, 23),
    };

    private static List<IovaRange> Ranges<TPayload, TAugment>(IntervalTree<TPayload, TAugment> tree)
        where TAugment : struct, ITreeAugment<TAugment>
    {
        var ranges = new List<IovaRange>();
        for (int slot = tree.First; slot != -1; slot = tree.Next(slot))
            ranges.Add(tree.Range(slot));
        return ranges;
    }
}
