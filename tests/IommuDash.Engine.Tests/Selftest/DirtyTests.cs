using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;
using IommuDash.Engine.Selftest;
using static IommuDash.Engine.Tests.Selftest.MockRig;

namespace IommuDash.Engine.Tests.Selftest;

/// <summary>The selftest's iommufd_dirty_tracking: five tests, sizes small and with huge leaves, at both levels.</summary>
public sealed class DirtyTests
{
    private const ulong Granule = 2048;
    private const ulong Base = 1UL << 24;
    private const ulong MiB = 1UL << 20;

    public static TheoryData<string, ulong, bool> Variants
    {
        get
        {
            var data = new TheoryData<string, ulong, bool>();
            foreach (ReferenceLevel level in ReferenceLevel.All)
            {
                foreach (ulong kib in (ulong[])[8, 16, 64, 128, 320])
                    data.Add(level.Name, kib << 10, false);
                data.Add(level.Name, 8 * MiB, true);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void GetDirtyBitmap_MarkedPattern_IsReadOnce(string level, ulong length, bool huge)
    {
        using var rig = new MockRig(ReferenceLevel.Find(level));
        (uint hwpt, _) = Tracked(rig, length, huge);
        int bits = (int)(length / Granule);
        byte[] marks = new byte[(bits + 7) / 8];
        byte[] expected = new byte[marks.Length];
        int step = huge ? (int)(2 * MiB / Granule) : 2;
        for (int i = 0; i < bits; i += step)
        {
            Set(marks, i);
            for (int j = i; j < i + (huge ? (int)(MiB / Granule) : 1); j++)
                Set(expected, j);
        }
        foreach (bool clear in (bool[])[false, true])
        {
            Assert.Null(rig.Tests.Dirty(hwpt, Base, length, Granule, marks, isNull: false, out ulong marked));
            Assert.Equal(DirtyBitmap.Count(marks), marked);
            Assert.Equal(expected, Read(rig, hwpt, length, GetDirtyFlags.NoClear));
            Assert.Equal(expected, Read(rig, hwpt, length, clear ? GetDirtyFlags.None : GetDirtyFlags.NoClear));
        }
        Assert.All(Read(rig, hwpt, length, GetDirtyFlags.None), b => Assert.Equal(0, b));
        rig.Destroyed(hwpt);
    }

    [Fact]
    public void SetDirtyTracking_SwitchedOnAgain_ClearsWhatWasMarked()
    {
        using var rig = new MockRig();
        (uint hwpt, _) = Tracked(rig, 64 << 10, huge: false);
        byte[] marks = [0xff];
        Assert.Null(rig.Tests.Dirty(hwpt, Base, 8 * Granule, Granule, marks, false, out _));
        Assert.Null(rig.Context.HwptSetDirtyTracking(hwpt, SetDirtyFlags.Enable));
        Assert.All(Read(rig, hwpt, 64 << 10, GetDirtyFlags.None), b => Assert.Equal(0, b));
        Assert.Null(rig.Context.HwptSetDirtyTracking(hwpt, SetDirtyFlags.None));
        rig.Refused(Errno.EINVAL, () => rig.Tests.Dirty(hwpt, Base, 8 * Granule, Granule, marks, false, out _));
    }

    [Theory]
    [InlineData("current", true)]
    [InlineData("6.12", false)]
    public void GetDirtyBitmap_TrackingOff_ReadsOnlyWithTheGenericTable(string level, bool reads)
    {
        using var rig = new MockRig(ReferenceLevel.Find(level));
        (uint hwpt, _) = Tracked(rig, 64 << 10, huge: false);
        Assert.Null(rig.Tests.Dirty(hwpt, Base, 8 * Granule, Granule, [1], false, out _));
        Assert.Null(rig.Context.HwptSetDirtyTracking(hwpt, SetDirtyFlags.None));
        Assert.Equal(reads ? 1 : 0, Read(rig, hwpt, 64 << 10, GetDirtyFlags.None)[0]);
    }

    [Fact]
    public void Dirty_UnmappedPages_CountAllTheSameExceptAt612()
    {
        foreach (ReferenceLevel level in ReferenceLevel.All)
        {
            using var rig = new MockRig(level);
            (uint hwpt, _) = Tracked(rig, 8 << 10, huge: false);
            Assert.Null(rig.Tests.Dirty(hwpt, Base, 8 * Granule, Granule, [0xff], false, out ulong marked));
            Assert.Equal(level == ReferenceLevel.Current ? 8UL : 4, marked);
        }
    }

    [Fact]
    public void GetDirtyBitmap_BadArguments_AnswerInTheReferencesOrder()
    {
        using var rig = new MockRig();
        (uint hwpt, uint device) = Tracked(rig, 64 << 10, huge: false);
        uint ioas = rig.Context.Objects.Find<HwptPaging>(hwpt)!.Ioas.Id;
        uint plain = rig.Hwpt(device, ioas: ioas);
        uint parent = rig.Hwpt(device, HwptFlags.NestParent, ioas);
        uint nested = rig.Nested(device, parent);
        byte[] bits = new byte[64];
        Refusal? Get(uint id, ulong iova, ulong length, ulong pageSize, uint flags = 0) => rig.Context.HwptGetDirtyBitmap(id, (GetDirtyFlags)flags, iova, length, pageSize, bits);

        const ulong Page = 2 * Granule;
        rig.Refused(Errno.EOPNOTSUPP, () => Get(999, Base, Page, Page, 2));
        rig.Refused(Errno.ENOENT, () => Get(999, Base, 0, 0));
        rig.Refused(Errno.ENOENT, () => Get(nested, Base, Page, Page));
        rig.Refused(Errno.EINVAL, () => Get(plain, Base, 0, 0));
        rig.Refused(Errno.EOVERFLOW, () => Get(plain, ulong.MaxValue - Page + 1, 2 * Page, 0));
        rig.Refused(Errno.EINVAL, () => Get(plain, Base + Granule, Page, Granule));
        rig.Refused(Errno.EINVAL, () => Get(plain, Base, Page, 0));
        rig.Refused(Errno.EINVAL, () => Get(plain, Base, Page, 2 * Page));
        rig.Refused(Errno.EOPNOTSUPP, () => Get(plain, Base, Page, Page));
        rig.Refused(Errno.EOPNOTSUPP, () => rig.Context.HwptSetDirtyTracking(999, (SetDirtyFlags)2));
        rig.Refused(Errno.ENOENT, () => rig.Context.HwptSetDirtyTracking(nested, SetDirtyFlags.Enable));
        rig.Refused(Errno.EOPNOTSUPP, () => rig.Context.HwptSetDirtyTracking(plain, SetDirtyFlags.Enable));
        rig.Refused(Errno.EINVAL, () => rig.Tests.Dirty(999, Base, Granule, 0, bits, false, out _));
        rig.Refused(Errno.EINVAL, () => rig.Tests.Dirty(999, Base, Granule, Granule, bits, true, out _));
        rig.Refused(Errno.EOVERFLOW, () => rig.Tests.Dirty(999, 0, (1UL << 27) + 1, 1, bits, false, out _));
        rig.Refused(Errno.ENOENT, () => rig.Tests.Dirty(999, Base, Granule, Granule, bits, false, out _));
        rig.Refused(Errno.EFAULT, () => rig.Tests.Dirty(hwpt, Base, 9 * Granule, Granule, [1], false, out _));
    }

    [Fact]
    public void GetDirtyBitmap_HoleInTheRange_StopsThereAndAddsToWhatIsSet()
    {
        using var rig = new MockRig();
        (uint hwpt, _) = Tracked(rig, 16 << 10, huge: false);
        uint ioas = rig.Context.Objects.Find<HwptPaging>(hwpt)!.Ioas.Id;
        rig.Rig.Mapped(TestHosts.Buffer, 4096, Base + (16 << 10), ioas: ioas);
        rig.Rig.Mapped(TestHosts.Buffer, 4096, Base + (24 << 10), ioas: ioas);
        Assert.Null(rig.Tests.Dirty(hwpt, Base, 14 * Granule, Granule, [0, 0xff, 0xff], false, out _));
        byte[] bits = [0x01, 0, 0, 0, 0xaa];
        Assert.Null(rig.Context.HwptGetDirtyBitmap(hwpt, GetDirtyFlags.None, Base, 14 * Granule, Granule, bits));
        // The neighbour behind the first area is read, the one behind the hole is not; a leaf of two slots records its first.
        Assert.Equal([0x01, 0x01, 0, 0, 0xaa], bits);
        Assert.True(rig.Context.Objects.Find<HwptPaging>(hwpt)!.Domain.IsDirty(Base + (24 << 10)));
        Assert.Null(rig.Context.HwptGetDirtyBitmap(hwpt, GetDirtyFlags.None, Base + (20 << 10), 4 * Granule, Granule, bits));
        Assert.Equal([0x01, 0x01, 0, 0, 0xaa], bits);
    }

    [Theory]
    [InlineData("current")]
    [InlineData("6.12")]
    public void EnforceDirty_DeviceThatCannot_IsRefusedWithoutTrace(string level)
    {
        using var rig = new MockRig(ReferenceLevel.Find(level));
        (_, _, uint device) = rig.Attached();
        uint hwpt = rig.Hwpt(device, HwptFlags.DirtyTracking);
        rig.Refused(Errno.EINVAL, () => rig.Tests.MockDomain(hwpt, MockConstants.NoDirtyFlag, out _, out _, out _));
        (_, _, uint other) = rig.Attached(flags: MockConstants.NoDirtyFlag);
        rig.Refused(Errno.EOPNOTSUPP, () => rig.Context.HwptAlloc(other, rig.Ioas, HwptFlags.DirtyTracking, 0, out _));
        Assert.Null(rig.Context.GetHwInfo(0, device, 0, out HwInfo? can));
        Assert.Null(rig.Context.GetHwInfo(0, other, 0, out HwInfo? cannot));
        Assert.True(can!.Capabilities.HasFlag(HwCapabilities.DirtyTracking));
        Assert.False(cannot!.Capabilities.HasFlag(HwCapabilities.DirtyTracking));
    }

    [Theory]
    [InlineData("current")]
    [InlineData("6.12")]
    public void EnforceDirty_NestedOnADirtyParent_TakesAnyDevice(string level)
    {
        using var rig = new MockRig(ReferenceLevel.Find(level));
        (_, _, uint device) = rig.Attached();
        (uint mock, _, _) = rig.Attached(flags: MockConstants.NoDirtyFlag);
        uint parent = rig.Hwpt(device, HwptFlags.NestParent | HwptFlags.DirtyTracking);
        uint nested = rig.Nested(device, parent);
        rig.Refused(Errno.EINVAL, () => rig.Tests.Replace(mock, parent, out _));
        Assert.Equal((null, nested), (rig.Tests.Replace(mock, nested, out uint now), now));
    }

    // As the selftest: an IOAS of its own, mapped before the hw_pagetable is made, so that adding the domain fills it. Huge leaves come with the data at the current level, with a device flag at 6.12.
    private static (uint Hwpt, uint Device) Tracked(MockRig rig, ulong length, bool huge)
    {
        bool current = rig.Rig.Host.Level.MockHasRadixTable;
        (_, _, uint device) = rig.Attached(flags: huge && !current ? 2u : 0);
        uint ioas = rig.Rig.NewIoas();
        if (!huge)
            Assert.Null(rig.Context.OptionSet(rig.Rig.Process, IommufdOption.HugePages, ioas, 0));
        rig.Rig.Mapped(huge ? TestHosts.Huge : TestHosts.Buffer, length, Base, ioas: ioas);
        GuestData data = huge && current ? GuestData.Of(MockConstants.HwptDataType, Words(0, 1)) : GuestData.None;
        Assert.Null(rig.Context.HwptAlloc(device, ioas, HwptFlags.DirtyTracking, 0, data, out uint hwpt));
        Assert.Null(rig.Context.HwptSetDirtyTracking(hwpt, SetDirtyFlags.Enable));
        if (huge)
            Assert.Equal([(20, (long)(length / MiB))], rig.Context.Objects.Find<HwptPaging>(hwpt)!.Domain.LeafCounts());
        return (hwpt, device);
    }

    private static byte[] Read(MockRig rig, uint hwpt, ulong length, GetDirtyFlags flags)
    {
        byte[] bits = new byte[((length / Granule) + 7) / 8];
        Assert.Null(rig.Context.HwptGetDirtyBitmap(hwpt, flags, Base, length, Granule, bits));
        return bits;
    }

    private static void Set(byte[] bits, int bit) => bits[bit / 8] |= (byte)(1 << (bit % 8));
}
