// One line of a pasted listing, understood by itself: which group it opens, which device it names, what it says about the device. No line depends on another here;
// IommuListingParser puts them together. Every pattern is linear in the length of the line, which the caller limits.
using System.Globalization;
using System.Text.RegularExpressions;

namespace IommuDash.Engine.Hardware.Import;

internal enum ListingLineKind
{
    /// <summary>Blank, prompt, script text or a detail of lspci that is not needed.</summary>
    Ignorable,

    /// <summary>Opens a group: <see cref="ListingLine.Group"/>.</summary>
    Heading,

    /// <summary>Names a device, with what is said of it.</summary>
    Device,

    /// <summary>Gives the group of the device above (<c>lspci -v</c>).</summary>
    GroupOfDevice,

    /// <summary>Not understood: <see cref="ListingLine.Reason"/>.</summary>
    Rejected,

    /// <summary>Holds control characters: not text.</summary>
    Binary,
}

/// <summary>What a line says.</summary>
internal readonly partial record struct ListingLine(ListingLineKind Kind)
{
    private const int MaxNameLength = 200;
    private const int MaxGroup = 1 << 20;

    /// <summary>Group number on the line itself.</summary>
    public int? Group { get; init; }

    /// <summary>The group number stands in front of the device, so that lines indented below may belong to the group too.</summary>
    public bool OpensGroup { get; init; }

    public PciAddress Address { get; init; }

    /// <summary>Class, ids and names; null if the line gives just the address.</summary>
    public ParsedDevice? Description { get; init; }

    /// <summary>Why it is rejected; otherwise empty.</summary>
    public string Reason { get; init; } = "";

    /// <param name="raw">The line without its line end.</param>
    public static ListingLine Read(string raw)
    {
        string line = WithoutColours(raw);
        foreach (char c in line)
        {
            if (char.IsControl(c) && c is not ('\t' or '\r'))
                return new(ListingLineKind.Binary) { Reason = $"holds the control character 0x{(int)c:x2}: this is not text" };
        }
        string text = line.AsSpan().TrimStart(Decoration).TrimEnd().ToString();
        if (text.Length == 0)
            return new(ListingLineKind.Ignorable);
        ListingLine understood = Understand(text);
        if (understood.Kind == ListingLineKind.Rejected && (Prompt().IsMatch(line) || Script().IsMatch(text) || LspciDetail().IsMatch(text)))
            return new(ListingLineKind.Ignorable);
        return understood;
    }

    /// <summary>Removes what a terminal would not show: colours, cursor movements, window titles.</summary>
    public static string WithoutColours(string raw) => Ansi().Replace(raw, "");

    // Quote marks, bullets, diff signs and the branches of `tree`.
    private static ReadOnlySpan<char> Decoration => " \t>+|*•-─├└│╰`#=\"'\uFEFF\u00A0";

    private static ListingLine Understand(string text)
    {
        Match log = KernelLog().Match(text);
        if (log.Success)
            return WithGroup(log, new(ListingLineKind.Device) { Address = AddressOf(log) });

        // `ls -l`: only what stands before the arrow is the name.
        int arrow = text.StartsWith("lrwx", StringComparison.Ordinal) ? text.IndexOf(" -> ", StringComparison.Ordinal) : -1;
        if (arrow > 0)
            text = text[(text.LastIndexOf(' ', arrow - 1) + 1)..arrow];

        Match path = GroupPath().Match(text);
        if (path.Success)
            return OfPath(path);
        Match detail = GroupDetail().Match(text);
        if (detail.Success)
            return WithGroup(detail, new(ListingLineKind.GroupOfDevice));
        Match heading = Heading().Match(text);
        if (!heading.Success)
            return OfDevice(text);
        string rest = heading.Groups["rest"].Value;
        if (HeadingTail().IsMatch(rest))
            return WithGroup(heading, new(ListingLineKind.Heading));
        ListingLine device = OfDevice(rest);
        return device.Kind == ListingLineKind.Device ? WithGroup(heading, device with { OpensGroup = true }) : device with { Reason = $"after the group number: {device.Reason}" };
    }

    private static ListingLine OfPath(Match path)
    {
        string name = path.Groups["dev"].Value.TrimEnd('/', ':', '@');
        if (name.Length == 0)
            return WithGroup(path, new(ListingLineKind.Heading));
        if (!PciAddress.TryParse(name, out PciAddress address))
            return Reject($"'{Cut(name, 40)}' is not a PCI device; only PCI devices are taken over");
        ListingLine device = OfDevice(path.Groups["rest"].Value.TrimStart(' ', '\t', ':'));
        bool same = device.Kind == ListingLineKind.Device && device.Address == address;
        return WithGroup(path, new(ListingLineKind.Device) { Address = address, Description = same ? device.Description : null });
    }

    private static ListingLine OfDevice(string text)
    {
        Match device = Device().Match(text);
        if (!device.Success)
            return Reject(HasAddress().IsMatch(text) ? "the PCI address does not stand where a listing has it" : "no PCI address and no group heading");
        PciAddress address = AddressOf(device);
        string rest = device.Groups["rest"].Value.Trim();
        ParsedDevice? description = Describe(address, FromQuoted(rest), device);
        Match group = TrailingGroup().Match(rest);
        if (description is null && rest.Length > 0 && !rest.StartsWith("->", StringComparison.Ordinal) && !group.Success)
            return Reject($"what follows {address} is neither a class nor ids");
        var line = new ListingLine(ListingLineKind.Device) { Address = address, Description = description };
        return group.Success ? WithGroup(group, line) : line;
    }

    // lspci -m writes each field in quotes; the other way of writing the same is what the patterns below know. Other text comes back as it is.
    private static string FromQuoted(string text)
    {
        Match quoted = QuotedFields().Match(text);
        if (!quoted.Success)
            return text;
        string classText = Unquoted(quoted, "class");
        string vendor = Unquoted(quoted, "vendor");
        string device = Unquoted(quoted, "device");
        (Match vendorId, Match deviceId) = (NameWithId().Match(vendor), NameWithId().Match(device));
        string names = BareId().IsMatch(vendor) && BareId().IsMatch(device) ? $"{vendor}:{device}"
            : vendorId.Success && deviceId.Success ? $"{vendorId.Groups["name"].Value.TrimEnd()} {deviceId.Groups["name"].Value.TrimEnd()} [{vendorId.Groups["id"].Value}:{deviceId.Groups["id"].Value}]"
            : $"{vendor} {device}";
        Match revision = QuotedRevision().Match(quoted.Groups["rest"].Value);
        Match programming = QuotedInterface().Match(quoted.Groups["rest"].Value);
        return $"{classText}: {names}"
            + (revision.Success ? $" (rev {revision.Groups["rev"].Value})" : "")
            + (programming.Success ? $" (prog-if {programming.Groups["interface"].Value})" : "");
    }

    private static string Unquoted(Match match, string group) => match.Groups[group].Value.Replace("\\\"", "\"", StringComparison.Ordinal).Trim();

    private static ParsedDevice? Describe(PciAddress address, string text, Match device)
    {
        int vendor = HexOf(device, "vendor");
        int id = HexOf(device, "device");
        var description = new ParsedDevice(address, 0)
        {
            Revision = HexOf(Revision().Match(text), "rev"),
            VendorId = vendor,
            DeviceId = id,
        };
        int interfaceCode = HexOf(Interface().Match(text), "interface");

        Match numeric = Numeric().Match(text);
        if (numeric.Success)
        {
            int code = HexOf(numeric, "class");
            return description with
            {
                ClassCode = (code << 8) | Math.Max(interfaceCode, HexOf(numeric, "interface")),
                ClassName = PciClass.Name(code),
                VendorId = HexOf(numeric, "vendor"),
                DeviceId = HexOf(numeric, "device"),
            };
        }
        Match bracketed = BracketedClass().Match(text);
        string className;
        string tail;
        int classCode;
        if (bracketed.Success)
        {
            classCode = HexOf(bracketed, "class");
            className = bracketed.Groups["name"].Value.Trim();
            tail = bracketed.Groups["tail"].Value;
            interfaceCode = Math.Max(interfaceCode, HexOf(bracketed, "interface"));
        }
        else if (PciClass.TryFindPrefix(text, out className, out classCode))
        {
            tail = text[className.Length..].TrimStart(' ', '\t', ':');
        }
        else if (NamedClass().Match(text) is { Success: true } named)
        {
            className = named.Groups["name"].Value;
            tail = named.Groups["tail"].Value;
        }
        else
        {
            return null;
        }
        Match ids = Ids().Match(tail);
        string name = (ids.Success ? tail[..ids.Index] : TrailingNotes().Replace(tail, "")).Trim();
        return description with
        {
            ClassCode = (classCode << 8) | interfaceCode,
            ClassName = Cut(className.Length == 0 ? PciClass.Name(classCode) : className, 60),
            VendorId = ids.Success ? HexOf(ids, "vendor") : vendor,
            DeviceId = ids.Success ? HexOf(ids, "device") : id,
            Name = Cut(name, MaxNameLength),
        };
    }

    private static ListingLine WithGroup(Match match, ListingLine line) =>
        int.TryParse(match.Groups["group"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out int group) && group < MaxGroup
            ? line with { Group = group }
            : Reject($"the group number is not below {MaxGroup}");

    private static ListingLine Reject(string reason) => new(ListingLineKind.Rejected) { Reason = reason };

    private static PciAddress AddressOf(Match match) =>
        PciAddress.TryParse(match.Groups["address"].ValueSpan, out PciAddress address) ? address : throw new InvalidOperationException($"'{match.Groups["address"].Value}' passed the pattern of an address.");

    private static int HexOf(Match match, string group) =>
        match.Groups[group] is { Success: true } found ? int.Parse(found.ValueSpan, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) : 0;

    private static string Cut(string text, int length)
    {
        if (text.Length <= length)
            return text;
        // Never between the halves of a surrogate pair.
        return text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];
    }
}
