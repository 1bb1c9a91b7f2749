// Facts of the objects that have no page of their own: what is attached to them or queued in them.
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Selftest;

namespace IommuDash.Workspaces.Views;

public sealed partial class ObjectFactsView
{
    private static IReadOnlyList<Fact> OthersFacts(IommufdObject item) => item switch
    {
        Access access =>
        [
            new("Attached to", access.Ioas is null ? "nothing" : NameOf(access.Ioas).Title) { Object = access.Ioas is null ? null : NameOf(access.Ioas) },
            new("May pin", YesNo(access.NeedsPinPages)),
            new("Pinned ranges", $"{access.PinnedRanges:N0}"),
            new("Made by", access.IsInternal ? "the kernel itself" : "a driver, which holds it"),
        ],
        FaultQueue queue => [new("Groups waiting", $"{queue.Waiting.Count:N0}"), new("Groups unanswered", $"{queue.Unanswered.Count:N0}"), File(queue)],
        HwptNested nested =>
        [
            new("Parent", NameOf(nested.Paging).Title) { Object = NameOf(nested.Paging) },
            new("Flags", nested.Flags == HwptFlags.None ? "none" : $"{nested.Flags}"),
            new("Snooping", nested.EnforcesCoherency ? "enforced" : "as the device asks"),
        ],
        Viommu viommu =>
        [
            new("Unit", viommu.Unit.Name) { Object = new ObjectName("unit", viommu.Unit.Name, viommu.Unit.Name) },
            new("Type", $"0x{viommu.ViommuType:x}"),
            new("Virtual devices", $"{viommu.Vdevices.Count:N0}"),
            new("Event queues", $"{viommu.Veventqs.Count:N0}"),
            new("Hardware queues", $"{viommu.HwQueues.Count:N0}"),
        ],
        Vdevice vdevice => [new("Id in the guest", $"0x{vdevice.VirtualId:x}"), new("Device", NameOf(vdevice.Device).Title) { Object = NameOf(vdevice.Device) }],
        Veventq queue => [new("Type", $"0x{queue.EventType:x}"), new("Events", $"{queue.Events.Count:N0} of {queue.Depth:N0}"), new("Events lost", $"{queue.LostEventCount:N0}"), File(queue)],
        HwQueue queue => [new("Type", $"0x{queue.QueueType:x}"), new("Index", $"{queue.Index}"), new("Memory") { Range = queue.Range }],
        MockDeviceObject mock => [new("Mock device", mock.Hardware.Address) { Object = new ObjectName("device", mock.Hardware.Address, mock.Hardware.Address) }],
        _ => [],
    };

    private static Fact File(EventFile file) => new("Its file", file.IsOpen ? "open, and holds a reference" : "closed");
}
