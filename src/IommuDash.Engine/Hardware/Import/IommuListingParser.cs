// Reads the text people paste from `for d in /sys/kernel/iommu_groups/*/devices/*; do …; lspci -nns …` and its relatives: headings or one line each, lspci with numbers,
// names or both, paths from find and ls, the kernel's "Adding to iommu group" messages, also several of these in one text.
// Holds always: every line is counted once; an address described twice or put into two groups is an error; nobody gets a group from a heading that was not understood.
// Leaves out: lspci -vmm, JSON, tables drawn by other tools.
namespace IommuDash.Engine.Hardware.Import;

/// <summary>Parses a pasted listing. One instance per text.</summary>
internal sealed class IommuListingParser
{
    private readonly ImportOptions _options;
    private readonly LineReport _report;
    private readonly Dictionary<PciAddress, Entry> _entries = [];
    private readonly List<string> _warnings = [];
    private int? _group;
    private bool _groupHasOwnLine;
    private Entry? _last;

    private IommuListingParser(ImportOptions options)
    {
        _options = options;
        _report = new LineReport(options);
    }

    /// <summary>Facts of a text. Never throws for what is in it; <paramref name="report"/> tells about every line, and with errors the facts are not to be used.</summary>
    internal static ParsedHost Parse(string text, ImportOptions options, out LineReport report)
    {
        var parser = new IommuListingParser(options);
        report = parser._report;
        return parser.Run(text);
    }

    private ParsedHost Run(string text)
    {
        if (!_report.CheckSize(text))
            return new ParsedHost();
        int number = 0;
        foreach (string line in Lines.Split(text))
            Add(++number, line);
        if (_entries.Count == 0)
            _report.Fail($"No PCI device found in {number:N0} lines.");
        return new ParsedHost { Devices = Collect(), Warnings = _warnings };
    }

    private void Add(int number, string raw)
    {
        if (raw.Length > _options.MaxLineLength)
        {
            Forget();
            _report.Reject(number, raw, $"longer than {_options.MaxLineLength:N0} characters");
            return;
        }
        ListingLine line = ListingLine.Read(raw);
        switch (line.Kind)
        {
            case ListingLineKind.Ignorable:
                _report.Ignore();
                break;
            case ListingLineKind.Binary:
                _report.Error(number, raw, line.Reason);
                break;
            case ListingLineKind.Rejected:
                if (raw.Contains("group", StringComparison.OrdinalIgnoreCase))
                    Forget();
                _report.Reject(number, raw, line.Reason);
                break;
            case ListingLineKind.Heading when _group is null && _last is { Group: null, Description: not null }:
                // lspci -vv puts "IOMMU group: 3" below the device instead of above.
                AddGroup(_last, line.Group!.Value, number, raw);
                break;
            case ListingLineKind.Heading:
                _group = line.Group;
                _groupHasOwnLine = true;
                _last = null;
                _report.Accept();
                break;
            case ListingLineKind.GroupOfDevice when _last is null:
                _report.Reject(number, raw, "no device stands above that this group could belong to");
                break;
            case ListingLineKind.GroupOfDevice when _last.Group == line.Group:
                _report.Ignore();
                break;
            case ListingLineKind.GroupOfDevice:
                AddGroup(_last, line.Group!.Value, number, raw);
                break;
            case ListingLineKind.Device:
                AddDevice(line, number, raw);
                break;
            default:
                throw new InvalidOperationException($"Line kind {line.Kind} is not handled.");
        }
    }

    // A heading that is not understood must not leave its devices to the group before.
    private void Forget()
    {
        _group = null;
        _last = null;
    }

    private void AddDevice(ListingLine line, int number, string raw)
    {
        _last = null;
        if (line.OpensGroup)
            (_group, _groupHasOwnLine) = (line.Group, false);
        // Below "Group 1 00:01.0 …" only an indented line continues the group: another listing may follow.
        bool continues = _groupHasOwnLine || raw.AsSpan().IndexOfAny(" \t[") == 0;
        int? group = line.Group ?? (continues ? _group : null);
        if (!_entries.TryGetValue(line.Address, out Entry? entry))
        {
            if (_entries.Count == _options.MaxDevices)
            {
                _report.Error(number, raw, $"more than {_options.MaxDevices:N0} devices (option MaxDevices)");
                return;
            }
            entry = new Entry(line.Address, number, raw) { Group = group, Description = line.Description };
            _entries.Add(line.Address, entry);
            _last = entry;
            _report.Accept();
            return;
        }
        if (group is not null && entry.Group is not null && group != entry.Group)
        {
            _report.Error(number, raw, $"{line.Address} is in group {group} here and in group {entry.Group} in line {entry.Line}");
            return;
        }
        bool newGroup = group is not null && entry.Group is null;
        bool newDescription = line.Description is not null && entry.Description is null;
        if (!newGroup && !newDescription)
        {
            _report.Error(number, raw, $"{line.Address} stands here a second time, first in line {entry.Line}");
            return;
        }
        if (line.Description is not null && entry.Description is not null && line.Description != entry.Description)
        {
            _report.Error(number, raw, $"{line.Address} is another device here than in line {entry.Line}");
            return;
        }
        entry.Group ??= group;
        entry.Description ??= line.Description;
        _last = entry;
        _report.Accept();
    }

    private void AddGroup(Entry entry, int group, int number, string raw)
    {
        if (entry.Group is not null)
        {
            _report.Error(number, raw, $"{entry.Address} is in group {group} here and in group {entry.Group} in line {entry.Line}");
            return;
        }
        entry.Group = group;
        _report.Accept();
    }

    private List<ParsedDevice> Collect()
    {
        bool anyGroup = _entries.Values.Any(e => e.Group is not null);
        if (!anyGroup && _entries.Count > 0)
            GroupBySlot();
        var devices = new List<ParsedDevice>(_entries.Count);
        foreach (Entry entry in _entries.Values.OrderBy(e => e.Address))
        {
            if (entry.Group is int group)
                devices.Add((entry.Description ?? new ParsedDevice(entry.Address, 0)) with { Group = group });
            else
                _report.Withdraw(entry.Line, entry.Raw, $"{entry.Address} is in no group: no heading stands above that was understood, and no other line names its group");
        }
        int bare = devices.Count(d => d.ClassCode == 0 && d.VendorId == 0);
        if (bare > 0)
            _warnings.Add($"{bare:N0} of {devices.Count:N0} devices have neither class nor ids: paste the output of lspci -nn below the listing to add them.");
        return devices;
    }

    // Plain lspci output has no groups. What it does tell is which functions share a slot.
    private void GroupBySlot()
    {
        int group = -1;
        PciAddress? slot = null;
        foreach (Entry entry in _entries.Values.OrderBy(e => e.Address))
        {
            PciAddress first = entry.Address with { Function = 0 };
            if (first != slot)
                group++;
            slot = first;
            entry.Group = group;
        }
        _warnings.Add("The text names no IOMMU groups: the functions of each slot were put into one. The real machine may group them otherwise.");
    }

    private sealed class Entry(PciAddress address, int line, string raw)
    {
        public PciAddress Address => address;

        /// <summary>Where the device was first named.</summary>
        public int Line => line;

        public string Raw => raw;

        public int? Group { get; set; }

        public ParsedDevice? Description { get; set; }
    }
}
