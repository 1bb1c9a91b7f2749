// The ways to a first page fault and to a first event, as steps: which are done, and the command that does the next one. What exists is used; nothing is made twice.
using IommuDash.Engine;
using IommuDash.Engine.Selftest;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Components.Queues;

/// <param name="Title">What is made or done.</param>
/// <param name="Done">What there is already; null = it is not done yet.</param>
/// <param name="Command">Does it; null while it is done, or while a step before it is not.</param>
/// <param name="Refusal">Why it would be refused, as far as that is known without trying.</param>
public sealed record SetupStep(string Title, string? Done, Command? Command, Refusal? Refusal = null);

/// <summary>Steps for one context.</summary>
public static class QueueSetup
{
    /// <summary>Room in an event queue that is made here: small, so that losing events is quickly shown.</summary>
    public const uint DefaultDepth = 4;

    /// <summary>More than either way has.</summary>
    public const int MaxSteps = 16;

    /// <summary>What the guest calls the device.</summary>
    public const ulong VirtualId = 0x11;

    public static IReadOnlyList<SetupStep> Faults(QueueSetupSnapshot setup, int context)
    {
        FaultSetup now = setup.Faults;
        return InOrder(
            NewIoas(now.Ioas, context),
            NewDevice(setup, now.Device, context),
            new("Allocate a fault queue", Name("fault queue", now.Queue), new FaultAlloc { Context = context }),
            new("Make a hw_pagetable that sends its faults there", Name("hw_pagetable", now.Hwpt),
                now is { Device: { } device, Ioas: { } ioas } ? new HwptAlloc { Context = context, Device = device, Pt = ioas, Fault = now.Queue } : null),
            Attach(now.IsAttached, now.IsElsewhere, now.Device, now.Hwpt, context));
    }

    public static IReadOnlyList<SetupStep> Events(QueueSetupSnapshot setup, int context)
    {
        EventSetup now = setup.Events;
        return InOrder(
            NewIoas(now.Ioas, context),
            NewDevice(setup, now.Device, context),
            new("Make a nesting parent", Name("hw_pagetable", now.Parent), now is { Device: { } device, Ioas: { } ioas } ? new HwptAlloc { Context = context, Device = device, Pt = ioas, NestParent = true } : null),
            new("Allocate a vIOMMU on it", Name("vIOMMU", now.Viommu), now is { Device: { } owner, Parent: { } parent } ? new ViommuAlloc { Context = context, Device = owner, Hwpt = parent, Type = MockConstants.ViommuType } : null, now.Refusal),
            new($"Allocate a vDEVICE: the guest calls it 0x{VirtualId:x}", Name("vDEVICE", now.Vdevice), now is { Viommu: { } viommu, Device: { } real } ? new VdeviceAlloc { Context = context, Viommu = viommu, Device = real, VirtualId = VirtualId } : null),
            new("Make a nested hw_pagetable through the vIOMMU", Name("hw_pagetable", now.Nested),
                now is { Viommu: { } on, Device: { } behind } ? new HwptAlloc { Context = context, Device = behind, Pt = on, DataType = MockConstants.HwptDataType, Data = new byte[8] } : null),
            Attach(now.IsAttached, now.IsElsewhere, now.Device, now.Nested, context),
            new($"Allocate a vEVENTQ with room for {DefaultDepth} events", Name("vEVENTQ", now.Queue), now is { Viommu: { } of } ? new VeventqAlloc { Context = context, Viommu = of, Type = MockConstants.VeventqType, Depth = DefaultDepth } : null));
    }

    private static SetupStep NewIoas(uint? ioas, int context) => new("Allocate an IOAS", Name("IOAS", ioas), new IoasAlloc { Context = context });

    private static SetupStep NewDevice(QueueSetupSnapshot setup, uint? device, int context) => new(
        setup.FreeDevice is { } free && device is null ? $"Bind {free}" : "Bind a device",
        Name("device", device),
        setup.FreeDevice is { } address ? new DeviceBind { Context = context, Address = address } : null,
        setup.FreeDevice is null ? new Refusal(Errno.ENODEV, "setup.device", "This host has no device that could be bound.") : null);

    private static SetupStep Attach(bool isAttached, bool isElsewhere, uint? device, uint? hwpt, int context) => new(
        device is { } named ? $"{(isElsewhere ? "Move" : "Attach")} device {named} there" : "Attach the device there",
        isAttached ? $"device {device} on {hwpt}" : null,
        (device, hwpt) is not ({ } who, { } where) ? null : isElsewhere ? new DeviceReplace { Context = context, Device = who, Pt = where } : new DeviceAttach { Context = context, Device = who, Pt = where });

    // Only the first step that is not done can be taken; those after it need what it makes.
    private static SetupStep[] InOrder(params SetupStep[] steps)
    {
        int next = Array.FindIndex(steps, step => step.Done is null);
        return [.. steps.Select((step, index) => index == next ? step : step with { Command = null, Refusal = index > next && next >= 0 ? step.Refusal : null })];
    }

    private static string? Name(string what, uint? id) => id is null ? null : $"{what} {id}";
}
