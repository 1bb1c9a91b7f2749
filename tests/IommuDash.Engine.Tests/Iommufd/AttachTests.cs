using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using static IommuDash.Engine.Tests.Iommufd.Rig;

namespace IommuDash.Engine.Tests.Iommufd;

public sealed class AttachTests
{
    [Fact]
    public void Bind_WhatCannotBeHandedOver_IsRefused()
    {
        using var rig = new Rig();
        Refusal? Bind(string address) => rig.Context.Bind(rig.Host.FindDevice(address)!, out _);
        rig.Refused(Errno.EINVAL, () => Bind("bridge"));
        rig.Refused(Errno.EINVAL, () => Bind("direct0"));
        rig.Bound("pair0");
        rig.Refused(Errno.EINVAL, () => Bind("pair0"));
        Assert.Null(rig.Host.OpenContext(Sibling, out IommufdContext? other));
        rig.Refused(Errno.EPERM, () => other!.Bind(rig.Host.FindDevice("pair1")!, out _));
        Assert.Null(Bind("pair1"));
    }

    [Fact]
    public void Unbind_LastOfTheGroup_FreesItForOthers()
    {
        using var rig = new Rig();
        Device first = rig.Attached("pair0");
        Device second = rig.Bound("pair1");
        Assert.Null(rig.Host.OpenContext(Sibling, out IommufdContext? other));
        Assert.Null(rig.Context.Unbind(first.Id));
        Assert.Equal(Errno.EPERM, other!.Bind(rig.Host.FindDevice("pair0")!, out _)!.Errno);
        Assert.Null(rig.Context.Unbind(second.Id));
        Assert.Null(other.Bind(rig.Host.FindDevice("pair0")!, out _));
        rig.Refused(Errno.ENOENT, () => rig.Context.Unbind(second.Id));
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Attach_BadIdsAndTypes_AnswerInOrder()
    {
        using var rig = new Rig();
        Device device = rig.Bound("mock0");
        foreach (Func<uint, uint, Refusal?> call in (Func<uint, uint, Refusal?>[])[(d, p) => rig.Context.Attach(d, p, out _), (d, p) => rig.Context.Replace(d, p, out _)])
        {
            rig.Refused(Errno.ENOENT, () => call(999, 999));
            rig.Refused(Errno.ENOENT, () => call(rig.Ioas, rig.Ioas));
            rig.Refused(Errno.ENOENT, () => call(device.Id, 0));
            rig.Refused(Errno.EINVAL, () => call(device.Id, device.Id));
        }
        rig.Refused(Errno.EINVAL, () => rig.Context.Replace(device.Id, rig.Ioas, out _));
        rig.Refused(Errno.ENOENT, () => rig.Context.Detach(999));
        Assert.Null(rig.Context.Detach(device.Id));
    }

    [Fact]
    public void Attach_SecondDeviceOfTheSameKind_SharesTheAutomaticHwptAndItGoesWithTheLast()
    {
        using var rig = new Rig();
        Device first = rig.Attached("mock0");
        Device second = rig.Attached("mock1");
        HwptPaging hwpt = first.Hwpt!;
        Assert.Same(hwpt, second.Hwpt);
        rig.Refused(Errno.EBUSY, () => rig.Context.Attach(first.Id, rig.Ioas, out _));
        rig.Refused(Errno.EBUSY, () => rig.Context.Attach(first.Id, hwpt.Id, out _));
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(hwpt.Id));
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(rig.Ioas));
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(first.Id));
        Assert.Null(rig.Context.Detach(first.Id));
        Assert.NotNull(rig.Context.Objects.Find<HwptPaging>(hwpt.Id));
        Assert.Null(rig.Context.Detach(second.Id));
        rig.Refused(Errno.ENOENT, () => rig.Context.Destroy(hwpt.Id));
        Assert.Null(rig.Context.Destroy(rig.Ioas));
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Attach_DeviceThatCannotWalkTheTable_GetsAnotherAutomaticHwpt()
    {
        using var rig = new Rig();
        HwptPaging wide = rig.Attached("intel0").Hwpt!;
        HwptPaging narrow = rig.Attached("narrow0").Hwpt!;
        HwptPaging amd = rig.Attached("amd0").Hwpt!;
        Assert.Equal(3, new HashSet<HwptPaging> { wide, narrow, amd }.Count);
        Assert.Same(wide, rig.Attached("intel1").Hwpt);
        Assert.True(wide.EnforcesCoherency);
        Assert.False(narrow.EnforcesCoherency);
        Assert.Equal([wide, narrow, amd], rig.Object.Hwpts);
        Device mock = rig.Bound("mock0");
        rig.Refused(Errno.EINVAL, () => rig.Context.Attach(mock.Id, amd.Id, out _));
    }

    [Fact]
    public void Attach_ManualHwpt_IsNeverChosenAutomaticallyAndStays()
    {
        using var rig = new Rig();
        Device device = rig.Bound("mock0");
        uint manual = rig.NewHwpt(device);
        Assert.Null(rig.Context.Attach(device.Id, rig.Ioas, out uint chosen));
        Assert.NotEqual(manual, chosen);
        Assert.Null(rig.Context.Replace(device.Id, manual, out uint now));
        Assert.Equal(manual, now);
        Assert.Null(rig.Context.Objects.Find<HwptPaging>(chosen));
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(manual));
        Assert.Null(rig.Context.Detach(device.Id));
        Assert.Null(rig.Context.Destroy(manual));
        Assert.Null(rig.Context.Destroy(rig.Ioas));
    }

    [Fact]
    public void Group_SecondDevice_JoinsOrIsRefused_AndReplaceMovesAll()
    {
        using var rig = new Rig();
        Device first = rig.Attached("pair0");
        uint other = rig.NewIoas();
        Device second = rig.Bound("pair1");
        rig.Refused(Errno.EINVAL, () => rig.Context.Attach(second.Id, other, out _));
        rig.Refused(Errno.EINVAL, () => rig.Context.Replace(second.Id, rig.Ioas, out _));
        Assert.Null(rig.Context.Attach(second.Id, rig.Ioas, out uint hwpt));
        Assert.Equal(first.Hwpt!.Id, hwpt);
        Assert.Equal(2 + 2, rig.Object.Pagetable.Reserved.Count);
        Assert.Null(rig.Context.Replace(second.Id, other, out uint moved));
        Assert.Equal((moved, moved), (first.Hwpt!.Id, second.Hwpt!.Id));
        Assert.Equal((0, 4), (rig.Object.Pagetable.Reserved.Count, rig.Context.Objects.Find<Ioas>(other)!.Pagetable.Reserved.Count));
        Assert.Null(rig.Context.Destroy(rig.Ioas));
        Assert.Null(rig.Context.Detach(first.Id));
        Assert.Equal(moved, second.Hwpt!.Id);
        Assert.Equal(3, rig.Context.Objects.Find<Ioas>(other)!.Pagetable.Reserved.Count);
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Group_Replaced_ReportsEveryDeviceThatMovedOnce()
    {
        var events = new EventList();
        using var rig = new Rig(events: events);
        Device first = rig.Attached("pair0");
        uint other = rig.NewIoas();
        Device second = rig.Bound("pair1");
        Assert.Null(rig.Context.Attach(second.Id, rig.Ioas, out _));
        events.Clear();
        Assert.Null(rig.Context.Replace(second.Id, other, out uint moved));
        Assert.Null(rig.Context.Replace(first.Id, moved, out _));
        Assert.Equal([(first.Id, moved), (second.Id, moved)], events.Where(static e => e.Kind == EngineEventKind.DeviceReplaced).Select(static e => (e.Object, e.Other)));
        Assert.DoesNotContain(events, static e => e.Kind == EngineEventKind.DeviceAttached);
    }

    [Theory]
    [EveryDomains(attached: true)]
    public void Replace_ToAnotherIoasAndBack_MovesWhatIsPinned(Domains domains)
    {
        if (domains is Domains.TwoMock or Domains.MockAndIntel)
            return;
        using var rig = new Rig(domains);
        Device device = rig.Context.Objects.All.OfType<Device>().Single();
        uint old = device.Hwpt!.Id;
        rig.Mapped(TestHosts.Scattered, 5 * Page, Base);
        uint other = rig.NewIoas();
        rig.Mapped(TestHosts.Buffer, 3 * Page, Base, ioas: other);
        Assert.Null(rig.Context.Replace(device.Id, rig.Ioas, out uint same));
        Assert.Equal(old, same);
        Assert.Null(rig.Context.Replace(device.Id, other, out uint now));
        Assert.Equal(now, device.Hwpt!.Id);
        Assert.Equal(3u, rig.Pinned);
        rig.Refused(Errno.ENOENT, () => rig.Context.Attach(device.Id, old, out _));
        Assert.Null(rig.Context.Replace(device.Id, rig.Ioas, out _));
        Assert.Equal(5u, rig.Pinned);
        Assert.Null(rig.Context.Destroy(other));
        rig.AssertNothingLeftAfterClose();
    }

    [Theory]
    [InlineData(0x1f00_8000UL, 1UL, Errno.EADDRINUSE)]
    [InlineData(0x1000UL, 1UL, Errno.EADDRINUSE)]
    [InlineData(0x100_0000UL, 100_000UL, Errno.EFAULT)]
    public void Replace_ToAnIoasThatCannotTakeIt_LeavesTheOldAttachment(ulong iova, ulong pages, Errno errno)
    {
        var events = new EventList();
        using var rig = new Rig(events: events);
        Device device = rig.Attached("pair0");
        Device peer = rig.Attached("pair1");
        rig.Mapped(TestHosts.Buffer, 2 * Page, Base);
        uint other = rig.NewIoas();
        rig.Mapped(TestHosts.Buffer, pages * Page, iova, ioas: other);
        int seen = events.Count;
        rig.Refused(errno, () => rig.Context.Replace(device.Id, other, out _));
        Assert.DoesNotContain(events.Skip(seen), e => e.Kind is EngineEventKind.ObjectCreated or EngineEventKind.ObjectDestroyed or EngineEventKind.DeviceReplaced);
        Assert.Same(device.Hwpt, peer.Hwpt);
    }

    [Fact]
    public void Replace_ADetachedDeviceOntoANewIoas_ShowsNoObjectEvents()
    {
        var events = new EventList();
        using var rig = new Rig(events: events);
        Device device = rig.Bound("mock0");
        int seen = events.Count;
        rig.Refused(Errno.EINVAL, () => rig.Context.Replace(device.Id, rig.Ioas, out _));
        Assert.DoesNotContain(events.Skip(seen), e => e.Kind is EngineEventKind.ObjectCreated or EngineEventKind.ObjectDestroyed);
    }

    [Fact]
    public void Attach_PeerOfTheGroupDoesNotFit_IsEinvalThoughThePeerIsNotBound()
    {
        using var rig = new Rig();
        Device device = rig.Bound("mixed0");
        uint dirty = rig.NewHwpt(device, flags: HwptFlags.DirtyTracking);
        rig.Refused(Errno.EINVAL, () => rig.Context.Attach(device.Id, dirty, out _));
        Assert.Null(rig.Context.Attach(device.Id, rig.Ioas, out _));
        rig.Refused(Errno.EINVAL, () => rig.Context.Replace(device.Id, dirty, out _));
    }

    [Fact]
    public void Attach_MsiWindows_AreReservedOrRefusedWhenTheyConflict()
    {
        using var rig = new Rig();
        Device bad = rig.Bound("badmsi");
        rig.Refused(Errno.EINVAL, () => rig.Context.Attach(bad.Id, rig.Ioas, out _));
        rig.Attached("softmsi");
        Assert.True(rig.Object.Pagetable.Reserved.FirstOverlap(0x1800_0000, 0x1800_ffff) >= 0);
        rig.Refused(Errno.EINVAL, () => rig.Map(TestHosts.Buffer, Page, 0x1800_0000));
    }

    [Fact]
    public void Attach_RelaxableRegions_AreNotReserved()
    {
        using var rig = new Rig(Domains.Intel);
        rig.Mapped(TestHosts.Buffer, Page, 0x7000_0000);
    }

    [Theory]
    [EveryDomains]
    public void HwptAlloc_SeveralArgumentsWrong_AnswersInTheReferencesOrder(Domains domains)
    {
        using var rig = new Rig(domains);
        Device device = rig.Bound("mock2");
        Device plain = rig.Bound("nodirty");
        Device intel = rig.Bound("intel1");
        const HwptFlags All = (HwptFlags)uint.MaxValue;
        Refusal? Alloc(uint dev, uint pt, HwptFlags flags) => rig.Context.HwptAlloc(dev, pt, flags, 999, out _);
        rig.Refused(Errno.ENOENT, () => Alloc(999, 999, All));
        rig.Refused(Errno.ENOENT, () => Alloc(rig.Ioas, 999, All));
        rig.Refused(Errno.EINVAL, () => Alloc(device.Id, 999, All));
        rig.Refused(Errno.EINVAL, () => Alloc(device.Id, 0, All));
        rig.Refused(Errno.EINVAL, () => Alloc(device.Id, device.Id, All));
        rig.Refused(Errno.EOPNOTSUPP, () => Alloc(device.Id, rig.Ioas, (HwptFlags)16));
        rig.Refused(Errno.EOPNOTSUPP, () => Alloc(plain.Id, rig.Ioas, HwptFlags.DirtyTracking));
        rig.Refused(Errno.EOPNOTSUPP, () => Alloc(intel.Id, rig.Ioas, HwptFlags.NestParent));
        rig.Refused(Errno.EOPNOTSUPP, () => Alloc(intel.Id, rig.Ioas, HwptFlags.Pasid));
        rig.Refused(Errno.EOPNOTSUPP, () => Alloc(device.Id, rig.Ioas, HwptFlags.NestParent | HwptFlags.FaultIdValid));
        rig.Refused(Errno.ENOENT, () => Alloc(device.Id, rig.Ioas, HwptFlags.FaultIdValid));
        if (rig.Object.Hwpts.Count != 0)
            rig.Refused(Errno.EOPNOTSUPP, () => Alloc(device.Id, rig.Object.Hwpts[0].Id, HwptFlags.None));
        uint id = rig.NewHwpt(device, flags: HwptFlags.DirtyTracking | HwptFlags.NestParent | HwptFlags.Pasid);
        rig.Refused(Errno.EINVAL, () => rig.Context.Attach(plain.Id, id, out _));
        rig.Mapped(TestHosts.Buffer, Page, Base);
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(rig.Ioas));
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void HwptAlloc_OverMappedMemory_FillsItFromTheOtherDomain()
    {
        using var rig = new Rig(Domains.Mock);
        rig.Mapped(TestHosts.Scattered + 2048, 9 * Page, Base + 2048);
        Assert.Equal(10u, rig.Pinned);
        uint id = rig.NewHwpt(rig.Bound("mock1"));
        Assert.Equal(9 * Page, rig.Context.Objects.Find<HwptPaging>(id)!.Domain.MappedBytes);
        Assert.Equal(10u, rig.Pinned);
        Device coarse = rig.Bound("intel0");
        rig.Refused(Errno.EADDRINUSE, () => rig.Context.Attach(coarse.Id, rig.Ioas, out _));
        Assert.Null(rig.Context.Destroy(id));
        Assert.Equal(10u, rig.Pinned);
    }
}

/// <summary>Keeps what an engine reports.</summary>
internal sealed class EventList : List<EngineEvent>, IEngineEventSink
{
    public void Raise(in EngineEvent engineEvent) => Add(engineEvent);
}
