// Checks a host description before a machine is built from it: a preset file, an import or a client of the API may have made it. All problems come back in one go.
namespace IommuDash.Engine.Hardware;

/// <summary>Limits of a host; bound from the configuration section <c>Limits:Host</c>.</summary>
public sealed record HostLimits
{
    public int MaxUnits { get; init; } = 64;

    public int MaxGroups { get; init; } = 4096;

    public int MaxDevices { get; init; } = 4096;

    /// <summary>Reserved regions of one group.</summary>
    public int MaxReservedRegions { get; init; } = 256;

    public int MaxProcesses { get; init; } = 64;

    /// <summary>Mappings of one process at power-on.</summary>
    public int MaxMappings { get; init; } = 256;

    /// <summary>Physical memory, in bytes; at most <see cref="PhysicalMemory.MaxBytes"/>.</summary>
    public ulong MaxMemoryBytes { get; init; } = 1UL << 40;

    /// <summary>Characters of any name or text.</summary>
    public int MaxTextLength { get; init; } = 300;
}

/// <summary>A field that cannot be as it is.</summary>
/// <param name="Path">Where, in the words of the JSON file: <c>devices[3].unit</c>.</param>
/// <param name="Reason">One sentence.</param>
public sealed record HostProblem(string Path, string Reason);

public static class HostDescriptionValidator
{
    /// <summary>Everything wrong with the description; empty = a machine can be built from it.</summary>
    public static IReadOnlyList<HostProblem> Validate(HostDescription host, HostLimits? limits = null) => new Check(host, limits ?? new HostLimits()).Run();

    private sealed class Check(HostDescription host, HostLimits limits)
    {
        private const ulong HugeBytes = PhysicalMemory.HugeFrames * PhysicalMemory.FrameBytes;
        private const ulong LowestUserAddress = 0x1_0000;
        private const ulong HighestUserAddress = 0x7fff_ffff_efff;
        private const int MaxPid = 4_194_304;
        private const uint KnownMockFlags = 5;

        private readonly List<HostProblem> _problems = [];
        private readonly Dictionary<string, IommuUnitDescription> _units = new(StringComparer.Ordinal);
        private readonly HashSet<int> _groups = [];

        public List<HostProblem> Run()
        {
            Text("name", host.Name, mayBeEmpty: false);
            Text("summary", host.Summary, mayBeEmpty: true);
            ulong mostMemory = Math.Min(limits.MaxMemoryBytes, PhysicalMemory.MaxBytes);
            if (host.MemoryBytes == 0 || host.MemoryBytes % HugeBytes != 0)
                Problem("memoryBytes", $"{host.MemoryBytes:N0} is not a positive multiple of 2 MiB.");
            if (host.MemoryBytes > mostMemory)
                Problem("memoryBytes", $"{host.MemoryBytes:N0} bytes are more than the limit of {mostMemory:N0} (option MaxMemoryBytes).");
            Each("units", host.Units, limits.MaxUnits, nameof(limits.MaxUnits), Unit);
            Each("groups", host.Groups, limits.MaxGroups, nameof(limits.MaxGroups), Group);
            Each("devices", host.Devices, limits.MaxDevices, nameof(limits.MaxDevices), Device);
            UniqueAddresses();
            OneUnitPerGroup();
            Each("processes", host.Processes, limits.MaxProcesses, nameof(limits.MaxProcesses), Process);
            UniquePids();
            return _problems;
        }

        private void Unit(string path, IommuUnitDescription unit)
        {
            Text($"{path}.name", unit.Name, mayBeEmpty: false);
            if (unit.Name is not null && !_units.TryAdd(unit.Name, unit))
                Problem($"{path}.name", $"'{unit.Name}' names two units.");
            switch (unit.Vendor)
            {
                case IommuVendor.Intel:
                    if (unit.InputBits is < 31 or > 57)
                        Problem($"{path}.inputBits", $"VT-d second-stage tables translate 31 to 57 bits, not {unit.InputBits}.");
                    if (unit.LargestPageShift is not (0 or 12 or 21 or 30))
                        Problem($"{path}.largestPageShift", $"VT-d has leaves of 2^12, 2^21 and 2^30 bytes, not 2^{unit.LargestPageShift}; 0 = all.");
                    break;
                case IommuVendor.Amd:
                    if (unit.InputBits is < 31 or > 64)
                        Problem($"{path}.inputBits", $"AMD v1 tables translate 31 to 64 bits, not {unit.InputBits}.");
                    if (unit.LargestPageShift is not (0 or (>= 12 and <= 51)))
                        Problem($"{path}.largestPageShift", $"AMD v1 has leaves from 2^12 to 2^51 bytes, not 2^{unit.LargestPageShift}; 0 = all.");
                    break;
                case IommuVendor.Mock:
                    break;
                default:
                    Problem($"{path}.vendor", "The vendor must be intel, amd or mock.");
                    break;
            }
        }

        private void Group(string path, GroupDescription group)
        {
            if (group.Id < 0)
                Problem($"{path}.id", $"{group.Id} is negative.");
            if (!_groups.Add(group.Id))
                Problem($"{path}.id", $"{group.Id} is the number of two groups.");
            if (!GroupDescription.Types.Contains(group.Type))
                Problem($"{path}.type", $"'{group.Type}' is none of {string.Join(", ", GroupDescription.Types)}.");
            Each($"{path}.reservedRegions", group.ReservedRegions, limits.MaxReservedRegions, nameof(limits.MaxReservedRegions), Region);
        }

        private void Region(string path, ReservedRegion region)
        {
            if (region.Start > region.Last)
                Problem(path, $"It starts at 0x{region.Start:x}, after its last address 0x{region.Last:x}.");
            if (!Enum.IsDefined(region.Kind))
                Problem($"{path}.kind", $"{region.Kind} is not a kind of reserved region.");
        }

        private void Device(string path, DeviceDescription device)
        {
            Text($"{path}.address", device.Address, mayBeEmpty: false);
            Text($"{path}.className", device.ClassName, mayBeEmpty: true);
            Text($"{path}.name", device.Name, mayBeEmpty: true);
            IommuUnitDescription? unit = device.Unit is null ? null : _units.GetValueOrDefault(device.Unit);
            if (unit is null)
                Problem($"{path}.unit", $"There is no unit '{device.Unit}'.");
            if (!_groups.Contains(device.Group))
                Problem($"{path}.group", $"There is no group {device.Group}.");
            bool mock = unit?.Vendor == IommuVendor.Mock;
            if (!mock && !(PciAddress.TryParse(device.Address, out PciAddress address) && device.Address == address.ToString()))
                Problem($"{path}.address", $"'{device.Address}' is not a full lower-case PCI address like 0000:01:00.0.");
            InBits($"{path}.classCode", device.ClassCode, 24);
            InBits($"{path}.vendorId", device.VendorId, 16);
            InBits($"{path}.deviceId", device.DeviceId, 16);
            InBits($"{path}.revision", device.Revision, 8);
            if (device.MockFlags != 0 && !mock)
                Problem($"{path}.mockFlags", "Only devices behind a mock unit have mock flags.");
            if ((device.MockFlags & ~KnownMockFlags) != 0)
                Problem($"{path}.mockFlags", $"0x{device.MockFlags:x} has bits beyond 0x{KnownMockFlags:x}.");
        }

        private void UniqueAddresses()
        {
            var seen = new Dictionary<string, int>(StringComparer.Ordinal);
            for (int i = 0; i < host.Devices?.Count; i++)
            {
                string? address = host.Devices[i]?.Address;
                if (address is not null && !seen.TryAdd(address, i))
                    Problem($"devices[{i}].address", $"'{address}' is also the address of devices[{seen[address]}].");
            }
        }

        // All devices of a group attach to one domain, and a domain belongs to one unit.
        private void OneUnitPerGroup()
        {
            var unitOf = new Dictionary<int, string>();
            for (int i = 0; i < host.Devices?.Count; i++)
            {
                if (host.Devices[i] is { Unit: string unit, Group: int group } && !unitOf.TryAdd(group, unit) && unitOf[group] != unit)
                    Problem($"devices[{i}].unit", $"Group {group} would be behind {unitOf[group]} and {unit}.");
            }
        }

        private void Process(string path, ProcessDescription process)
        {
            Text($"{path}.name", process.Name, mayBeEmpty: false);
            if (process.Pid is < 1 or > MaxPid)
                Problem($"{path}.pid", $"{process.Pid} is not in 1 … {MaxPid:N0}.");
            if (process.Uid < 0)
                Problem($"{path}.uid", $"{process.Uid} is negative.");
            int before = _problems.Count;
            Each($"{path}.memory", process.Memory, limits.MaxMappings, nameof(limits.MaxMappings), Mapping);
            if (_problems.Count == before)
                NoOverlap(path, process.Memory);
        }

        private void Mapping(string path, MemoryDescription memory)
        {
            bool huge = memory.Layout == FrameLayout.Huge;
            ulong page = huge ? HugeBytes : PhysicalMemory.FrameBytes;
            string pageName = huge ? "2 MiB" : "4 KiB";
            if (!Enum.IsDefined(memory.Layout))
                Problem($"{path}.layout", $"{memory.Layout} is not a layout.");
            if (memory.Start % page != 0)
                Problem($"{path}.start", $"0x{memory.Start:x} is not aligned to {pageName}.");
            if (memory.LengthBytes == 0 || memory.LengthBytes % page != 0)
                Problem($"{path}.lengthBytes", $"{memory.LengthBytes:N0} is not a positive multiple of {pageName}.");
            else if (!IovaRange.TryOfLength(memory.Start, memory.LengthBytes, out IovaRange range) || range.Start < LowestUserAddress || range.Last > HighestUserAddress)
                Problem($"{path}.start", $"The mapping leaves the user addresses 0x{LowestUserAddress:x}–0x{HighestUserAddress:x}.");
            if (memory.File is not null)
                Text($"{path}.file", memory.File, mayBeEmpty: false);
            if (memory.FileOffset % page != 0)
                Problem($"{path}.fileOffset", $"0x{memory.FileOffset:x} is not aligned to {pageName}.");
            if (memory.File is null && memory.FileOffset != 0)
                Problem($"{path}.fileOffset", "Anonymous memory has no file offset.");
            if (memory.FileOffset > long.MaxValue - memory.LengthBytes)
                Problem($"{path}.fileOffset", "The mapping ends beyond the largest file.");
        }

        private void NoOverlap(string path, IReadOnlyList<MemoryDescription> memory)
        {
            int[] byStart = [.. Enumerable.Range(0, memory.Count).OrderBy(i => memory[i].Start)];
            for (int i = 1; i < byStart.Length; i++)
            {
                MemoryDescription lower = memory[byStart[i - 1]];
                if (memory[byStart[i]].Start < lower.Start + lower.LengthBytes)
                    Problem($"{path}.memory[{byStart[i]}]", $"It overlaps memory[{byStart[i - 1]}].");
            }
        }

        private void UniquePids()
        {
            var seen = new HashSet<int>();
            for (int i = 0; i < host.Processes?.Count; i++)
            {
                if (host.Processes[i] is { Pid: int pid } && !seen.Add(pid))
                    Problem($"processes[{i}].pid", $"{pid} is the pid of two processes.");
            }
        }

        // JSON can put null where the types forbid it.
        private void Each<T>(string path, IReadOnlyList<T>? items, int limit, string option, Action<string, T> check)
            where T : class
        {
            if (items is null)
            {
                Problem(path, "It is null.");
                return;
            }
            if (items.Count > limit)
                Problem(path, $"{items.Count:N0} are more than the limit of {limit:N0} (option {option}).");
            for (int i = 0; i < Math.Min(items.Count, limit); i++)
            {
                if (items[i] is T item)
                    check($"{path}[{i}]", item);
                else
                    Problem($"{path}[{i}]", "It is null.");
            }
        }

        private void Text(string path, string? text, bool mayBeEmpty)
        {
            if (text is null || (text.Length == 0 && !mayBeEmpty))
                Problem(path, "It is missing.");
            else if (text.Length > limits.MaxTextLength)
                Problem(path, $"It is longer than {limits.MaxTextLength} characters (option MaxTextLength).");
            else if (text.Any(char.IsControl))
                Problem(path, "It holds control characters.");
        }

        private void InBits(string path, int value, int bits)
        {
            if (value < 0 || value >= 1 << bits)
                Problem(path, $"0x{value:x} does not fit {bits} bits.");
        }

        private void Problem(string path, string reason) => _problems.Add(new HostProblem(path, reason));
    }
}
