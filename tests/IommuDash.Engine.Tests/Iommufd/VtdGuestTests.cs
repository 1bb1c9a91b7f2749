using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Engine.Tests.Iommufd;

/// <summary>What Intel and AMD units add: a guest's first stage, dirty bits and what they tell about themselves.</summary>
public sealed class VtdGuestTests
{
    private const ulong Base = 1UL << 24;

    [Fact]
    public void HwptAlloc_FirstStage_IsTakenAndInvalidated()
    {
        using EmulatedHost host = Start(IommuVendor.Intel, out IommufdContext context, out Device device, out uint ioas);
        Assert.Null(context.HwptAlloc(device.Id, ioas, HwptFlags.NestParent, 0, out uint parent));
        Refusal? Nested(uint type, int bytes, HwptFlags flags, out uint id) => context.HwptAlloc(device.Id, parent, flags, 0, GuestData.Of(type, new byte[bytes]), out id);
        Assert.Equal(Errno.EOPNOTSUPP, Nested(2, 24, HwptFlags.None, out _)?.Errno);
        Assert.Equal(Errno.EINVAL, Nested(1, 16, HwptFlags.None, out _)?.Errno);
        Assert.Equal(Errno.EOPNOTSUPP, Nested(1, 24, HwptFlags.DirtyTracking, out _)?.Errno);
        Assert.Null(Nested(1, 24, HwptFlags.None, out uint nested));
        Assert.Null(context.Attach(device.Id, nested, out _));
        Assert.Equal(parent, device.Hwpt!.Id);
        Assert.Equal(nested, device.AttachedTo(0)!.Id);
        Assert.True(context.Objects.Find<HwptNested>(nested)!.EnforcesCoherency);

        Refusal? Invalidate(ulong address, ulong pages, uint flags, out uint done)
        {
            byte[] entry = [.. BitConverter.GetBytes(address), .. BitConverter.GetBytes(pages), .. BitConverter.GetBytes((ulong)flags)];
            return context.HwptInvalidate(nested, GuestArray.Of(0, 24, entry), out done);
        }

        Assert.Null(Invalidate(0x1000, 1, 1, out uint completed));
        Assert.Equal(1u, completed);
        Assert.Null(Invalidate(0, ulong.MaxValue, 0, out _));
        Assert.Equal(Errno.EINVAL, Invalidate(0x1000, ulong.MaxValue, 0, out completed)?.Errno);
        Assert.Equal(0u, completed);
        Assert.Equal(Errno.EINVAL, Invalidate(0x1001, 1, 0, out _)?.Errno);
        Assert.Equal(Errno.EOPNOTSUPP, Invalidate(0x1000, 1, 2, out _)?.Errno);
        Assert.Equal(Errno.EINVAL, context.HwptInvalidate(nested, GuestArray.Of(1, 24, new byte[24]), out _)?.Errno);
        Assert.Equal(Errno.EOPNOTSUPP, context.ViommuAlloc(0, 1, device.Id, parent, 0, [], out _)?.Errno);
        Assert.Null(host.CloseContext(context.Fd));
    }

    [Theory]
    [InlineData(IommuVendor.Intel)]
    [InlineData(IommuVendor.Amd)]
    public void GetDirtyBitmap_DeviceWrites_AreReadOnceAndOnlyThey(IommuVendor vendor)
    {
        using EmulatedHost host = Start(vendor, out IommufdContext context, out Device device, out uint ioas);
        ulong iova = Base;
        Assert.Null(context.IoasMap(host.FindProcess(TestHosts.Pid)!, ioas, MapFlags.Readable | MapFlags.Writeable | MapFlags.FixedIova, TestHosts.Scattered, 64 * 4096, ref iova));
        Assert.Null(context.HwptAlloc(device.Id, ioas, HwptFlags.DirtyTracking, 0, out uint id));
        Assert.Null(context.HwptSetDirtyTracking(id, SetDirtyFlags.Enable));
        HwptPaging hwpt = context.Objects.Find<HwptPaging>(id)!;
        foreach (ulong page in (ulong[])[0, 9, 63])
            Assert.True(hwpt.Domain.MarkDirty(Base + (page * 4096) + 5));
        byte[] bits = new byte[8];
        Assert.Null(context.HwptGetDirtyBitmap(id, GetDirtyFlags.NoClear, Base, 64 * 4096, 4096, bits));
        Assert.Equal([1, 2, 0, 0, 0, 0, 0, 0x80], bits);
        Array.Clear(bits);
        Assert.Null(context.HwptGetDirtyBitmap(id, GetDirtyFlags.None, Base, 64 * 4096, 4096, bits));
        Assert.Equal([1, 2, 0, 0, 0, 0, 0, 0x80], bits);
        Array.Clear(bits);
        Assert.Null(context.HwptGetDirtyBitmap(id, GetDirtyFlags.None, Base, 64 * 4096, 4096, bits));
        Assert.Equal(new byte[8], bits);
    }

    [Theory]
    [InlineData(IommuVendor.Intel, "current", 1u, 24)]
    [InlineData(IommuVendor.Amd, "current", 4u, 16)]
    [InlineData(IommuVendor.Amd, "6.12", 0u, 0)]
    public void GetHwInfo_Vendors_TellTheirOwnStructure(IommuVendor vendor, string level, uint type, int bytes)
    {
        using EmulatedHost host = Start(vendor, out IommufdContext context, out Device device, out _, ReferenceLevel.Find(level));
        Assert.Null(context.GetHwInfo(0, device.Id, 0, out HwInfo? info));
        Assert.Equal((type, bytes), (info!.Type, info.Data.Length));
        if (vendor != IommuVendor.Intel)
            return;
        ulong capability = BitConverter.ToUInt64(info.Data, 8);
        ulong extended = BitConverter.ToUInt64(info.Data, 16);
        Assert.Equal((47UL, 6UL, 3UL), (capability >> 16 & 0x3f, capability >> 8 & 0x1f, capability >> 34 & 3));
        Assert.Equal((1UL, 1UL, 1UL), (extended >> 7 & 1, extended >> 26 & 1, extended >> 45 & 1));
        // Scalable mode with its first and second stage: without it Linux uses neither nesting nor the dirty bits.
        Assert.Equal((1UL, 3UL), (extended >> 43 & 1, extended >> 46 & 3));
    }

    private static EmulatedHost Start(IommuVendor vendor, out IommufdContext context, out Device device, out uint ioas, ReferenceLevel? level = null)
    {
        HostDescription described = TestHosts.Describe(vendor);
        var host = new EmulatedHost(described with { Units = [described.Units[0] with { Nesting = true, DirtyTracking = true }] }, level: level);
        Assert.Null(host.OpenContext(TestHosts.Pid, out IommufdContext? opened));
        context = opened!;
        Assert.Null(context.IoasAlloc(out ioas));
        Assert.Null(context.Bind(host.FindDevice("0000:01:00.0")!, out Device? bound));
        device = bound!;
        return host;
    }
}
