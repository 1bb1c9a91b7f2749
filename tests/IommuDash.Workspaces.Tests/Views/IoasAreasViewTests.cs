using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests.Views;

public sealed class IoasAreasViewTests
{
    [Fact]
    public void Project_AnyWindowAndFilter_AgreesWithTheWholeList()
    {
        (EmulatedHost host, IommufdContext context) = TestIoases.Start();
        using EmulatedHost _ = host;
        context.MapRandomly(400, seed: 11);
        IReadOnlyList<IovaRange> all = context.Areas();
        var random = new Random(12);
        for (int round = 0; round < 300; round++)
        {
            ulong from = (ulong)random.NextInt64(1L << 34);
            ulong to = from + (ulong)random.NextInt64(1L << random.Next(12, 34));
            bool descending = random.Next(2) == 0;
            int first = random.Next(-2, 450);
            int count = random.Next(1, 60);
            IovaRange[] matching = [.. all.Where(area => area.Overlaps(new IovaRange(from, to)))];
            if (descending)
                Array.Reverse(matching);
            IoasAreasSnapshot read = IoasAreasView.Project(host, new IoasAreasQuery(TestIoases.Id, first, count, from, to, descending));
            Assert.Equal((matching.Length, 400), (read.Matching, read.Total));
            Assert.Equal(matching.Skip(Math.Max(first, 0)).Take(count).Select(area => area.Start), read.Items.Select(row => row.Start));
        }
    }

    [Fact]
    public void Project_AskedForTooMuch_GivesTheMostItMay()
    {
        (EmulatedHost host, IommufdContext context) = TestIoases.Start();
        using EmulatedHost _ = host;
        context.MapRandomly(600, seed: 1);
        Assert.Equal(IoasAreasView.MostRows, IoasAreasView.Project(host, new IoasAreasQuery(TestIoases.Id, Count: int.MaxValue)).Items.Count);
        Assert.Empty(IoasAreasView.Project(host, new IoasAreasQuery(99)).Items);
    }

    [Fact]
    public void Area_WithOtherUsers_NamesThemAndItsNeighbourhood()
    {
        (EmulatedHost host, IommufdContext context) = TestIoases.Start(IommuVendor.Intel);
        using EmulatedHost _ = host;
        TestIoases.Attach(host, context);
        context.Map(0x1_0000, pages: 4);
        context.Map(0x3_0000);
        Assert.Null(context.IoasAlloc(out uint other));
        ulong copy = 0x8_0000;
        Assert.Null(context.IoasCopy(other, TestIoases.Id, MapFlags.FixedIova | MapFlags.Readable, 0x1_1000, 0x2000, ref copy));
        IoasAreaSnapshot area = IoasAreaView.Project(host, new IoasAreaQuery(TestIoases.Id, 0x1_2345));
        Assert.Equal(0x1_0000UL, area.Area!.Start);
        Assert.Equal([new IoasAreaUser(other, 0x8_0000, 0x8_1fff)], area.Users);
        Assert.Equal((0, 0x1_0000UL, 0x1_c000UL, 4UL, 4u), (area.Rank, area.HoleBefore, area.HoleAfter, area.Pages, area.Area.PinnedPages));
        Assert.NotNull(area.Area.StorageHwpt);
        Assert.Null(IoasAreaView.Project(host, new IoasAreaQuery(TestIoases.Id, 0x2_0000)).Area);
    }
}
