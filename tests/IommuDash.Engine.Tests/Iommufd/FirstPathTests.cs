using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Engine.Tests.Iommufd;

public sealed class FirstPathTests
{
    [Theory]
    [InlineData(IommuVendor.Intel, 0)]
    [InlineData(IommuVendor.Amd, 0)]
    [InlineData(IommuVendor.Mock, 0x800)]
    public void AttachAndMap_ThenClose_PinsOnceAndLeavesNothing(IommuVendor vendor, ulong offset)
    {
        (EmulatedHost host, IommufdContext context, var process) = TestHosts.Start(TestHosts.Describe(vendor));
        using EmulatedHost _ = host;
        uint pages = offset == 0 ? 64u : 65;
        uint framesBefore = host.Memory.FramesInUse;
        Assert.Null(context.IoasAlloc(out uint ioas));
        Assert.Null(context.Bind(host.FindDevice("0000:01:00.0")!, out Device? first));
        Assert.Null(context.Bind(host.FindDevice("0000:02:00.0")!, out Device? second));
        Assert.Null(context.Attach(first!.Id, ioas, out uint hwpt));
        Assert.Null(context.Attach(second!.Id, ioas, out uint shared));
        Assert.Equal(hwpt, shared);

        ulong iova = 0;
        Assert.Null(context.IoasMap(process, ioas, MapFlags.Readable | MapFlags.Writeable, TestHosts.Scattered + offset, 64 * 4096, ref iova));
        Assert.Equal(pages, host.Memory.PinnedFrames);
        ulong copy = 0;
        Assert.Null(context.IoasCopy(ioas, ioas, MapFlags.Readable, iova, 8 * 4096, ref copy));
        Assert.Equal(pages, host.Memory.PinnedFrames);
        Assert.Equal((ulong)pages, process.User.LockedPages);

        var table = context.Objects.Find<HwptPaging>(hwpt)!.Domain;
        Assert.True(table.TryTranslate(iova + 0x123, out ulong physical));
        Assert.True(table.TryTranslate(copy + 0x123, out ulong same));
        Assert.Equal(physical, same);

        Assert.Null(context.IoasUnmap(ioas, iova, 64 * 4096, out ulong unmapped));
        Assert.Equal(64UL * 4096, unmapped);
        Assert.Equal(pages - 56, host.Memory.PinnedFrames);
        Assert.Null(host.CloseContext(context.Fd));
        Assert.Equal(0u, host.Memory.PinnedFrames);
        Assert.Equal(0UL, process.User.LockedPages);
        Assert.Null(host.ExitProcess(process.Pid));
        Assert.Equal(framesBefore, host.Memory.FramesInUse);
    }

    [Fact]
    public void Map_OverlapsArea_ReturnsEexist()
    {
        (EmulatedHost host, IommufdContext context, var process) = TestHosts.Start(TestHosts.Describe(IommuVendor.Mock));
        using EmulatedHost _ = host;
        Assert.Null(context.IoasAlloc(out uint ioas));
        ulong iova = 0x1000;
        Assert.Null(context.IoasMap(process, ioas, MapFlags.Readable | MapFlags.FixedIova, TestHosts.Buffer, 0x2000, ref iova));
        iova = 0x2000;
        Refusal refusal = Assert.IsType<Refusal>(context.IoasMap(process, ioas, MapFlags.Readable | MapFlags.FixedIova, TestHosts.Buffer, 0x1000, ref iova));
        Assert.Equal(Errno.EEXIST, refusal.Errno);
        Assert.Contains(new RefusalRange(RangeRole.Area, new IovaRange(0x1000, 0x2fff)), refusal.Ranges);
    }
}
