using IommuDash.Engine.Iova;

namespace IommuDash.Engine.Tests.Iova;

public sealed class IovaAllocationFreeTests
{
    private const ulong Page = 4096;

    [Fact]
    public void Trees_SteadyState_AllocateNothing()
    {
        var areas = new AreaTree<long>();
        var reserved = new RangeTree<string>();
        var allowed = new RangeTree<int>();
        reserved.Insert(new IovaRange(0xfee0_0000, 0xfeef_ffff), "msi");
        for (ulong i = 0; i < 5_000; i++)
            areas.Insert(new IovaRange(Page + i * 2 * Page, Page + i * 2 * Page + Page - 1), 0);

        Churn(areas, reserved, allowed, 10);
        long before = GC.GetAllocatedBytesForCurrentThread();
        ulong covered = Churn(areas, reserved, allowed, 1_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.NotEqual(0UL, covered);
    }

    [Fact]
    public void AreaTree_HundredThousandAreasWithPayload_StayWithinTheirBytes()
    {
        var areas = new AreaTree<(long, long, long, long, long, long)>();
        for (ulong i = 0; i < 100_000; i++)
            areas.Insert(new IovaRange(i * Page, i * Page + Page - 1), default);
        Assert.InRange(areas.StorageBytes / (double)areas.Count, 48, 136);
    }

    private static ulong Churn(AreaTree<long> areas, RangeTree<string> reserved, RangeTree<int> allowed, int rounds)
    {
        ulong covered = 0;
        for (int i = 0; i < rounds; i++)
        {
            if (IovaAllocator.TryAllocate(areas, reserved, allowed, 2 * Page, 0, Page, IovaAllocator.MaxLargePageBytes, out ulong iova) is not null)
                throw new InvalidOperationException("The space cannot be full.");
            int slot = areas.Insert(new IovaRange(iova, iova + 2 * Page - 1), i);
            areas.Remove(areas.AtRank(areas.RankOf(slot)));
            int random = areas.AtRank(i * 37 % areas.Count);
            IovaRange range = areas.Range(random);
            areas.Remove(random);
            areas.Insert(range, i);
            for (var span = reserved.SpansOver(areas, Page, 64 * Page); !span.IsDone; span.Next())
                covered += span.Cover == SpanCover.Hole ? 0 : span.Last - span.Start + 1;
        }
        return covered;
    }
}
