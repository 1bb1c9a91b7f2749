using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using static IommuDash.Engine.Tests.Iommufd.Rig;

namespace IommuDash.Engine.Tests.Iommufd;

public sealed class ContextTests
{
    [Fact]
    public void Ids_AreTheLowestFreeFromOneAndUsedAgainAtOnce()
    {
        using var rig = new Rig();
        Assert.Equal(1u, rig.Ioas);
        Assert.Equal([2u, 3u, 4u], [rig.NewIoas(), rig.NewIoas(), rig.NewIoas()]);
        Assert.Null(rig.Context.Destroy(2));
        Assert.Null(rig.Context.Destroy(3));
        rig.Refused(Errno.ENOENT, () => rig.Context.Destroy(2));
        Assert.Equal([2u, 3u, 5u], [rig.NewIoas(), rig.NewIoas(), rig.NewIoas()]);
        rig.Refused(Errno.ENOENT, () => rig.Context.Destroy(0));
        rig.Refused(Errno.ENOENT, () => rig.Context.Destroy(uint.MaxValue));
    }

    [Fact]
    public void Ids_OfRefusedCalls_AreFreeAgain()
    {
        using var rig = new Rig();
        Device device = rig.Bound("mock0");
        rig.Mapped(TestHosts.Buffer, Page, 0);
        rig.Refused(Errno.EADDRINUSE, () => rig.Context.Attach(device.Id, rig.Ioas, out _));
        Assert.Equal(3u, rig.NewIoas());
    }

    [Fact]
    public void Tombstone_KeepsItsIdTakenByNothing()
    {
        using var rig = new Rig();
        rig.Context.Remove(rig.Object, tombstone: true);
        rig.Refused(Errno.ENOENT, () => rig.Context.Destroy(1));
        Assert.Equal(2u, rig.NewIoas());
        Assert.Null(rig.Context.Destroy(2));
        rig.Refused(Errno.EBUSY, () => rig.Context.OptionSet(rig.Process, IommufdOption.RlimitMode, 0, 1));
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Objects_AboveTheCap_AreEnomemAndNameTheOption()
    {
        using var rig = new Rig(limits: new EngineLimits { ObjectsPerContext = 2 });
        Device device = rig.Bound("mock0");
        rig.Refused(Errno.ENOMEM, () => rig.Context.IoasAlloc(out _));
        rig.Refused(Errno.ENOMEM, () => rig.Context.Attach(device.Id, rig.Ioas, out _));
        rig.Refused(Errno.ENOMEM, () => rig.Context.HwptAlloc(device.Id, rig.Ioas, 0, 0, out _));
        rig.Refused(Errno.ENOMEM, () => rig.Context.Bind(rig.Host.FindDevice("mock1")!, out _));
        Assert.Contains(nameof(EngineLimits.ObjectsPerContext), rig.Context.IoasAlloc(out _)!.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [EveryDomains]
    public void Destroy_IoasWithAreas_NeedsOnlyThatNoHwptUsesIt(Domains domains)
    {
        using var rig = new Rig(domains);
        rig.Mapped(TestHosts.Buffer, 10 * Page);
        if (domains == Domains.None)
            Assert.Null(rig.Context.Destroy(rig.Ioas));
        else
            rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(rig.Ioas));
        rig.AssertNothingLeftAfterClose();
    }

    [Theory]
    [EveryDomains]
    public void Close_EverythingInUse_EndsUsersBeforeWhatTheyUse(Domains domains)
    {
        var events = new EventList();
        using var rig = new Rig(domains, events: events);
        for (ulong i = 0; i < 10; i++)
            rig.Mapped(TestHosts.Scattered + (i * Page), Page, Base + (i * Page));
        rig.Attached("pair0", rig.NewIoas());
        rig.NewHwpt(rig.Bound("pair1"));
        int seen = events.Count;
        Assert.Null(rig.Host.CloseContext(rig.Context.Fd));
        IommufdObjectType[] order = [.. events.Skip(seen).Where(e => e.Kind == EngineEventKind.ObjectDestroyed).Select(e => (IommufdObjectType)e.Other)];
        Assert.Equal(IommufdObjectType.Ioas, order[^1]);
        Assert.Equal(2, order.Count(t => t == IommufdObjectType.Ioas));
        Assert.Equal(Errno.EBADF, rig.Host.CloseContext(rig.Context.Fd)!.Errno);
        rig.AssertNothingLeftAfterClose();
    }

    [Theory]
    [EveryDomains]
    public void ExitProcess_OwnerOfTheContext_ClosesIt(Domains domains)
    {
        using var rig = new Rig(domains);
        rig.Mapped(TestHosts.Buffer, 8 * Page);
        Assert.Null(rig.Host.ExitProcess(TestHosts.Pid));
        Assert.Empty(rig.Host.Contexts);
        Assert.Equal((0u, 0u), (rig.Pinned, rig.Host.Memory.OrphanedFrames));
        Assert.Equal(Errno.ENOENT, rig.Host.ExitProcess(TestHosts.Pid)!.Errno);
        Assert.Equal(Errno.ENOENT, rig.Host.OpenContext(TestHosts.Pid, out _)!.Errno);
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void ExitProcess_MemoryNotYetPinned_CanNoLongerBe()
    {
        using var rig = new Rig();
        MapSibling(rig);
        Device device = rig.Bound("mock0");
        Assert.Null(rig.Host.ExitProcess(Sibling));
        rig.Refused(Errno.EFAULT, () => rig.Context.Attach(device.Id, rig.Ioas, out _));
    }

    [Fact]
    public void ExitProcess_MemoryPinned_StaysAndReachesNewDomains()
    {
        using var rig = new Rig(Domains.Mock);
        Assert.Null(rig.Host.WriteMemory(Sibling, TestHosts.Buffer, [42]));
        MapSibling(rig);
        Assert.Null(rig.Host.ExitProcess(Sibling));
        Assert.Equal((4u, 4u), (rig.Pinned, rig.Host.Memory.OrphanedFrames));
        uint hwpt = rig.NewHwpt(rig.Bound("mock1"));
        Assert.True(rig.Context.Objects.Find<HwptPaging>(hwpt)!.Domain.TryTranslate(Base, out ulong physical));
        Assert.Equal(42, rig.Host.Memory.Read((uint)(physical >> PhysicalMemory.FrameShift))[0]);
        rig.Unmapped(Base, 4 * Page);
        Assert.Equal((0u, 0u), (rig.Pinned, rig.Host.Memory.OrphanedFrames));
        rig.AssertNothingLeftAfterClose();
    }

    private static void MapSibling(Rig rig) => rig.Mapped(TestHosts.Buffer, 4 * Page, Base, by: rig.Host.FindProcess(Sibling));
}
