using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Engine.Tests.Iommufd;

/// <summary>What a device's writes leave in page tables.</summary>
public sealed class DmaWriteTests
{
    private const ulong Page = 4096;
    private const ulong Base = 1UL << 24;

    [Theory]
    [InlineData(IommuVendor.Intel)]
    [InlineData(IommuVendor.Amd)]
    public void DmaWrite_Tracking_MarksExactlyTheLeavesWrittenTo(IommuVendor vendor)
    {
        using EmulatedHost host = Start(vendor, out IommufdContext context, out HwptPaging hwpt, out uint device);
        Assert.Null(context.HwptSetDirtyTracking(hwpt.Id, SetDirtyFlags.Enable));
        Assert.Null(context.DmaWrite(device, Base + (3 * Page) + 5, 2 * Page, null, out ulong dirtied));
        Assert.Equal(3 * Page, dirtied);
        Assert.Equal([3, 4, 5], DirtyPages(hwpt));
        Assert.Null(context.DmaWrite(device, Base + (5 * Page), 2 * Page, null, out dirtied));
        Assert.Equal(Page, dirtied);
        Assert.Null(host.CloseContext(context.Fd));
    }

    [Fact]
    public void DmaWrite_NotTracking_RecordsNothing()
    {
        using EmulatedHost host = Start(IommuVendor.Intel, out IommufdContext context, out HwptPaging hwpt, out uint device);
        Assert.Null(context.DmaWrite(device, Base, 8 * Page, null, out ulong dirtied));
        Assert.Equal(0UL, dirtied);
        Assert.Empty(DirtyPages(hwpt));
        Assert.Null(context.HwptSetDirtyTracking(hwpt.Id, SetDirtyFlags.Enable));
        Assert.Null(context.HwptSetDirtyTracking(hwpt.Id, SetDirtyFlags.None));
        Assert.Null(context.DmaWrite(device, Base, 8 * Page, null, out _));
        Assert.Empty(DirtyPages(hwpt));
    }

    [Fact]
    public void DmaWrite_Scattered_DependsOnTheSeedAlone()
    {
        int[] Run(ulong seed)
        {
            using EmulatedHost host = Start(IommuVendor.Intel, out IommufdContext context, out HwptPaging hwpt, out uint device);
            Assert.Null(context.HwptSetDirtyTracking(hwpt.Id, SetDirtyFlags.Enable));
            Assert.Null(context.DmaWrite(device, Base, 64 * Page, new ScatteredWrites(10, seed), out ulong dirtied));
            int[] pages = DirtyPages(hwpt);
            Assert.Equal((ulong)pages.Length * Page, dirtied);
            return pages;
        }

        Assert.Equal(Run(1), Run(1));
        Assert.NotEqual(Run(1), Run(2));
        Assert.InRange(Run(3).Length, 1, 10);
    }

    [Fact]
    public void DmaWrite_WhatTheUnitWouldFault_IsRefusedAndLeavesNothing()
    {
        using EmulatedHost host = Start(IommuVendor.Intel, out IommufdContext context, out HwptPaging hwpt, out uint device);
        Assert.Null(context.HwptSetDirtyTracking(hwpt.Id, SetDirtyFlags.Enable));
        ulong readOnly = Base + (64 * Page);
        Assert.Null(context.IoasMap(context.Opener, hwpt.Ioas.Id, MapFlags.Readable | MapFlags.FixedIova, TestHosts.Scattered, Page, ref readOnly));
        void Refused(Errno errno, string rule, uint id, ulong iova, ulong length)
        {
            Refusal? refusal = context.DmaWrite(id, iova, length, null, out ulong dirtied);
            Assert.Equal((errno, rule, 0UL), (refusal?.Errno, refusal?.Rule, dirtied));
            Assert.Empty(DirtyPages(hwpt));
        }

        Refused(Errno.EINVAL, "dma.length", device, Base, 0);
        Refused(Errno.EOVERFLOW, "dma.wrap", device, Base, ulong.MaxValue);
        Refused(Errno.ENOENT, "object.lookup", 99, Base, Page);
        Refused(Errno.EFAULT, "dma.hole", device, Base - Page, 2 * Page);
        Refused(Errno.EFAULT, "dma.readonly", device, Base, 65 * Page);
        Refused(Errno.EFAULT, "dma.hole", device, 0, Page);
        Assert.Null(context.Detach(device));
        Refused(Errno.EFAULT, "dma.blocked", device, Base, Page);
        Assert.Null(context.HwptAlloc(device, hwpt.Ioas.Id, HwptFlags.NestParent, 0, out uint parent));
        Assert.Null(context.HwptAlloc(device, parent, HwptFlags.None, 0, GuestData.Of(1, new byte[24]), out uint nested));
        Assert.Null(context.Attach(device, nested, out _));
        Refused(Errno.EOPNOTSUPP, "dma.nested", device, Base, Page);
    }

    private static int[] DirtyPages(HwptPaging hwpt) => [.. Enumerable.Range(0, 64).Where(page => hwpt.Domain.IsDirty(Base + ((ulong)page * Page)))];

    private static EmulatedHost Start(IommuVendor vendor, out IommufdContext context, out HwptPaging hwpt, out uint device)
    {
        HostDescription described = TestHosts.Describe(vendor);
        var host = new EmulatedHost(described with { Units = [described.Units[0] with { Nesting = true, DirtyTracking = true }] });
        Assert.Null(host.OpenContext(TestHosts.Pid, out IommufdContext? opened));
        context = opened!;
        Assert.Null(context.IoasAlloc(out uint ioas));
        Assert.Null(context.Bind(host.FindDevice("0000:01:00.0")!, out Device? bound));
        device = bound!.Id;
        ulong iova = Base;
        Assert.Null(context.IoasMap(context.Opener, ioas, MapFlags.Readable | MapFlags.Writeable | MapFlags.FixedIova, TestHosts.Scattered, 64 * Page, ref iova));
        Assert.Null(context.HwptAlloc(device, ioas, HwptFlags.DirtyTracking, 0, out uint id));
        Assert.Null(context.Attach(device, id, out _));
        hwpt = context.Objects.Find<HwptPaging>(id)!;
        return host;
    }
}
