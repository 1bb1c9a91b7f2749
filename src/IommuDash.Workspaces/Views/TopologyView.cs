// The PCI side of the topology page: units, the groups behind each and their devices, flattened to the rows of a tree in the order in which they are shown.
// A window of rows is projected; the counts tell what lies outside. With a filter only devices that match and what leads to them are rows.
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces.Views;

/// <param name="Context">The context whose view of a device counts for <see cref="TopologyDevice.BindRefusal"/>; need not be open.</param>
/// <param name="Filter">Words that all must occur in a device's address, names, ids, unit or <c>group N</c>; empty = all.</param>
/// <param name="Closed">Keys of rows whose children are not shown, separated by spaces. Ignored while a filter is set.</param>
/// <param name="First">Index of the first row, from 0.</param>
/// <param name="Count">Rows at most; see <see cref="TopologyView.MaxRows"/>.</param>
/// <param name="Find">Key of a row whose index is asked for, wherever it lies.</param>
public sealed record TopologyQuery(int Context = 1, string Filter = "", string Closed = "", int First = 0, int Count = TopologyView.MaxRows, string? Find = null);

/// <param name="Rows">The window.</param>
/// <param name="First">Index of its first row.</param>
/// <param name="TotalRows">Rows that the query would give without a window.</param>
/// <param name="Devices">Devices that match the filter.</param>
/// <param name="TotalDevices">Devices of the host.</param>
/// <param name="Groups">Groups of the host.</param>
/// <param name="Units">IOMMUs of the host.</param>
/// <param name="FoundIndex">Index among all rows of the one to find; null if it is none of them.</param>
public sealed record TopologySnapshot(IReadOnlyList<TopologyRow> Rows, int First, int TotalRows, int Devices, int TotalDevices, int Groups, int Units, int? FoundIndex) : IItemSnapshot
{
    IReadOnlyList<IViewItem> IItemSnapshot.Items => Rows;
}

/// <summary>A row of the tree; exactly one of unit, group and device is set.</summary>
/// <param name="Key">As in a URL: <c>unit:dmar0</c>, <c>group:3</c>, <c>device:0000:01:00.0</c>.</param>
/// <param name="Level">1 unit, 2 group, 3 device.</param>
/// <param name="Position">Number among its siblings, from 1.</param>
/// <param name="Siblings">How many there are, itself included.</param>
/// <param name="IsOpen">Whether its children are rows; null for a device.</param>
public sealed record TopologyRow(string Key, int Level, int Position, int Siblings, bool? IsOpen) : IViewItem
{
    public TopologyUnit? Unit { get; init; }

    public TopologyGroup? Group { get; init; }

    public TopologyDevice? Device { get; init; }
}

/// <param name="InputBits">Width of its IOVAs; null for the mock, whose window is fixed.</param>
public sealed record TopologyUnit(string Name, IommuVendor Vendor, int? InputBits, int Groups, int Devices);

/// <param name="Unit">The unit it is behind.</param>
/// <param name="Owner">Context that owns the group's DMA; null = the host's drivers.</param>
/// <param name="Hwpt">What the group translates through, in its owner; null = blocked, or the host's.</param>
/// <param name="Reserved">Its first <see cref="TopologyView.MaxReserved"/> reserved regions.</param>
/// <param name="TotalReserved">How many it has.</param>
public sealed record TopologyGroup(int Id, string Unit, string Type, int Devices, int? Owner, uint? Hwpt, IReadOnlyList<ReservedRegion> Reserved, int TotalReserved);

/// <param name="Bound">Where it is bound and attached; null = a host driver has it.</param>
/// <param name="BindRefusal">Why it cannot be bound to the query's context; null if it can, or is.</param>
public sealed record TopologyDevice(string Address, string Name, string ClassName, int VendorId, int DeviceId, int Group, string Unit, TopologyBinding? Bound, Refusal? BindRefusal);

/// <param name="Context">Context it is bound to.</param>
/// <param name="Id">Its object id there.</param>
/// <param name="Hwpt">Id of the hw_pagetable it is attached to, or null.</param>
/// <param name="HwptIsAutomatic">Whether attaching to the IOAS made that.</param>
/// <param name="Ioas">Id of the IOAS behind it, or null.</param>
public sealed record TopologyBinding(int Context, uint Id, uint? Hwpt, bool HwptIsAutomatic, uint? Ioas);

public sealed class TopologyView : IView<TopologyQuery, TopologySnapshot>
{
    /// <summary>Largest window.</summary>
    public const int MaxRows = 500;

    /// <summary>Reserved regions listed on a group's row.</summary>
    public const int MaxReserved = 8;

    public static string Name => "topology.tree";

    public static TopologySnapshot Project(EmulatedHost host, TopologyQuery query)
    {
        string[] words = query.Filter.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        HashSet<string> closed = words.Length > 0 ? [] : [.. query.Closed.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        var window = new Window(Math.Max(query.First, 0), Math.Clamp(query.Count, 0, MaxRows), query.Find);
        IommufdContext? context = host.FindContext(query.Context);
        ILookup<IommuUnit, (IommuGroup Group, HostDevice[] Devices)> groups = host.Groups
            .Select(group => (Group: group, Devices: group.Devices.Where(device => Matches(device, words)).ToArray()))
            .Where(group => group.Devices.Length > 0)
            .ToLookup(group => group.Devices[0].Unit);
        (IommuUnit Unit, (IommuGroup Group, HostDevice[] Devices)[] Groups)[] units =
            [.. host.Units.Select(unit => (unit, groups[unit].ToArray())).Where(unit => words.Length == 0 || unit.Item2.Length > 0)];
        int devices = 0;
        for (int u = 0; u < units.Length; u++)
        {
            (IommuUnit unit, var behind) = units[u];
            devices += behind.Sum(group => group.Devices.Length);
            string unitKey = $"unit:{unit.Name}";
            bool unitOpen = !closed.Contains(unitKey);
            int position = u + 1;
            window.Add(unitKey, () => new TopologyRow(unitKey, 1, position, units.Length, unitOpen) { Unit = Describe(unit, behind) });
            if (!unitOpen)
                continue;
            for (int g = 0; g < behind.Length; g++)
                AddGroup(window, context, closed, behind[g].Group, behind[g].Devices, g + 1, behind.Length);
        }
        return new TopologySnapshot(window.Rows, window.First, window.Total, devices, host.Devices.Count, host.Groups.Count, host.Units.Count, window.FoundIndex);
    }

    /// <summary>How a device is bound and attached, or null.</summary>
    internal static TopologyBinding? Binding(HostDevice hardware)
    {
        if (hardware.Owner is not { } device)
            return null;
        HwptPaging? hwpt = device.Hwpt;
        return new TopologyBinding(device.Context.Fd, device.Id, hwpt?.Id, hwpt?.IsAutomatic ?? false, hwpt?.Ioas.Id);
    }

    private static void AddGroup(Window window, IommufdContext? context, HashSet<string> closed, IommuGroup group, HostDevice[] devices, int position, int siblings)
    {
        string key = $"group:{group.Id}";
        bool open = !closed.Contains(key);
        window.Add(key, () => new TopologyRow(key, 2, position, siblings, open) { Group = Describe(group) });
        if (!open)
            return;
        for (int d = 0; d < devices.Length; d++)
        {
            (HostDevice device, int number) = (devices[d], d + 1);
            string deviceKey = $"device:{device.Address}";
            window.Add(deviceKey, () => new TopologyRow(deviceKey, 3, number, devices.Length, null) { Device = Describe(device, context) });
        }
    }

    private static TopologyUnit Describe(IommuUnit unit, (IommuGroup Group, HostDevice[] Devices)[] groups) =>
        new(unit.Name, unit.Description.Vendor, unit.Description.Vendor == IommuVendor.Mock ? null : unit.Description.InputBits, groups.Length, groups.Sum(group => group.Devices.Length));

    private static TopologyGroup Describe(IommuGroup group)
    {
        IReadOnlyList<ReservedRegion> regions = group.Description.ReservedRegions;
        uint? hwpt = group.Devices.Select(device => device.Owner?.Igroup.Hwpt?.Id).FirstOrDefault(id => id is not null);
        return new TopologyGroup(group.Id, group.Devices[0].Unit.Name, group.Description.Type, group.Devices.Count, group.Owner?.Fd, hwpt, [.. regions.Take(MaxReserved)], regions.Count);
    }

    private static TopologyDevice Describe(HostDevice device, IommufdContext? context)
    {
        DeviceDescription described = device.Description;
        Refusal? refusal = context is null || device.Owner?.Context == context ? null : context.PreviewBind(device);
        return new TopologyDevice(device.Address, described.Name, described.ClassName, described.VendorId, described.DeviceId, described.Group, described.Unit, Binding(device), refusal);
    }

    private static bool Matches(HostDevice device, string[] words)
    {
        DeviceDescription described = device.Description;
        return words.All(word => Holds(described.Address, word) || Holds(described.Name, word) || Holds(described.ClassName, word) || Holds(described.Unit, word)
            || Holds($"[{described.VendorId:x4}:{described.DeviceId:x4}]", word) || Holds($"group:{described.Group}", word));
    }

    private static bool Holds(string text, string word) => text.Contains(word, StringComparison.OrdinalIgnoreCase);

    /// <summary>Counts all rows and makes those in the window.</summary>
    private sealed class Window(int first, int count, string? find)
    {
        private readonly List<TopologyRow> _rows = [];

        public int First => first;

        public int Total { get; private set; }

        public IReadOnlyList<TopologyRow> Rows => _rows;

        public int? FoundIndex { get; private set; }

        public void Add(string key, Func<TopologyRow> row)
        {
            if (key == find)
                FoundIndex = Total;
            if (Total >= first && _rows.Count < count)
                _rows.Add(row());
            Total++;
        }
    }
}
