using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests.Views;

public sealed class IoasPreviewViewTests
{
    [Fact]
    public void Map_OntoAnArea_IsRefusedAndNothingChanges()
    {
        (EmulatedHost host, IommufdContext context) = TestIoases.Start();
        using EmulatedHost _ = host;
        context.Map(0x1_0000);
        IoasPreviewSnapshot preview = Preview(host, new IoasMap { Ioas = TestIoases.Id, UserAddress = TestWorkspaces.Buffer, Length = 0x4000, Iova = 0xf000 });
        Assert.Equal(Errno.EEXIST, preview.Refusal!.Errno);
        Assert.Equal(new IovaRange(0xf000, 0x1_2fff), preview.Landing);
        Assert.Contains(new RefusalRange(RangeRole.Area, new IovaRange(0x1_0000, 0x1_0fff)), preview.Refusal.Ranges);
        Assert.Single(context.Areas());
    }

    [Fact]
    public void Map_WithDomainAndLimit_ForecastsThePins()
    {
        var host = new EmulatedHost(TestWorkspaces.Host(memlockBytes: 8 << 12));
        using EmulatedHost _ = host;
        Assert.Null(host.OpenContext(TestWorkspaces.Pid, out IommufdContext? context));
        Assert.Null(context!.IoasAlloc(out uint _));
        TestIoases.Attach(host, context);
        IoasPreviewSnapshot fits = Preview(host, new IoasMap { Ioas = TestIoases.Id, UserAddress = TestWorkspaces.Buffer, Length = 0x8000 });
        Assert.Null(fits.Refusal);
        Assert.Equal((8UL, 0UL, 8UL, 1), (fits.Pins!.Value.Pages, fits.Pins.Value.LockedPages, fits.Pins.Value.LimitPages, fits.Domains));
        IoasPreviewSnapshot tooMuch = Preview(host, new IoasMap { Ioas = TestIoases.Id, UserAddress = TestWorkspaces.Buffer, Length = 0x9000 });
        Assert.Equal("account.memlock", tooMuch.Refusal!.Rule);
        Assert.Equal(0u, host.Memory.PinnedFrames);
    }

    [Fact]
    public void Unmap_CutsTheLastArea_TellsWhatWouldGoAllTheSame()
    {
        (EmulatedHost host, IommufdContext context) = TestIoases.Start();
        using EmulatedHost _ = host;
        context.Map(0x1000);
        context.Map(0x3000);
        context.Map(0x5000, pages: 2);
        IoasPreviewSnapshot preview = Preview(host, new IoasUnmap { Ioas = TestIoases.Id, Iova = 0x1000, Length = 0x5000 });
        Assert.Equal("unmap.partial", preview.Refusal!.Rule);
        Assert.Equal((2, new IovaRange(0x1000, 0x3fff)), (preview.Areas, preview.Removed!.Value));
        Assert.Equal(3, Preview(host, new IoasUnmapAll { Ioas = TestIoases.Id }).Areas);
    }

    [Fact]
    public void OtherCommands_AreNotPreviewed()
    {
        (EmulatedHost host, IommufdContext _) = TestIoases.Start();
        using EmulatedHost __ = host;
        Assert.Equal("preview.command", Preview(host, new IoasAlloc()).Refusal!.Rule);
        Assert.Equal("context.fd", Preview(host, new IoasUnmapAll { Ioas = 1, Context = 7 }).Refusal!.Rule);
        Assert.Equal("process.lookup", Preview(host, new IoasMap { Ioas = 1, UserAddress = 0, Length = 1, Pid = 9 }).Refusal!.Rule);
    }

    private static IoasPreviewSnapshot Preview(EmulatedHost host, Command command) => IoasPreviewView.Project(host, new IoasPreviewQuery(command));
}
