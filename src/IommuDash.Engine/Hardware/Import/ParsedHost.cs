// What the parsers hand to HostBuilder: facts read, nothing assumed.
namespace IommuDash.Engine.Hardware.Import;

/// <summary>A device as a source describes it. Numbers are 0 and names empty where the source has none.</summary>
public sealed record ParsedDevice(PciAddress Address, int Group)
{
    /// <summary>24 bits: class, subclass, programming interface.</summary>
    public int ClassCode { get; init; }

    public string ClassName { get; init; } = "";

    public int VendorId { get; init; }

    public int DeviceId { get; init; }

    public string Name { get; init; } = "";

    public int Revision { get; init; }

    /// <summary>Name of the unit, where the source tells.</summary>
    public string Unit { get; init; } = "";
}

/// <summary>What sysfs says of a group; null where it says nothing.</summary>
public sealed record ParsedGroup(int Id, string? Type, IReadOnlyList<ReservedRegion>? ReservedRegions);

/// <summary>All facts of one source. Addresses are unique.</summary>
public sealed record ParsedHost
{
    public IReadOnlyList<ParsedDevice> Devices { get; init; } = [];

    /// <summary>Types and reserved regions, from sysfs; empty from a listing.</summary>
    public IReadOnlyList<ParsedGroup> Groups { get; init; } = [];

    /// <summary>Units, from sysfs; empty from a listing.</summary>
    public IReadOnlyList<IommuUnitDescription> Units { get; init; } = [];

    public IReadOnlyList<string> Warnings { get; init; } = [];
}
