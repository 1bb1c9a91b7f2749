// How far a context is from a queue that something comes into: which of the objects on the way exist, and which device could be used. For a demonstration from an empty host, step by step.
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Selftest;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Views;

public sealed record QueueSetupQuery(int Context = 1);

/// <summary>The way of page faults. Ids are null where there is no such object yet.</summary>
/// <param name="Queue">A fault queue.</param>
/// <param name="Hwpt">A hw_pagetable that uses it.</param>
/// <param name="Device">The device attached to that, else one that could be.</param>
/// <param name="IsAttached">The device is attached to it.</param>
/// <param name="IsElsewhere">The device is attached to something else, so that it would be moved.</param>
public sealed record FaultSetup(uint? Ioas, uint? Queue, uint? Hwpt, uint? Device, bool IsAttached, bool IsElsewhere);

/// <summary>The way of a guest's events.</summary>
/// <param name="Parent">A nesting parent.</param>
/// <param name="Nested">A nested hw_pagetable through the vIOMMU.</param>
/// <param name="IsAttached">The device is attached to it.</param>
/// <param name="IsElsewhere">The device is attached to something else.</param>
/// <param name="Refusal">Why no vIOMMU can be made for the device, or one that could be bound; or null.</param>
public sealed record EventSetup(uint? Ioas, uint? Device, uint? Parent, uint? Viommu, uint? Vdevice, uint? Nested, bool IsAttached, bool IsElsewhere, uint? Queue, Refusal? Refusal);

/// <summary>A device of the context.</summary>
/// <param name="Hwpt">What its requester id is attached to, or null.</param>
/// <param name="Queue">The fault queue its page requests without a PASID go to, or null.</param>
/// <param name="EventQueue">The queue its events go to when the mock has it report one, or null.</param>
/// <param name="EventRefusal">Why it cannot be had to report one, or null.</param>
public sealed record SetupDevice(uint Id, string Address, ObjectName? Hwpt, uint? Queue, uint? EventQueue, Refusal? EventRefusal, int PasidBits);

/// <param name="IsOpen">The context is open; else all else is empty.</param>
/// <param name="FreeDevice">Address of a device that could be bound, or null.</param>
/// <param name="Devices">The first <see cref="QueueSetupView.MaxDevices"/>.</param>
public sealed record QueueSetupSnapshot(bool IsOpen, FaultSetup Faults, EventSetup Events, string? FreeDevice, IReadOnlyList<SetupDevice> Devices, int TotalDevices);

public sealed class QueueSetupView : IView<QueueSetupQuery, QueueSetupSnapshot>
{
    public const int MaxDevices = 64;

    public static string Name => "queues.setup";

    public static QueueSetupSnapshot Project(EmulatedHost host, QueueSetupQuery query)
    {
        if (host.FindContext(query.Context) is not { } context)
            return new QueueSetupSnapshot(false, new FaultSetup(null, null, null, null, false, false), new EventSetup(null, null, null, null, null, null, false, false, null, null), null, [], 0);
        Device[] devices = [.. context.Objects.All.OfType<Device>()];
        HostDevice? free = host.Devices.FirstOrDefault(hardware => hardware.Owner is null && context.PreviewBind(hardware) is null);
        Device? unused = devices.FirstOrDefault(device => device.AttachedTo(0) is null) ?? (free is null && devices.Length != 0 ? devices[0] : null);
        return new QueueSetupSnapshot(
            true,
            Faults(context, devices, unused),
            Events(context, unused, free),
            free?.Address,
            [.. devices.Take(MaxDevices).Select(Describe)],
            devices.Length);
    }

    private static FaultSetup Faults(IommufdContext context, Device[] devices, Device? unused)
    {
        Hwpt[] usable = [.. context.Objects.All.OfType<Hwpt>().Where(hwpt => hwpt.FaultQueue is not null)];
        Hwpt? hwpt = usable.FirstOrDefault(used => devices.Any(device => device.AttachedTo(0) == used)) ?? usable.FirstOrDefault();
        Device? device = devices.FirstOrDefault(d => hwpt is not null && d.AttachedTo(0) == hwpt) ?? unused;
        return new FaultSetup(
            (hwpt?.Paging.Ioas ?? First<Ioas>(context))?.Id,
            (hwpt?.FaultQueue ?? First<FaultQueue>(context))?.Id,
            hwpt?.Id,
            device?.Id,
            hwpt is not null && device?.AttachedTo(0) == hwpt,
            device?.AttachedTo(0) is { } other && other != hwpt);
    }

    private static EventSetup Events(IommufdContext context, Device? unused, HostDevice? free)
    {
        Veventq? queue = First<Veventq>(context);
        Viommu? viommu = queue?.Viommu ?? First<Viommu>(context);
        HwptPaging? parent = viommu?.Parent ?? context.Objects.All.OfType<HwptPaging>().FirstOrDefault(hwpt => hwpt.Flags.HasFlag(HwptFlags.NestParent));
        Vdevice? vdevice = viommu?.Vdevices.Values.FirstOrDefault();
        Device? device = vdevice?.Device ?? unused;
        HwptNested[] nested = [.. context.Objects.All.OfType<HwptNested>().Where(hwpt => viommu is not null && hwpt.Viommu == viommu)];
        HwptNested? stage = nested.FirstOrDefault(hwpt => device?.AttachedTo(0) == hwpt) ?? nested.FirstOrDefault();
        return new EventSetup(
            (parent?.Ioas ?? First<Ioas>(context))?.Id,
            device?.Id,
            parent?.Id,
            viommu?.Id,
            vdevice?.Id,
            stage?.Id,
            stage is not null && device?.AttachedTo(0) == stage,
            device?.AttachedTo(0) is { } other && other != stage,
            queue?.Id,
            KernelCall.ViommuAlloc.Check(context.Host.Level) ?? ((device?.Hardware ?? free) is { } hardware ? IommufdContext.PreviewViommu(hardware, MockConstants.ViommuType) : null));
    }

    private static T? First<T>(IommufdContext context) where T : IommufdObject => context.Objects.All.OfType<T>().FirstOrDefault();

    private static SetupDevice Describe(Device device)
    {
        Hwpt? hwpt = device.AttachedTo(0);
        Refusal? refusal = MockTests.PreviewVevent(device, out Veventq? events);
        return new SetupDevice(device.Id, device.Hardware.Address, hwpt is null ? null : ObjectFactsView.NameOf(hwpt), hwpt?.FaultQueue?.Id, events?.Id, refusal, device.Hardware.PasidBits);
    }
}
