using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests.Views;

public sealed class IoasMapViewTests
{
    [Theory]
    [InlineData(AddressScale.Linear, 0UL, ulong.MaxValue, 800)]
    [InlineData(AddressScale.Linear, 0x1234UL, 0x9999UL, 7)]
    [InlineData(AddressScale.Linear, ulong.MaxValue - 9, ulong.MaxValue, 64)]
    [InlineData(AddressScale.Log, 0UL, ulong.MaxValue, 800)]
    [InlineData(AddressScale.Log, 0x10_0000UL, 0xffff_ffffUL, 333)]
    public void Columns_OfAnyWindow_CoverItExactly(AddressScale scale, ulong start, ulong last, int count)
    {
        var columns = new AddressColumns(new IovaRange(start, last), count, scale);
        UInt128 next = start;
        for (int i = 0; i < count; i++)
        {
            if (!columns.TryGet(i, out IovaRange column))
                continue;
            Assert.Equal(next, column.Start);
            next = (UInt128)column.Last + 1;
        }
        Assert.Equal((UInt128)last + 1, next);
    }

    [Theory]
    [InlineData(AddressScale.Linear)]
    [InlineData(AddressScale.Log)]
    public void Project_MoreAreasThanColumns_CountsExactlyAndCoversNearly(AddressScale scale)
    {
        (EmulatedHost host, IommufdContext context) = TestIoases.Start();
        using EmulatedHost _ = host;
        context.MapRandomly(3_000, seed: 5);
        IReadOnlyList<IovaRange> areas = context.Areas();
        var window = new IovaRange(0, (1UL << 34) - 1);
        IoasMapSnapshot map = IoasMapView.Project(host, new IoasMapQuery(TestIoases.Id, window.Start, window.Last, 200, scale));
        Assert.True(map.Dense);
        Assert.Equal((3_000, 3_000), (map.TotalAreas, map.WindowAreas));
        var columns = new AddressColumns(window, 200, scale);
        var shown = map.Items.Cast<IoasMapColumn>().ToDictionary(item => item.Column);
        for (int i = 0; i < 200; i++)
        {
            IovaRange[] inside = columns.TryGet(i, out IovaRange column) ? [.. areas.Where(area => area.Overlaps(column))] : [];
            Assert.Equal(inside.Length, shown.TryGetValue(i, out IoasMapColumn? item) ? item.Areas : 0);
            if (item is null)
                continue;
            double covered = inside.Sum(area => (double)(Math.Min(area.Last, column.Last) - Math.Max(area.Start, column.Start)) + 1) / (double)column.LengthBytes;
            Assert.InRange(item.Covered, covered * (item.Estimated ? 0.5 : 1) - 0.001, covered * (item.Estimated ? 2 : 1) + 0.001);
        }
    }

    [Fact]
    public void Project_FewAreas_ShowsEachWithItsSourceAndSharers()
    {
        (EmulatedHost host, IommufdContext context) = TestIoases.Start();
        using EmulatedHost _ = host;
        context.Map(0x10_0000, pages: 4, sourcePage: 3);
        ulong copy = 0x20_0000;
        Assert.Null(context.IoasCopy(TestIoases.Id, TestIoases.Id, MapFlags.FixedIova | MapFlags.Readable, 0x10_1000, 0x1000, ref copy));
        context.Map(0x30_0000);
        IoasMapSnapshot map = IoasMapView.Project(host, new IoasMapQuery(TestIoases.Id, 0, uint.MaxValue));
        Assert.False(map.Dense);
        IoasMapArea[] areas = [.. map.Items.Cast<IoasMapArea>()];
        Assert.Equal([0x10_0000UL, 0x20_0000UL, 0x30_0000UL], areas.Select(area => area.Start));
        Assert.Equal([TestWorkspaces.Buffer + 0x3000, TestWorkspaces.Buffer + 0x4000, TestWorkspaces.Buffer], areas.Select(area => area.Source));
        Assert.Equal(["rw", "r-", "rw"], areas.Select(area => area.Prot));
        Assert.Equal((1, 1, 0), (areas[0].Share, areas[1].Share, areas[2].Share));
        Assert.Equal(2, areas[1].SharedBy);
        Assert.Null(areas[0].StorageHwpt);
    }

    [Fact]
    public void Project_AttachedAndAllowed_NamesWhoReservedWhat()
    {
        (EmulatedHost host, IommufdContext context) = TestIoases.Start(IommuVendor.Intel);
        using EmulatedHost _ = host;
        TestIoases.Attach(host, context);
        Assert.Null(context.IoasAllowIovas(TestIoases.Id, [new IovaRange(0x10_0000, 0x1f_ffff)]));
        IoasMapSnapshot map = IoasMapView.Project(host, new IoasMapQuery(TestIoases.Id));
        IoasReserved aperture = map.Reserved[^1];
        Assert.Equal(ulong.MaxValue, aperture.Last);
        Assert.Contains("aperture", aperture.Owner, StringComparison.Ordinal);
        Assert.NotNull(aperture.Object);
        Assert.Equal([new IovaRange(0x10_0000, 0x1f_ffff)], map.Allowed);
        Assert.Empty(IoasMapView.Project(host, new IoasMapQuery(TestIoases.Id, 0x20_0000, 0x2f_ffff)).Allowed);
    }

    [Fact]
    public void Project_UnknownIoas_SaysThatItDoesNotExist()
    {
        (EmulatedHost host, IommufdContext _) = TestIoases.Start();
        using EmulatedHost __ = host;
        Assert.False(IoasMapView.Project(host, new IoasMapQuery(99)).Exists);
        Assert.False(IoasMapView.Project(host, new IoasMapQuery(TestIoases.Id, Context: 99)).Exists);
    }
}
