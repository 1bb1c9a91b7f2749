using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Selftest;

namespace IommuDash.Engine.Tests.Selftest;

/// <summary>The selftest's hw_queue, and what else a queue's memory must be.</summary>
public sealed class HwQueueTests
{
    private const ulong Iova = 1UL << 24;
    private const ulong Page = 4096;

    [Fact]
    public void HwQueueAlloc_EveryRuleInTurn_AnswersAsTheReference()
    {
        using var rig = new MockRig();
        uint viommu = Viommu(rig);
        Refusal? Alloc(uint index, ulong iova = Iova, ulong length = Page, uint type = MockConstants.HwQueueType, uint flags = 0, uint? of = null) =>
            rig.Context.HwQueueAlloc(flags, of ?? viommu, type, index, iova, length, out _);
        rig.Refused(Errno.EOPNOTSUPP, () => Alloc(0, length: 0, flags: 1));
        rig.Refused(Errno.EOPNOTSUPP, () => Alloc(0, length: 0, type: 0));
        rig.Refused(Errno.EINVAL, () => Alloc(0, length: 0, of: 0));
        rig.Refused(Errno.EOVERFLOW, () => Alloc(0, ulong.MaxValue, of: 0));
        rig.Refused(Errno.ENOENT, () => Alloc(0, of: 0));
        rig.Refused(Errno.EOPNOTSUPP, () => Alloc(0, type: 0xdead));
        rig.Refused(Errno.ENOENT, () => Alloc(0));
        rig.Rig.Mapped(TestHosts.Buffer, 2 * Page, Iova);
        rig.Refused(Errno.ENOENT, () => Alloc(0, length: 3 * Page));
        rig.Refused(Errno.EIO, () => Alloc(1));
        rig.Refused(Errno.EINVAL, () => Alloc(2));
        Assert.Null(rig.Context.HwQueueAlloc(0, viommu, MockConstants.HwQueueType, 0, Iova, Page, out uint first));
        rig.Refused(Errno.EEXIST, () => Alloc(0));
        Assert.Null(rig.Context.HwQueueAlloc(0, viommu, MockConstants.HwQueueType, 1, Iova + Page + 16, Page - 16, out uint second));
        HwQueue queue = rig.Context.Objects.Find<HwQueue>(second)!;
        Assert.True(queue.Viommu.Parent.Domain.TryTranslate(Iova + Page + 16, out ulong physical));
        Assert.Equal(physical, queue.BasePhysical);
        rig.Refused(Errno.EBUSY, () => rig.Context.IoasUnmap(rig.Ioas, Iova, 2 * Page, out _));
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(first));
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(viommu));
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(queue.Access.Id));
        rig.Destroyed(second, first);
        Assert.Null(rig.Context.IoasUnmap(rig.Ioas, Iova, 2 * Page, out _));
        rig.Destroyed(viommu);
    }

    [Fact]
    public void HwQueueAlloc_MemoryScatteredOrWriteOnly_IsRefusedWithoutPin()
    {
        using var rig = new MockRig();
        uint viommu = Viommu(rig);
        rig.Rig.Mapped(TestHosts.Scattered, 2 * Page, Iova);
        rig.Rig.Mapped(TestHosts.Buffer, Page, Iova + (4 * Page), MapFlags.Writeable);
        rig.Refused(Errno.EFAULT, () => rig.Context.HwQueueAlloc(0, viommu, MockConstants.HwQueueType, 0, Iova, 2 * Page, out _));
        rig.Refused(Errno.EPERM, () => rig.Context.HwQueueAlloc(0, viommu, MockConstants.HwQueueType, 0, Iova + (4 * Page), Page, out _));
        Assert.Null(rig.Context.HwQueueAlloc(0, viommu, MockConstants.HwQueueType, 0, Iova, Page, out _));
    }

    private static uint Viommu(MockRig rig)
    {
        (_, _, uint device) = rig.Attached();
        return rig.Viommu(device, rig.Hwpt(device, HwptFlags.NestParent));
    }
}
