// Page faults on their way from a device to a fault queue, and answers on their way back (drivers/iommu/io-pgfault.c, iommufd/eventq.c).
namespace IommuDash.Engine.Iommufd;

public sealed partial class IommufdContext
{
    /// <summary>IOMMU_FAULT_QUEUE_ALLOC: a fault queue with its file open. EOPNOTSUPP any flags; ENOMEM at the cap.</summary>
    public Refusal? FaultQueueAlloc(uint flags, out FaultQueue? queue)
    {
        queue = null;
        if (flags != 0)
            return UnknownFlags("fault.flags", flags);
        var created = new FaultQueue(this);
        if (Objects.Reserve(created) is { } full)
            return full;
        Publish(created);
        created.Open();
        queue = created;
        return null;
    }

    /// <summary>
    /// A device asks for a page. Faults gather by group id until one has LAST_PAGE; then the group goes to the fault queue of what the device, or the PASID, is attached to. A PASID with nothing attached goes to the
    /// requester id's, if that is nested: the guest has the PASIDs then. Without a queue the group is answered INVALID at once.
    /// </summary>
    /// <returns>The queue that took the group; null = it is not complete yet, or was answered INVALID at once.</returns>
    public FaultQueue? ReportFault(Device device, PageFault fault)
    {
        List<PageFault> partial = device.Hardware.PartialFaults;
        if (!fault.Flags.HasFlag(PageFaultFlags.LastPage))
        {
            if (partial.Count < Host.Limits.PartialFaultsPerDevice)
                partial.Add(fault);
            else
                AnswerFault(device, fault.GroupId, PageResponse.Invalid);
            return null;
        }
        List<PageFault> group = [.. partial.Where(f => f.GroupId == fault.GroupId), fault];
        partial.RemoveAll(f => f.GroupId == fault.GroupId);
        Hwpt? hwpt = FaultTarget(device, fault.EffectivePasid);
        if (hwpt?.FaultQueue is { } queue && queue.TryQueue(new FaultGroup(device, hwpt, group, Host.Moment)))
            return queue;
        AnswerFault(device, fault.GroupId, PageResponse.Invalid);
        return null;
    }

    internal void AnswerFault(Device device, uint groupId, PageResponse code) => Raise(EngineEventKind.FaultAnswered, device.Id, (uint)code, value: groupId);

    private static Hwpt? FaultTarget(Device device, uint pasid) =>
        device.AttachedTo(pasid) ?? (pasid != 0 ? device.AttachedTo(0) as HwptNested : null);
}
