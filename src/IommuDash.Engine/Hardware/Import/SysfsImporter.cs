// Facts of a /sys tree: groups with their types and reserved regions, units with what their capability registers say, devices with their ids. Sysfs has no device names;
// a capture may bring them as lspci lines.
// Source of the formats: Documentation/ABI/testing/sysfs-kernel-iommu_groups and sysfs-class-iommu*; registers: VT-d specification 11.4.2 and 11.4.3.
using System.Globalization;

namespace IommuDash.Engine.Hardware.Import;

internal sealed class SysfsImporter
{
    private const string GroupsPath = "kernel/iommu_groups";
    private const string UnitsPath = "class/iommu";
    private const string DevicesPath = "bus/pci/devices";

    private readonly ISysTree _tree;
    private readonly ImportOptions _options;
    private readonly LineReport _report;
    private readonly IReadOnlyDictionary<PciAddress, ParsedDevice> _names;
    private readonly List<string> _warnings = [];

    private SysfsImporter(ISysTree tree, ImportOptions options, LineReport report, IReadOnlyDictionary<PciAddress, ParsedDevice> names) =>
        (_tree, _options, _report, _names) = (tree, options, report, names);

    /// <summary>Facts of a tree; <paramref name="report"/> tells what was not understood.</summary>
    public static ParsedHost Parse(ISysTree tree, ImportOptions options, out LineReport report)
    {
        report = new LineReport(options);
        return new SysfsImporter(tree, options, report, new Dictionary<PciAddress, ParsedDevice>()).Run();
    }

    /// <summary>Facts of a text capture, names from the lspci lines among it.</summary>
    public static ParsedHost Parse(string capture, ImportOptions options, out LineReport report)
    {
        report = new LineReport(options);
        if (!report.CheckSize(capture))
            return new ParsedHost();
        var tree = new CapturedSysTree();
        var names = new Dictionary<PciAddress, ParsedDevice>();
        int number = 0;
        foreach (string raw in Lines.Split(capture))
        {
            number++;
            if (raw.Length > options.MaxLineLength)
            {
                report.Reject(number, raw, $"longer than {options.MaxLineLength:N0} characters");
                continue;
            }
            ListingLine line = ListingLine.Read(raw);
            if (line.Kind == ListingLineKind.Binary)
                report.Error(number, raw, line.Reason);
            else if (tree.TryAdd(number, ListingLine.WithoutColours(raw), report))
                continue;
            else if (line is { Kind: ListingLineKind.Device, Description: ParsedDevice description })
                AddName(names, description, number, raw, report);
            else if (line.Kind == ListingLineKind.Ignorable)
                report.Ignore();
            else
                report.Reject(number, raw, "neither a path below /sys nor a line of lspci");
        }
        return new SysfsImporter(tree, options, report, names).Run();
    }

    private static void AddName(Dictionary<PciAddress, ParsedDevice> names, ParsedDevice description, int number, string raw, LineReport report)
    {
        if (names.TryAdd(description.Address, description))
            report.Accept();
        else
            report.Error(number, raw, $"{description.Address} is described a second time");
    }

    private ParsedHost Run()
    {
        Dictionary<PciAddress, string> unitOf = [];
        List<IommuUnitDescription> units = ReadUnits(unitOf);
        var devices = new Dictionary<PciAddress, ParsedDevice>();
        var groups = new List<ParsedGroup>();
        foreach (int id in ReadGroupIds())
        {
            string path = $"{GroupsPath}/{id}";
            foreach (string name in _tree.Names($"{path}/devices").Order(StringComparer.Ordinal))
                AddDevice($"{path}/devices/{name}", name, id, unitOf, devices);
            groups.Add(new ParsedGroup(id, ReadType($"{path}/type"), ReadRegions($"{path}/reserved_regions")));
        }
        if (devices.Count == 0)
            _report.Fail("No PCI device in any IOMMU group. Is the IOMMU switched on (intel_iommu=on, or in the firmware)?");
        int outside = _names.Keys.Count(a => !devices.ContainsKey(a));
        if (outside > 0)
            _warnings.Add($"{outside:N0} devices that lspci lists are in no IOMMU group and were left out.");
        if (groups.Any(g => g.ReservedRegions is null))
            _warnings.Add("Some groups have no readable reserved_regions: they got the usual ones of the vendor.");
        int bare = devices.Values.Count(d => d.ClassCode == 0 && d.VendorId == 0);
        if (bare > 0)
            _warnings.Add($"{bare:N0} of {devices.Count:N0} devices have neither class nor ids below {DevicesPath}.");
        return new ParsedHost { Devices = [.. devices.Values.OrderBy(d => d.Address)], Groups = groups, Units = units, Warnings = _warnings };
    }

    private List<int> ReadGroupIds()
    {
        var ids = new List<int>();
        foreach (string name in _tree.Names(GroupsPath).Order(StringComparer.Ordinal))
        {
            if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int id) && id.ToString(CultureInfo.InvariantCulture) == name)
                ids.Add(id);
            else
                Reject($"{GroupsPath}/{name}", 0, "not a group number");
        }
        ids.Sort();
        return ids;
    }

    private void AddDevice(string path, string name, int group, Dictionary<PciAddress, string> unitOf, Dictionary<PciAddress, ParsedDevice> devices)
    {
        if (!PciAddress.TryParse(name, out PciAddress address))
        {
            Reject(path, 0, "not a PCI device; only PCI devices are taken over");
            return;
        }
        if (devices.TryGetValue(address, out ParsedDevice? other))
        {
            _report.WithdrawError(_tree.LineNumber(path, 0), path, other.Group == group ? $"{address} stands in group {group} twice" : $"{address} is in group {group} and in group {other.Group}");
            return;
        }
        if (devices.Count == _options.MaxDevices)
        {
            _report.WithdrawError(_tree.LineNumber(path, 0), path, $"more than {_options.MaxDevices:N0} devices (option MaxDevices)");
            return;
        }
        ParsedDevice named = _names.GetValueOrDefault(address) ?? new ParsedDevice(address, group);
        int classCode = Hex($"{DevicesPath}/{address}/class", 0xff_ffff) ?? named.ClassCode;
        devices.Add(address, named with
        {
            Group = group,
            ClassCode = classCode,
            ClassName = named.ClassName.Length > 0 ? named.ClassName : PciClass.Name(classCode >> 8),
            VendorId = Hex($"{DevicesPath}/{address}/vendor", 0xffff) ?? named.VendorId,
            DeviceId = Hex($"{DevicesPath}/{address}/device", 0xffff) ?? named.DeviceId,
            Revision = Hex($"{DevicesPath}/{address}/revision", 0xff) ?? named.Revision,
            Unit = unitOf.GetValueOrDefault(address, ""),
        });
    }

    private List<IommuUnitDescription> ReadUnits(Dictionary<PciAddress, string> unitOf)
    {
        var units = new List<IommuUnitDescription>();
        foreach (string name in _tree.Names(UnitsPath).OrderBy(n => n.Length).ThenBy(n => n, StringComparer.Ordinal))
        {
            string path = $"{UnitsPath}/{name}";
            IommuUnitDescription? unit = ReadUnit(name, path);
            if (unit is null)
            {
                _warnings.Add($"Unit {name} is neither an Intel nor an AMD IOMMU and was left out.");
                continue;
            }
            units.Add(unit);
            foreach (string device in _tree.Names($"{path}/devices"))
            {
                if (PciAddress.TryParse(device, out PciAddress address))
                    unitOf.TryAdd(address, name);
            }
        }
        return units;
    }

    private IommuUnitDescription? ReadUnit(string name, string path)
    {
        if (_tree.Names($"{path}/amd-iommu").Count > 0 || name.StartsWith("ivhd", StringComparison.Ordinal))
        {
            // At 6.12 AMD v1 tables reach 64 bits whatever the features register says; it always snoops.
            return new IommuUnitDescription { Name = name, Vendor = IommuVendor.Amd, InputBits = 64 };
        }
        if (_tree.Names($"{path}/intel-iommu").Count == 0 && !name.StartsWith("dmar", StringComparison.Ordinal))
            return null;
        string capPath = $"{path}/intel-iommu/cap";
        ulong? cap = Register(capPath);
        ulong? extended = Register($"{path}/intel-iommu/ecap");
        var unit = new IommuUnitDescription { Name = name, Vendor = IommuVendor.Intel, SnoopControl = extended is null || VtdCapability.SnoopControl(extended.Value) };
        if (cap is null)
        {
            _warnings.Add($"{name} has no readable capability register: taken for 48 bits and all page sizes.");
            return unit;
        }
        if (VtdCapability.InputBits(cap.Value) is not int bits)
        {
            Reject(capPath, 0, "the register names no table width of 31 to 57 bits");
            return unit;
        }
        return unit with { InputBits = bits, LargestPageShift = VtdCapability.LargestPageShift(cap.Value) };
    }

    private string? ReadType(string path)
    {
        string? type = Value(path);
        if (type is null || GroupDescription.Types.Contains(type))
            return type;
        Reject(path, 0, $"'{type}' is none of {string.Join(", ", GroupDescription.Types)}");
        return null;
    }

    private List<ReservedRegion>? ReadRegions(string path)
    {
        if (_tree.Read(path) is not IReadOnlyList<string> lines)
            return null;
        var regions = new List<ReservedRegion>();
        for (int i = 0; i < lines.Count; i++)
        {
            string[] words = lines[i].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0)
                continue;
            if (words.Length == 3 && TryHex(words[0], out ulong start) && TryHex(words[1], out ulong last) && start <= last && KindOf(words[2]) is ReservedRegionKind kind)
                regions.Add(new ReservedRegion(start, last, kind));
            else
                Reject(path, i, $"'{string.Join(' ', words)}' is not a reserved region: first address, last address, kind");
        }
        return regions;
    }

    private static ReservedRegionKind? KindOf(string word) => word switch
    {
        "direct" => ReservedRegionKind.Direct,
        "direct-relaxable" => ReservedRegionKind.DirectRelaxable,
        "reserved" => ReservedRegionKind.Reserved,
        "msi" => ReservedRegionKind.Msi,
        _ => null,
    };

    // The only line of a file; null if it is not there. Further lines are reported.
    private string? Value(string path)
    {
        if (_tree.Read(path) is not [string first, ..] lines)
            return null;
        for (int i = 1; i < lines.Count; i++)
            Reject(path, i, "a second value of the same file");
        return first.Trim();
    }

    private int? Hex(string path, int most)
    {
        if (Value(path) is not string text)
            return null;
        if (TryHex(text, out ulong value) && value <= (ulong)most)
            return (int)value;
        Reject(path, 0, $"'{text}' is not a hex number up to 0x{most:x}");
        return null;
    }

    private ulong? Register(string path)
    {
        if (Value(path) is not string text)
            return null;
        if (TryHex(text, out ulong value))
            return value;
        Reject(path, 0, $"'{text}' is not a hex number");
        return null;
    }

    private static bool TryHex(string text, out ulong value) =>
        ulong.TryParse(text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text.AsSpan(2) : text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);

    private void Reject(string path, int index, string reason)
    {
        int line = _tree.LineNumber(path, index);
        if (line == 0)
            _report.Reject(0, path, reason);
        else
            _report.Withdraw(line, path, reason);
    }
}
