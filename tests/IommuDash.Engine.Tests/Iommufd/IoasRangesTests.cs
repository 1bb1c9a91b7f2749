using IommuDash.Engine.Iommufd;
using static IommuDash.Engine.Tests.Iommufd.Rig;

namespace IommuDash.Engine.Tests.Iommufd;

public sealed class IoasRangesTests
{
    private const ulong Max = ulong.MaxValue;

    [Fact]
    public void IovaRanges_NoDomain_IsEverythingAtAnyAlignment()
    {
        using var rig = new Rig();
        Assert.Equal([IovaRange.Whole], Ranges(rig, out ulong alignment));
        Assert.Equal(1UL, alignment);
    }

    [Theory]
    [InlineData(Domains.Mock, 2048)]
    [InlineData(Domains.TwoMock, 2048)]
    [InlineData(Domains.MockAndIntel, 4096)]
    public void IovaRanges_MockDomain_IsItsAperture(Domains domains, ulong expected)
    {
        using var rig = new Rig(domains);
        Assert.Equal([new IovaRange(1UL << 24, (1UL << 31) - 1)], Ranges(rig, out ulong alignment));
        Assert.Equal(expected, alignment);
    }

    [Fact]
    public void IovaRanges_RealHardware_HaveTheMsiWindowCutOut()
    {
        using var rig = new Rig(Domains.Intel);
        Assert.Equal([new IovaRange(0, 0xfedf_ffff), new IovaRange(0xfef0_0000, (1UL << 48) - 1)], Ranges(rig, out _));
        using var amd = new Rig(Domains.Amd);
        Assert.Equal([new IovaRange(0, 0xfedf_ffff), new IovaRange(0xfef0_0000, Max)], Ranges(amd, out _));
    }

    [Fact]
    public void IovaRanges_TooLittleRoom_TellsTheTotalAndAlignmentAllTheSame()
    {
        using var rig = new Rig(Domains.Intel);
        foreach (int room in (int[])[0, 1])
        {
            var ranges = new List<IovaRange>();
            Refusal? refusal = rig.Context.IoasIovaRanges(rig.Ioas, room, ranges, out int total, out ulong alignment);
            Assert.Equal((Errno.EMSGSIZE, 2, Page, room), (refusal!.Errno, total, alignment, ranges.Count));
        }
        Assert.Equal(Errno.ENOENT, rig.Context.IoasIovaRanges(999, 9, [], out _, out _)!.Errno);
    }

    [Theory]
    [EveryDomains]
    public void AllowIovas_BadLists_AreRefusedAndTheOldListStays(Domains domains)
    {
        using var rig = new Rig(domains);
        IovaRange good = new(Base, Base + 0xffff);
        Assert.Null(rig.Context.IoasAllowIovas(rig.Ioas, [good]));
        Refusal? Allow(params IovaRange[] ranges) => rig.Context.IoasAllowIovas(rig.Ioas, ranges);
        rig.Refused(Errno.ENOENT, () => rig.Context.IoasAllowIovas(999, [new(5, 4)]));
        rig.Refused(Errno.EINVAL, () => Allow(new IovaRange(Base + 5, Base + 5)));
        rig.Refused(Errno.EINVAL, () => Allow(new IovaRange(Base + 5, Base + 4)));
        rig.Refused(Errno.EINVAL, () => Allow(good, new IovaRange(Base + 0xffff, Base + 0x1_0000)));
        if (domains != Domains.None)
        {
            ulong reserved = domains == Domains.Amd ? 0xfee0_0000 : Max - Page;
            rig.Refused(Errno.EADDRINUSE, () => Allow(new IovaRange(Base, Base + 1), new IovaRange(reserved, reserved + 1)));
            rig.Refused(Errno.EINVAL, () => Allow(new IovaRange(reserved, reserved + 1), new IovaRange(7, 6)));
        }
        Assert.Null(Allow(good, new IovaRange(Base + 0x1_0000, Base + 0x1_ffff)));
        Assert.Null(Allow());
        Assert.Equal(0, rig.Object.Pagetable.Allowed.Count);
    }

    [Fact]
    public void AllowIovas_AroundExistingAreas_LeavesThem()
    {
        using var rig = new Rig();
        rig.Mapped(TestHosts.Buffer, Page, 0);
        Assert.Null(rig.Context.IoasAllowIovas(rig.Ioas, [new(Base, Base + 0xffff)]));
        Assert.Equal(Page, rig.Unmapped(0, Page));
    }

    [Theory]
    [InlineData("mock0", 0UL)]
    [InlineData("mock0", 1UL << 31)]
    [InlineData("intel0", 1UL << 48)]
    [InlineData("intel0", 0xfee0_0000UL)]
    [InlineData("amd0", 0xfeef_f000UL)]
    public void Attach_AreaOrAllowedRangeWhereTheDeviceCannotReach_IsEaddrinuse(string address, ulong iova)
    {
        using var rig = new Rig();
        Device device = rig.Bound(address);
        rig.Mapped(TestHosts.Buffer, Page, iova);
        rig.Refused(Errno.EADDRINUSE, () => rig.Context.Attach(device.Id, rig.Ioas, out _));
        if (iova != 0xfee0_0000 && iova != 0xfeef_f000)
            rig.Refused(Errno.EADDRINUSE, () => rig.Context.HwptAlloc(device.Id, rig.Ioas, 0, 0, out _));
        rig.Unmapped(0, Max);
        Assert.Null(rig.Context.IoasAllowIovas(rig.Ioas, [new IovaRange(iova, iova + 1)]));
        rig.Refused(Errno.EADDRINUSE, () => rig.Context.Attach(device.Id, rig.Ioas, out _));
        Assert.Null(rig.Context.IoasAllowIovas(rig.Ioas, []));
        Assert.Null(rig.Context.Attach(device.Id, rig.Ioas, out _));
    }

    [Fact]
    public void Option_HugePages_FollowsTheAlignmentRules()
    {
        using var rig = new Rig();
        Refusal? Set(ulong value) => rig.Context.OptionSet(rig.Process, IommufdOption.HugePages, rig.Ioas, value);
        rig.Mapped(TestHosts.Buffer, Page, Base);
        Assert.Null(Set(0));
        Assert.Equal(Page, rig.Alignment);
        Assert.Null(Set(0));
        rig.Refused(Errno.EINVAL, () => rig.Map(TestHosts.Buffer + 2048, Page, Base + Page));
        rig.Refused(Errno.EINVAL, () => rig.Map(TestHosts.Buffer, 2048, Base + Page));
        Assert.Null(Set(1));
        Assert.Equal(1UL, rig.Alignment);
        rig.Mapped(TestHosts.Buffer + 2048, Page, Base + Page);
        rig.Refused(Errno.EADDRINUSE, () => Set(0));
        Assert.Equal(1UL, Get(rig));
    }

    [Fact]
    public void Option_HugePagesWithDomain_RaisesAndDropsTheAlignment()
    {
        using var rig = new Rig(Domains.Mock);
        Refusal? Set(ulong value) => rig.Context.OptionSet(rig.Process, IommufdOption.HugePages, rig.Ioas, value);
        Assert.Equal((2048UL, 1UL), (rig.Alignment, Get(rig)));
        Assert.Null(Set(0));
        Assert.Equal((Page, 0UL), (rig.Alignment, Get(rig)));
        rig.Mapped(TestHosts.Buffer, Page, Base);
        Assert.Null(Set(0));
        rig.Refused(Errno.EINVAL, () => Set(2));
        Assert.Null(Set(1));
        Assert.Equal(2048UL, rig.Alignment);
        rig.Refused(Errno.EINVAL, () => Set(0));
        foreach (uint missing in (uint[])[0, 999, rig.Object.Hwpts[0].Id])
        {
            rig.Refused(Errno.ENOENT, () => rig.Context.OptionSet(rig.Process, IommufdOption.HugePages, missing, 2));
            rig.Refused(Errno.ENOENT, () => rig.Context.OptionGet(IommufdOption.HugePages, missing, out _));
        }
    }

    [Fact]
    public void Option_RlimitMode_IsSetOnlyInAnEmptyContextByThePrivileged()
    {
        using var rig = new Rig();
        Refusal? Set(ulong value, uint id = 0, int pid = TestHosts.Pid) => rig.Context.OptionSet(rig.Host.FindProcess(pid)!, IommufdOption.RlimitMode, id, value);
        rig.Refused(Errno.EOPNOTSUPP, () => Set(5, rig.Ioas, Privileged));
        rig.Refused(Errno.EPERM, () => Set(5, pid: Privileged));
        rig.Refused(Errno.EBUSY, () => Set(5));
        rig.Refused(Errno.EOPNOTSUPP, () => rig.Context.OptionSet(rig.Process, (IommufdOption)2, 0, 0));
        rig.Refused(Errno.EOPNOTSUPP, () => rig.Context.OptionGet((IommufdOption)2, 0, out _));
        rig.Refused(Errno.EOPNOTSUPP, () => rig.Context.OptionGet(IommufdOption.RlimitMode, rig.Ioas, out _));
        Assert.Null(rig.Context.Destroy(rig.Ioas));
        rig.Refused(Errno.EINVAL, () => Set(2));
        foreach (ulong mode in (ulong[])[1, 0, 1])
        {
            Assert.Null(Set(mode));
            Assert.Null(rig.Context.OptionGet(IommufdOption.RlimitMode, 0, out ulong now));
            Assert.Equal(mode, now);
        }
    }

    private static ulong Get(Rig rig)
    {
        Assert.Null(rig.Context.OptionGet(IommufdOption.HugePages, rig.Ioas, out ulong value));
        return value;
    }

    private static List<IovaRange> Ranges(Rig rig, out ulong alignment)
    {
        var ranges = new List<IovaRange>();
        Assert.Null(rig.Context.IoasIovaRanges(rig.Ioas, 16, ranges, out int total, out alignment));
        Assert.Equal(total, ranges.Count);
        return ranges;
    }
}
