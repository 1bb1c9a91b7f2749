// What the inspector says of one thing of a host: facts, who keeps it alive, and what it keeps alive. One projection for every kind, so that selecting anywhere shows the same.
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces.Views;

/// <param name="Context">The context whose ids <paramref name="Kind"/> <c>ioas</c> and <c>hwpt</c> belong to.</param>
/// <param name="Kind"><c>unit</c>, <c>group</c>, <c>device</c>, <c>ioas</c>, <c>hwpt</c>, or <c>object</c> for whatever the context's table has under an id.</param>
/// <param name="Id">A unit's name, a group's number, a device's address, an object's id.</param>
public sealed record ObjectFactsQuery(int Context, string Kind, string Id);

/// <param name="Exists">False when there is no such thing (any more); all else is empty then.</param>
/// <param name="Name">What was found; its kind is never <c>object</c>. Null when there is nothing.</param>
/// <param name="Users">Long-term references, the table's own included, of an object in a context's table; null for hardware.</param>
/// <param name="Holders">Objects that refer to it; the first <see cref="ObjectFactsView.MaxHolders"/>.</param>
/// <param name="TotalHolders">How many do.</param>
/// <param name="Holds">Objects it refers to.</param>
public sealed record ObjectFactsSnapshot(bool Exists, ObjectName? Name, string Title, IReadOnlyList<Fact> Facts, int? Users, IReadOnlyList<ObjectName> Holders, int TotalHolders, IReadOnlyList<ObjectName> Holds)
{
    public static ObjectFactsSnapshot Missing { get; } = new(false, null, "", [], null, [], 0, []);
}

/// <summary>One line of facts; a text, a range or a number of bytes.</summary>
public sealed record Fact(string Name, string? Text = null)
{
    public IovaRange? Range { get; init; }

    public UInt128? Bytes { get; init; }

    /// <summary>What the fact leads to, or null.</summary>
    public ObjectName? Object { get; init; }
}

/// <summary>Names something one can select.</summary>
/// <param name="Kind">As in <see cref="ObjectFactsQuery"/>.</param>
public sealed record ObjectName(string Kind, string Id, string Title);

public sealed partial class ObjectFactsView : IView<ObjectFactsQuery, ObjectFactsSnapshot>
{
    /// <summary>Holders named; the rest is counted.</summary>
    public const int MaxHolders = 32;

    public static string Name => "object.facts";

    public static ObjectFactsSnapshot Project(EmulatedHost host, ObjectFactsQuery query)
    {
        switch (query.Kind)
        {
            case "unit":
                return host.Units.FirstOrDefault(unit => unit.Name == query.Id) is { } unit ? OfUnit(host, unit) : ObjectFactsSnapshot.Missing;
            case "group":
                return host.Groups.FirstOrDefault(group => $"{group.Id}" == query.Id) is { } group ? OfGroup(group) : ObjectFactsSnapshot.Missing;
            case "device":
                return host.FindDevice(query.Id) is { } device ? OfDevice(device) : ObjectFactsSnapshot.Missing;
            default:
                // A queue's file keeps a context, with all its objects, although its own file is closed.
                IommufdObject? found = uint.TryParse(query.Id, out uint id) ? host.FindAnyContext(query.Context)?.Objects.Find<IommufdObject>(id) : null;
                return (query.Kind, found) switch
                {
                    ("ioas", Ioas ioas) => OfIoas(ioas),
                    ("hwpt", HwptPaging hwpt) => OfHwpt(hwpt),
                    ("object", Ioas any) => OfIoas(any),
                    ("object", HwptPaging any) => OfHwpt(any),
                    ("object", Device any) => OfDevice(any.Hardware),
                    ("object", { } any) => Object(any, NameOf(any), OthersFacts(any)),
                    _ => ObjectFactsSnapshot.Missing,
                };
        }
    }

    /// <summary>How an object of a context's table is called where one selects it.</summary>
    internal static ObjectName NameOf(IommufdObject item) => item switch
    {
        Device device => new ObjectName("device", device.Hardware.Address, $"device {device.Id} · {device.Hardware.Address}"),
        Ioas => new ObjectName("ioas", $"{item.Id}", $"IOAS {item.Id}"),
        HwptPaging hwpt => new ObjectName("hwpt", $"{item.Id}", $"{(hwpt.IsAutomatic ? "automatic " : "")}hw_pagetable {item.Id}"),
        _ => new ObjectName("object", $"{item.Id}", $"{ObjectGraphView.TypeName(item.Type)} {item.Id}"),
    };

    private static ObjectFactsSnapshot OfUnit(EmulatedHost host, IommuUnit unit)
    {
        IommuUnitDescription described = unit.Description;
        HostDevice[] devices = [.. host.Devices.Where(device => device.Unit == unit)];
        return Hardware(new ObjectName("unit", unit.Name, $"IOMMU {unit.Name}"),
        [
            new("Vendor", described.Vendor == IommuVendor.Amd ? "AMD" : $"{described.Vendor}"),
            described.Vendor == IommuVendor.Mock ? new("IOVA width", "fixed window") : new("IOVA width", $"{described.InputBits} bits"),
            new("Largest leaf", described.LargestPageShift == 0 ? "all the format has" : null) { Bytes = described.LargestPageShift == 0 ? null : UInt128.One << described.LargestPageShift },
            new("Snoop control", YesNo(described.SnoopControl)),
            new("Dirty tracking", YesNo(described.DirtyTracking)),
            new("Nesting", YesNo(described.Nesting)),
            new("PASIDs", YesNo(described.Pasid)),
            new("Devices", $"{devices.Length:N0} in {devices.Select(device => device.Group).Distinct().Count():N0} groups"),
        ]);
    }

    private static ObjectFactsSnapshot OfGroup(IommuGroup group) => Hardware(new ObjectName("group", $"{group.Id}", $"Group {group.Id}"),
    [
        new("Type", group.Description.Type),
        new("Owner", group.Owner is { } owner ? $"context {owner.Fd}" : "host drivers"),
        new("Devices", $"{group.Devices.Count:N0}, isolated only together"),
        .. group.Description.ReservedRegions.Take(MaxHolders).Select(region => new Fact($"Reserved, {Words(region.Kind)}") { Range = new IovaRange(region.Start, region.Last) }),
        .. group.Description.ReservedRegions.Count > MaxHolders ? (Fact[])[new("Reserved", $"{group.Description.ReservedRegions.Count - MaxHolders:N0} more")] : [],
    ]);

    private static ObjectFactsSnapshot OfDevice(HostDevice hardware)
    {
        DeviceDescription described = hardware.Description;
        Fact[] facts =
        [
            .. described.Name.Length == 0 ? (Fact[])[] : [new("Name", described.Name)],
            .. described.ClassName.Length == 0 ? (Fact[])[] : [new("Class", $"{described.ClassName} [{described.ClassCode >> 8:x4}]")],
            .. described.VendorId == 0 ? (Fact[])[] : [new("Ids", $"[{described.VendorId:x4}:{described.DeviceId:x4}] rev {described.Revision:x2}")],
            new("Unit", described.Unit) { Object = new ObjectName("unit", described.Unit, described.Unit) },
            new("Group", $"{described.Group}") { Object = new ObjectName("group", $"{described.Group}", $"group {described.Group}") },
        ];
        if (hardware.Owner is not { } device)
            return Hardware(new ObjectName("device", hardware.Address, hardware.Address), [.. facts, new("Bound to", "host driver")]);
        return Object(device, new ObjectName("device", hardware.Address, hardware.Address), [.. facts, new("Bound to", $"context {device.Context.Fd} as device {device.Id}"), new("Attached to", device.Hwpt is null ? "nothing: DMA is blocked" : NameOf(device.Hwpt).Title), new("Referred to by", device.Hwpt is null ? "its driver" : "its driver, and its attachment")]);
    }

    private static ObjectFactsSnapshot OfIoas(Ioas ioas) => Object(ioas, NameOf(ioas),
    [
        new("Areas", $"{ioas.Pagetable.Areas.Count:N0}"),
        new("Mapped") { Bytes = ioas.Pagetable.MappedBytes },
        new("Alignment") { Bytes = ioas.Pagetable.IovaAlignment },
        new("Usable ranges", $"{ioas.Pagetable.UsableRanges().Take(10_000).Count():N0}"),
        new("Allowed ranges", ioas.Pagetable.Allowed.Count == 0 ? "everywhere" : $"{ioas.Pagetable.Allowed.Count:N0}"),
        new("Large pages", ioas.Pagetable.LargePagesDisabled ? "off" : "on"),
    ]);

    private static ObjectFactsSnapshot OfHwpt(HwptPaging hwpt) => Object(hwpt, NameOf(hwpt),
    [
        new("Made by", hwpt.IsAutomatic ? "attaching; goes with its last device" : "HWPT_ALLOC; stays until destroyed"),
        new("Format", $"{hwpt.Domain.FormatName}, {hwpt.Domain.Levels} levels"),
        new("Unit", hwpt.Unit.Name) { Object = new ObjectName("unit", hwpt.Unit.Name, hwpt.Unit.Name) },
        new("Aperture") { Range = hwpt.Domain.Aperture },
        new("Snooping", hwpt.EnforcesCoherency ? "enforced" : "as the device asks"),
        new("Flags", hwpt.Flags == HwptFlags.None ? "none" : $"{hwpt.Flags}"),
        new("Dirty tracking", !hwpt.Flags.HasFlag(HwptFlags.DirtyTracking) ? "not asked for when it was made" : hwpt.IsTrackingDirty ? "on" : "off"),
        new("Mapped") { Bytes = hwpt.Domain.MappedBytes },
        new("Tables") { Bytes = hwpt.Domain.TableBytes },
    ]);

    private static ObjectFactsSnapshot Hardware(ObjectName name, IReadOnlyList<Fact> facts) => new(true, name, name.Title, facts, null, [], 0, []);

    private static ObjectFactsSnapshot Object(IommufdObject item, ObjectName name, IReadOnlyList<Fact> facts)
    {
        IommufdObject[] holders = [.. item.Context.Objects.All.Where(other => other.References.Contains(item))];
        return new ObjectFactsSnapshot(true, name, name.Title, facts, item.Users, [.. holders.Take(MaxHolders).Select(NameOf)], holders.Length, [.. item.References.Select(NameOf)]);
    }

    private static string YesNo(bool value) => value ? "yes" : "no";

    private static string Words(ReservedRegionKind kind) => kind switch
    {
        ReservedRegionKind.Direct => "direct (1:1)",
        ReservedRegionKind.DirectRelaxable => "direct, relaxable",
        ReservedRegionKind.Msi => "MSI window",
        ReservedRegionKind.SoftwareMsi => "software MSI",
        _ => "not translated",
    };
}
