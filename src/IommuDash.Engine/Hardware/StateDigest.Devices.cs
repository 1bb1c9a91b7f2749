// The part of the digest about devices, what they are attached to, and what a guest sees of them.
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Selftest;

namespace IommuDash.Engine.Hardware;

public sealed partial class StateDigest
{
    private void AddGroup(Igroup igroup)
    {
        Add((ulong)igroup.Group.Id, (ulong)igroup.Bound.Count, (ulong)igroup.Attachments.Count, (ulong)igroup.RequiredSwMsi.Count);
        foreach (Device device in igroup.Bound)
            Add(device.Id);
        foreach (GroupAttachment attachment in igroup.Attachments)
        {
            Add(attachment.Pasid, attachment.Hwpt.Id, (ulong)attachment.Devices.Count);
            foreach (Device device in attachment.Devices)
                Add(device.Id);
        }
        foreach (int index in igroup.RequiredSwMsi)
            Add((ulong)index);
    }

    private void AddSwMsi(IommufdContext context)
    {
        Add((ulong)context.SwMsi.Count);
        foreach ((ulong windowStart, ulong doorbell) in context.SwMsi)
            Add(windowStart, doorbell);
    }

    private void AddDevice(Device device)
    {
        Add(device.Hardware.Address);
        Add(device.Vdevice?.Id ?? 0, (ulong)device.Hardware.PartialFaults.Count);
        foreach (PageFault fault in device.Hardware.PartialFaults)
            AddFault(fault);
        if (device.Hardware.Mock is not { } mock)
            return;
        Add(Flag(mock.WillFailPasid), mock.EventSource?.Viommu.Id ?? 0, mock.EventSource?.VirtualId ?? 0);
        AddAll(mock.Cache);
    }

    private void AddVirtual(IommufdObject found)
    {
        switch (found)
        {
            case HwptNested nested:
                Add(nested.Paging.Id, nested.Viommu?.Id ?? 0, (ulong)nested.Flags, nested.FaultQueue?.Id ?? 0);
                AddStage(nested.Stage);
                break;
            case FaultQueue queue:
                Add(Flag(queue.IsOpen), (ulong)queue.Waiting.Count, (ulong)queue.Unanswered.Count, Flag(queue.GivesCookieZero));
                foreach (FaultGroup group in queue.Waiting)
                    AddFaults(group);
                foreach ((uint cookie, FaultGroup group) in queue.Unanswered)
                {
                    Add(cookie);
                    AddFaults(group);
                }
                break;
            case Viommu viommu:
                Add(viommu.ViommuType, viommu.Parent.Id, viommu.Window?.Offset ?? 0, (ulong)(viommu.Window?.Mappings ?? 0));
                break;
            case Vdevice vdevice:
                Add(vdevice.Viommu.Id, vdevice.Device.Id, vdevice.VirtualId);
                break;
            case Veventq events:
                Add(events.Viommu.Id, events.EventType, events.Depth, events.NextSequence);
                Add(Flag(events.IsOpen), (ulong)events.Events.Count, events.LostSequence + 1UL ?? 0);
                foreach (Vevent each in events.Events)
                {
                    Add(each.Sequence);
                    Add(Convert.ToHexString(each.Data));
                }
                break;
            case HwQueue queue:
                Add(queue.Viommu.Id, queue.QueueType, queue.Index, queue.Range.Start, queue.Range.Last);
                Add(queue.BasePhysical, queue.Access.Id, queue.Previous?.Id ?? 0);
                break;
            case MockDeviceObject mock:
                Add(mock.Hardware.Address);
                break;
            default:
                throw new InvalidOperationException($"The digest does not know a {found.Type}.");
        }
    }

    private void AddStage(NestedStage stage)
    {
        switch (stage)
        {
            case MockStage mock:
                AddAll(mock.Iotlb);
                break;
            case Drivers.VtdFirstStage vtd:
                Add(vtd.Flags, vtd.TableAddress, vtd.AddressWidth);
                break;
            default:
                throw new InvalidOperationException($"The digest does not know a {stage.GetType().Name}.");
        }
    }

    private void AddFaults(FaultGroup group)
    {
        Add(group.Device.Id, group.Hwpt.Id, (ulong)group.Faults.Count);
        foreach (PageFault fault in group.Faults)
            AddFault(fault);
    }

    private void AddFault(PageFault fault) => Add((ulong)fault.Flags, fault.Pasid, fault.GroupId, fault.Perm, fault.Address);

    private void AddAll(uint[] values)
    {
        foreach (uint value in values)
            Add(value);
    }
}
