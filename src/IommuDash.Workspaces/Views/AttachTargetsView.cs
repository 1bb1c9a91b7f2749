// The iommufd side of the topology page: what a context holds that a device can be attached to, and, for one chosen device, what each of these would answer.
// A window of targets is projected, in ascending id of the IOAS with its hw_pagetables behind it; the rest is counted.
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces.Views;

/// <param name="Context">The context's fd; need not be open.</param>
/// <param name="Device">Address of the chosen device; null = none, and no target is previewed.</param>
/// <param name="First">Index of the first target, from 0.</param>
/// <param name="Count">Targets at most; see <see cref="AttachTargetsView.MaxTargets"/>.</param>
public sealed record AttachTargetsQuery(int Context = 1, string? Device = null, int First = 0, int Count = AttachTargetsView.MaxTargets);

/// <param name="Contexts">All open contexts of the host.</param>
/// <param name="Context">The one asked for; null if it is not open.</param>
/// <param name="Targets">The window.</param>
/// <param name="First">Index of its first target.</param>
/// <param name="TotalTargets">IOASes and hw_pagetables of the context.</param>
/// <param name="Unattached">Devices bound to the context but attached to nothing; the first <see cref="AttachTargetsView.MaxDevices"/>.</param>
/// <param name="TotalUnattached">How many there are.</param>
/// <param name="Device">The chosen device; null if none, or none of that address.</param>
public sealed record AttachTargetsSnapshot(
    IReadOnlyList<ContextSummary> Contexts,
    ContextSummary? Context,
    IReadOnlyList<AttachTarget> Targets,
    int First,
    int TotalTargets,
    IReadOnlyList<AttachedDevice> Unattached,
    int TotalUnattached,
    ChosenDevice? Device) : IItemSnapshot
{
    IReadOnlyList<IViewItem> IItemSnapshot.Items => Targets;
}

/// <param name="Fd">Number of the open /dev/iommu file.</param>
/// <param name="Pid">Process that opened it.</param>
/// <param name="Objects">Objects in its table.</param>
public sealed record ContextSummary(int Fd, int Pid, string Process, int Objects);

/// <summary>An IOAS, or a hw_pagetable of the IOAS before it.</summary>
/// <param name="Key"><c>ioas:2</c> or <c>hwpt:3</c>.</param>
/// <param name="Ioas">Id of the IOAS; the target's own for an IOAS.</param>
/// <param name="Areas">Areas of the IOAS.</param>
/// <param name="Hwpt">What makes it a hw_pagetable; null for an IOAS.</param>
/// <param name="Devices">Devices attached to this hw_pagetable; the first <see cref="AttachTargetsView.MaxDevices"/>.</param>
/// <param name="TotalDevices">How many are attached; for an IOAS to all of its hw_pagetables.</param>
/// <param name="Preview">What the chosen device would meet here; null if none is chosen.</param>
public sealed record AttachTarget(string Key, uint Id, uint Ioas, long Areas, TargetHwpt? Hwpt, IReadOnlyList<AttachedDevice> Devices, int TotalDevices, TargetPreview? Preview) : IViewItem;

/// <param name="IsAutomatic">Made by attaching to the IOAS, and gone with its last device.</param>
/// <param name="Format">Name of the table's format.</param>
/// <param name="Unit">Unit it was made for.</param>
/// <param name="Aperture">Addresses it translates.</param>
public sealed record TargetHwpt(bool IsAutomatic, string Format, string Unit, IovaRange Aperture, bool EnforcesCoherency);

/// <param name="Address">The device's address.</param>
/// <param name="Id">Its object id in the context.</param>
public sealed record AttachedDevice(string Address, uint Id, string Name);

/// <param name="Binding">Where it is bound and attached; null = a host driver has it.</param>
/// <param name="BindRefusal">Why it cannot be bound to the context; null if it can, or is.</param>
public sealed record ChosenDevice(string Address, string Name, TopologyBinding? Binding, Refusal? BindRefusal);

/// <summary>What would be called, and its answer.</summary>
/// <param name="Call">The call that takes the chosen device here.</param>
/// <param name="Refusal">Why it would be refused; null if nothing forbids it.</param>
/// <param name="Hwpt">The hw_pagetable it would end on; null when refused or when one is made.</param>
/// <param name="MakesHwpt">A new automatic hw_pagetable would be made.</param>
public sealed record TargetPreview(AttachCall Call, Refusal? Refusal, uint? Hwpt, bool MakesHwpt);

/// <summary>The call that takes a device to a target.</summary>
public enum AttachCall
{
    /// <summary>It is there; nothing would change.</summary>
    None,
    BindAndAttach,
    Attach,
    Replace,
}

public sealed class AttachTargetsView : IView<AttachTargetsQuery, AttachTargetsSnapshot>
{
    /// <summary>Largest window.</summary>
    public const int MaxTargets = 200;

    /// <summary>Devices named per target.</summary>
    public const int MaxDevices = 16;

    public static string Name => "topology.targets";

    public static AttachTargetsSnapshot Project(EmulatedHost host, AttachTargetsQuery query)
    {
        IReadOnlyList<ContextSummary> contexts = [.. host.Contexts.Select(Describe)];
        HostDevice? device = query.Device is null ? null : host.FindDevice(query.Device);
        IommufdContext? context = host.FindContext(query.Context);
        if (context is null)
            return new AttachTargetsSnapshot(contexts, null, [], 0, 0, [], 0, device is null ? null : Describe(device, null));
        List<IommufdObject> all = [];
        foreach (Ioas ioas in context.Objects.All.OfType<Ioas>())
        {
            all.Add(ioas);
            all.AddRange(ioas.Hwpts.OrderBy(hwpt => hwpt.Id));
        }
        Device[] bound = [.. context.Objects.All.OfType<Device>()];
        ILookup<HwptPaging, Device> attached = bound.Where(d => d.Hwpt is not null).ToLookup(d => d.Hwpt!);
        Device[] unattached = [.. bound.Where(d => d.Hwpt is null)];
        int first = Math.Clamp(query.First, 0, all.Count);
        AttachTarget[] window = [.. all.Skip(first).Take(Math.Clamp(query.Count, 0, MaxTargets)).Select(target => Describe(context, target, attached, device))];
        return new AttachTargetsSnapshot(contexts, Describe(context), window, first, all.Count, FirstNamed(unattached), unattached.Length, device is null ? null : Describe(device, context));
    }

    internal static ContextSummary Describe(IommufdContext context) => new(context.Fd, context.Opener.Pid, context.Opener.Name, context.Objects.Count);

    private static ChosenDevice Describe(HostDevice device, IommufdContext? context) =>
        new(device.Address, device.Description.Name, TopologyView.Binding(device), context is null || device.Owner?.Context == context ? null : context.PreviewBind(device));

    private static AttachTarget Describe(IommufdContext context, IommufdObject target, ILookup<HwptPaging, Device> attached, HostDevice? device)
    {
        TargetPreview? preview = device is null ? null : Preview(context, target, device);
        if (target is Ioas ioas)
            return new AttachTarget($"ioas:{ioas.Id}", ioas.Id, ioas.Id, ioas.Pagetable.Areas.Count, null, [], ioas.Hwpts.Sum(hwpt => attached[hwpt].Count()), preview);
        var table = (HwptPaging)target;
        Device[] devices = [.. attached[table]];
        var facts = new TargetHwpt(table.IsAutomatic, table.Domain.FormatName, table.Unit.Name, table.Domain.Aperture, table.EnforcesCoherency);
        return new AttachTarget($"hwpt:{table.Id}", table.Id, table.Ioas.Id, table.Ioas.Pagetable.Areas.Count, facts, FirstNamed(devices), devices.Length, preview);
    }

    private static TargetPreview Preview(IommufdContext context, IommufdObject target, HostDevice hardware)
    {
        Device? device = hardware.Owner?.Context == context ? hardware.Owner : null;
        if (device?.Hwpt is { } hwpt && (hwpt == target || (hwpt.IsAutomatic && hwpt.Ioas == target)))
            return new TargetPreview(AttachCall.None, null, hwpt.Id, false);
        (AttachCall call, AttachPreview preview) = device switch
        {
            null => (AttachCall.BindAndAttach, context.PreviewBindAndAttach(hardware, target.Id)),
            { Hwpt: null } => (AttachCall.Attach, context.PreviewAttach(device.Id, target.Id)),
            _ => (AttachCall.Replace, context.PreviewReplace(device.Id, target.Id)),
        };
        return new TargetPreview(call, preview.Refusal, preview.HwptId == 0 ? null : preview.HwptId, preview.MakesHwpt);
    }

    private static AttachedDevice[] FirstNamed(Device[] devices) =>
        [.. devices.Take(MaxDevices).Select(device => new AttachedDevice(device.Hardware.Address, device.Id, device.Hardware.Description.Name))];
}
