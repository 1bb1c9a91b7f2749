// IOMMU_HW_QUEUE_ALLOC (drivers/iommu/iommufd/viommu.c).
namespace IommuDash.Engine.Iommufd;

public sealed partial class IommufdContext
{
    /// <summary>
    /// Gives a vIOMMU a queue in guest memory at [iova, +length) of its parent. EOPNOTSUPP any flags or type DEFAULT; EINVAL length 0; EOVERFLOW; ENOENT no such vIOMMU; EOPNOTSUPP it has no queues of the type;
    /// ENOENT, EPERM, EFAULT the memory is not mapped, readable and contiguous; then the driver's.
    /// </summary>
    public Refusal? HwQueueAlloc(uint flags, uint viommuId, uint type, uint index, ulong iova, ulong length, out uint queueId)
    {
        queueId = 0;
        if (flags != 0)
            return UnknownFlags("hwqueue.flags", flags);
        if (type == 0)
            return NoDefault("hwqueue.type");
        if (length == 0)
            return new Refusal(Errno.EINVAL, "hwqueue.length", "The length is 0; a queue needs memory.");
        if (!IovaRange.TryOfLength(iova, length, out IovaRange range))
            return new Refusal(Errno.EOVERFLOW, "hwqueue.wrap", $"0x{iova:x} + 0x{length:x} passes the end of the address space.");
        if (Objects.Get(viommuId, "vIOMMU", out Viommu viommu) is { } noViommu)
            return noViommu;
        if (!viommu.Unit.Driver.HasHwQueue(type))
            return new Refusal(Errno.EOPNOTSUPP, "hwqueue.type", $"{viommu.Unit.Name} has no hardware queues of type 0x{type:x}.") { Objects = [viommuId] };
        var created = new HwQueue(this, viommu, type, index, range);
        if (Objects.Reserve(created) is { } full)
            return full;
        if (created.Pin() is { } unpinned)
        {
            Objects.Abort(created);
            return unpinned;
        }
        if (viommu.Unit.Driver.CheckHwQueue(created) is { } refused)
        {
            created.Unpin();
            Objects.Abort(created);
            return refused;
        }
        created.Join();
        Publish(created);
        queueId = created.Id;
        return null;
    }
}
