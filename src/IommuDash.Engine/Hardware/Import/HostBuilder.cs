// From facts read to a host: which IOMMU units it has, which unit translates for which group, what is reserved, and processes to begin with.
// Assumptions are written into the warnings. Sources: DMAR and IVRS tables are not in a listing, so the unit layout is the usual one of the vendor's machines.
namespace IommuDash.Engine.Hardware.Import;

public static class HostBuilder
{
    private const int IntelVendor = 0x8086;
    private const int AmdVendor = 0x1022;
    private const int HygonVendor = 0x1d94;
    private const int DisplayClass = 0x03;
    private const ulong MachineBytes = 16UL << 30;

    /// <summary>x86 interrupt window: writes to it are interrupts, never memory.</summary>
    public static ReservedRegion MsiWindow { get; } = new(0xfee0_0000, 0xfeef_ffff, ReservedRegionKind.Msi);

    /// <summary>AMD HyperTransport's own addresses.</summary>
    public static ReservedRegion HyperTransportHole { get; } = new(0xfd_0000_0000, 0xff_ffff_ffff, ReservedRegionKind.Reserved);

    /// <summary>Builds the host, or asks what it must know first (<see cref="HostImport.Questions"/>). Expects unique addresses.</summary>
    public static HostImport Build(ParsedHost parsed, ImportChoices choices)
    {
        var warnings = new List<string>(parsed.Warnings);
        var result = new HostImport
        {
            DeviceCount = parsed.Devices.Count,
            GroupCount = parsed.Devices.Select(d => d.Group).Distinct().Count(),
            Warnings = warnings,
        };
        IommuVendor vendor = choices.Vendor != IommuVendor.Unknown ? choices.Vendor : FindVendor(parsed);
        if (vendor is not (IommuVendor.Intel or IommuVendor.Amd))
        {
            string[] vendors = [nameof(IommuVendor.Intel), nameof(IommuVendor.Amd)];
            return result with { Questions = [new(nameof(ImportChoices.Vendor), "Which IOMMU does this machine have? Its bridges do not tell.", vendors)] };
        }
        (List<IommuUnitDescription> units, Dictionary<PciAddress, string> unitOf) = Layout(parsed, vendor, warnings);
        List<GroupDescription> groups = Groups(parsed, vendor);
        string unitNames = string.Join(", ", units.Select(u => u.Name));
        return result with
        {
            Host = new HostDescription
            {
                Name = choices.Name,
                Summary = $"{vendor} machine with {parsed.Devices.Count:N0} devices in {groups.Count:N0} groups behind {unitNames}.",
                MemoryBytes = MachineBytes,
                Units = units,
                Groups = groups,
                Devices = [.. parsed.Devices.OrderBy(d => d.Address).Select(d => Device(d, unitOf[d.Address]))],
                Processes = StarterProcesses.All,
            },
        };
    }

    private static DeviceDescription Device(ParsedDevice device, string unit) => new()
    {
        Address = device.Address.ToString(),
        Unit = unit,
        Group = device.Group,
        ClassCode = device.ClassCode,
        ClassName = device.ClassName,
        VendorId = device.VendorId,
        DeviceId = device.DeviceId,
        Name = device.Name,
        Revision = device.Revision,
    };

    // The chipset is of the same make as the IOMMU; any other device may be anyone's.
    private static IommuVendor FindVendor(ParsedHost parsed)
    {
        if (parsed.Units.Count > 0)
            return parsed.Units.All(u => u.Vendor == parsed.Units[0].Vendor) ? parsed.Units[0].Vendor : IommuVendor.Unknown;
        bool intel = false;
        bool amd = false;
        foreach (ParsedDevice device in parsed.Devices)
        {
            if ((device.ClassCode >> 8) is not (PciClass.HostBridge or PciClass.IsaBridge or PciClass.Iommu))
                continue;
            intel |= device.VendorId == IntelVendor;
            amd |= device.VendorId is AmdVendor or HygonVendor;
        }
        return (intel, amd) switch
        {
            (true, false) => IommuVendor.Intel,
            (false, true) => IommuVendor.Amd,
            _ => IommuVendor.Unknown,
        };
    }

    private static (List<IommuUnitDescription> Units, Dictionary<PciAddress, string> UnitOf) Layout(ParsedHost parsed, IommuVendor vendor, List<string> warnings)
    {
        if (parsed.Units.Count > 0)
            return KnownLayout(parsed, warnings);
        return vendor == IommuVendor.Intel ? IntelLayout(parsed, warnings) : AmdLayout(parsed, warnings);
    }

    private static (List<IommuUnitDescription>, Dictionary<PciAddress, string>) KnownLayout(ParsedHost parsed, List<string> warnings)
    {
        // All devices of a group share a domain and so a unit; a group's device without a link follows the others, and one alone the last unit, which takes the rest.
        string rest = parsed.Units[^1].Name;
        Dictionary<int, string> ofGroup = parsed.Devices.Where(d => d.Unit.Length > 0).GroupBy(d => d.Group).ToDictionary(g => g.Key, g => g.First().Unit);
        int unlinked = parsed.Devices.Count(d => !ofGroup.ContainsKey(d.Group));
        if (unlinked > 0)
            warnings.Add($"{unlinked:N0} devices are linked to no unit and were put behind {rest}.");
        return ([.. parsed.Units], parsed.Devices.ToDictionary(d => d.Address, d => ofGroup.GetValueOrDefault(d.Group, rest)));
    }

    // Intel gives integrated graphics a remapping unit of its own; the last unit of the table takes all the rest (INCLUDE_PCI_ALL).
    private static (List<IommuUnitDescription>, Dictionary<PciAddress, string>) IntelLayout(ParsedHost parsed, List<string> warnings)
    {
        int? graphicsGroup = parsed.Devices.FirstOrDefault(IsIntegratedGraphics)?.Group;
        bool client = graphicsGroup is not null || !parsed.Devices.Any(IsServerPart);
        int bits = client ? 39 : 48;
        warnings.Add(client
            ? "Taken for an Intel client: 39-bit aperture. A capture of /sys gives the real width."
            : "Taken for an Intel server: 48-bit aperture. A capture of /sys gives the real width.");
        if (graphicsGroup is null || parsed.Devices.Any(d => d.Group == graphicsGroup && !IsIntegratedGraphics(d)))
        {
            var only = new IommuUnitDescription { Name = "dmar0", Vendor = IommuVendor.Intel, InputBits = bits };
            return ([only], parsed.Devices.ToDictionary(d => d.Address, _ => only.Name));
        }
        // The graphics unit of client chips does not offer snoop control.
        var graphics = new IommuUnitDescription { Name = "dmar0", Vendor = IommuVendor.Intel, InputBits = bits, SnoopControl = false };
        var others = new IommuUnitDescription { Name = "dmar1", Vendor = IommuVendor.Intel, InputBits = bits };
        return ([graphics, others], parsed.Devices.ToDictionary(d => d.Address, d => d.Group == graphicsGroup ? graphics.Name : others.Name));
    }

    private static bool IsIntegratedGraphics(ParsedDevice device) =>
        device.ClassCode >> 16 == DisplayClass && device.VendorId == IntelVendor && device.Address is { Domain: 0, Bus: 0, Device: 2 };

    // Xeons show host bridges, system peripherals and performance counters of the uncore on further buses; clients have theirs on bus 0 only.
    private static bool IsServerPart(ParsedDevice device) =>
        device.VendorId == IntelVendor && device.Address is { Domain: 0, Bus: not 0 } && (device.ClassCode >> 8) is PciClass.HostBridge or 0x0880 or 0x1101;

    // EPYC has an IOMMU per root complex, each with its own host bridges: a host bridge on a bus marks the first bus of such a range.
    private static (List<IommuUnitDescription>, Dictionary<PciAddress, string>) AmdLayout(ParsedHost parsed, List<string> warnings)
    {
        List<(uint Domain, byte Bus)> roots = [.. parsed.Devices
            .Where(d => d.ClassCode >> 8 == PciClass.HostBridge && d.VendorId is AmdVendor or HygonVendor)
            .Select(d => (d.Address.Domain, d.Address.Bus)).Distinct().Order()];
        int count = Math.Max(1, roots.Count);
        List<IommuUnitDescription> units = [.. Enumerable.Range(0, count).Select(i => new IommuUnitDescription { Name = $"ivhd{i}", Vendor = IommuVendor.Amd, InputBits = 64 })];
        if (count > 1)
            warnings.Add($"{count} root buses with host bridges were taken for {count} IOMMU units, numbered by bus.");
        var unitOf = new Dictionary<PciAddress, string>(parsed.Devices.Count);
        foreach (IGrouping<int, ParsedDevice> group in parsed.Devices.GroupBy(d => d.Group))
        {
            PciAddress lowest = group.Min(d => d.Address);
            int unit = roots.FindLastIndex(r => r.Domain == lowest.Domain && r.Bus <= lowest.Bus);
            foreach (ParsedDevice device in group)
                unitOf.Add(device.Address, units[Math.Max(unit, 0)].Name);
        }
        return (units, unitOf);
    }

    private static List<GroupDescription> Groups(ParsedHost parsed, IommuVendor vendor)
    {
        ReservedRegion[] regions = vendor == IommuVendor.Amd ? [MsiWindow, HyperTransportHole] : [MsiWindow];
        Dictionary<int, ParsedGroup> known = parsed.Groups.ToDictionary(g => g.Id);
        return [.. parsed.Devices.Select(d => d.Group).Distinct().Order().Select(id => Group(id, known.GetValueOrDefault(id), regions))];
    }

    private static GroupDescription Group(int id, ParsedGroup? known, IReadOnlyList<ReservedRegion> usual)
    {
        var group = new GroupDescription { Id = id, ReservedRegions = known?.ReservedRegions ?? usual };
        return known?.Type is string type ? group with { Type = type } : group;
    }
}
