// The patterns of ListingLine. Case never matters; digits are ASCII.
using System.Text.RegularExpressions;

namespace IommuDash.Engine.Hardware.Import;

internal readonly partial record struct ListingLine
{
    private const RegexOptions Common = RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture;
    private const string AddressPattern = @"(?<address>([0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7])";
    private const string Id = "[0-9a-f]{4}";

    // Colour and cursor sequences, window titles, character sets; and colours whose escape character got lost on the way.
    [GeneratedRegex(@"\x1B\[[0-?]*[ -/]*[@-~]|\x1B\][^\x07\x1B]*(\x07|\x1B\\)|\x1B[()][A-Z0-9]|\x1B[=>]|\[[0-9]{1,3}(;[0-9]{1,3})*m", Common)]
    private static partial Regex Ansi();

    // [    0.5] pci 0000:00:01.0: Adding to iommu group 1
    [GeneratedRegex(@"^(\[[\s0-9.]+\]\s*|[^\[\]]{0,80}\skernel:\s+(\[[\s0-9.]+\]\s*)?)?(\S+\s+)?((Adding|adding)\s+device\s+)?" + AddressPattern + @":?\s+(Adding\s+)?to\s+(iommu\s+)?group\s+(?<group>[0-9]{1,10})\s*$", Common)]
    private static partial Regex KernelLog();

    // /sys/kernel/iommu_groups/1, …/1/devices: and …/1/devices/0000:00:01.0
    [GeneratedRegex(@"^\S*iommu_groups/(?<group>[0-9]{1,10})(?![^\s/:])(/devices(?![^\s/:]))?(/(?<dev>[^\s/]+))?[/:]?(?<rest>(\s.*)?)$", Common)]
    private static partial Regex GroupPath();

    // lspci -v: "Flags: bus master, fast devsel, IOMMU group 1".
    [GeneratedRegex(@"^Flags:.*\bIOMMU\s+group\s+(?<group>[0-9]{1,10})\s*$", Common)]
    private static partial Regex GroupDetail();

    [GeneratedRegex(@"^(iommu[\s_-]*)?group[\s_:#=-]*(?<group>[0-9]{1,10})(?![0-9a-z.])[\s:=>,.|-]*(?<rest>.*)$", Common)]
    private static partial Regex Heading();

    // What may follow a heading without being a device: nothing, decoration, the group's type, a count.
    [GeneratedRegex(@"^(?>[\s:#=*`|-]*)([\[(]?(DMA|DMA-FQ|identity|blocked|unmanaged|unknown|auto|[0-9]+ devices?)[\])]?)?[\s:#=*`|-]*$", Common)]
    private static partial Regex HeadingTail();

    [GeneratedRegex(@"^(\[R(ESET)?\]\s*)*(\[(?<vendor>" + Id + "):(?<device>" + Id + @")\]\s*)?(\[R(ESET)?\]\s*)*" + AddressPattern + @"(?![0-9a-z.])[:\s]*(?<rest>.*)$", Common)]
    private static partial Regex Device();

    [GeneratedRegex(@"(?<![0-9a-f])" + AddressPattern + "(?![0-9a-f])", Common)]
    private static partial Regex HasAddress();

    // lspci -m: "PCI bridge [0604]" "Intel Corporation [8086]" "… [1901]" -r07 -p00 …; a quote inside is written \".
    [GeneratedRegex(@"^""(?<class>([^""\\]|\\.)+)""\s+""(?<vendor>([^""\\]|\\.)+)""\s+""(?<device>([^""\\]|\\.)+)""(?<rest>.*)$", Common)]
    private static partial Regex QuotedFields();

    [GeneratedRegex("^(?<name>.*)\\[(?<id>" + Id + ")\\]$", Common)]
    private static partial Regex NameWithId();

    [GeneratedRegex("^" + Id + "$", Common)]
    private static partial Regex BareId();

    [GeneratedRegex(@"(?<!\S)-r(?<rev>[0-9a-f]{2})(?!\S)", Common)]
    private static partial Regex QuotedRevision();

    [GeneratedRegex(@"(?<!\S)-p(?<interface>[0-9a-f]{2})(?!\S)", Common)]
    private static partial Regex QuotedInterface();

    // lspci -n: "0604: 8086:1901"
    [GeneratedRegex(@"^(Class\s+)?\[?(?<class>" + Id + @")(?<interface>[0-9a-f]{2})?\]?\s*:\s*\[?(?<vendor>" + Id + "):(?<device>" + Id + @")(?![0-9a-z])", Common)]
    private static partial Regex Numeric();

    // lspci -nn: "PCI bridge [0604]: …"
    [GeneratedRegex(@"^(?<name>[^\[\]]*)\[(?<class>" + Id + @")(?<interface>[0-9a-f]{2})?\]\s*:?\s*(?<tail>.*)$", Common)]
    private static partial Regex BracketedClass();

    // lspci: "Some class: …" with a class this program has no number for.
    [GeneratedRegex(@"^(?<name>[^:\[\]]{2,60}):\s+(?<tail>\S.*)$", Common)]
    private static partial Regex NamedClass();

    [GeneratedRegex(@"\[(?<vendor>" + Id + "):(?<device>" + Id + @")\]", Common)]
    private static partial Regex Ids();

    [GeneratedRegex(@"\(rev (?<rev>[0-9a-f]{2})\)", Common)]
    private static partial Regex Revision();

    [GeneratedRegex(@"\(prog-if (?<interface>[0-9a-f]{2})", Common)]
    private static partial Regex Interface();

    [GeneratedRegex(@"(\(rev [0-9a-f]{2}\)|\(prog-if [0-9a-f]{2}|\(iommu group).*$", Common)]
    private static partial Regex TrailingNotes();

    [GeneratedRegex(@"[\[(]iommu[\s_-]*group[\s:=#]*(?<group>[0-9]{1,10})[\])]", Common)]
    private static partial Regex TrailingGroup();

    // user@host:~$ …, [user@host ~]# …, $ …, # …, > … before a word of the shell, a console's code fence.
    [GeneratedRegex(@"^\s*(\[?(?>[\w.-]+)@(?>[\w.-]+)[^#$%>❯]{0,200}[#$%>❯](\s|$)|[$❯➜]\s|#\s*(for|find|lspci|ls|dmesg|sudo|shopt|cat|bash|sh|\./)\b|```|~~~)", Common)]
    private static partial Regex Prompt();

    // The loops people paste together with their output.
    [GeneratedRegex(@"^(!/|#!|(for|while|if)\s.*(;|\b(do|then)$)|shopt\s|(do|done|fi|then|else|end)\s*;?\s*$|done[\s;|]|do\s+(n=|echo|printf|lspci|for)|n=\$|local\s|echo(\s|$)|printf\s|lspci\s+-|sudo\s|find\s+/sys|ls\s+(-|/sys)|dmesg\s*(\||$)|total\s+[0-9]+$)", Common)]
    private static partial Regex Script();

    // Lines lspci -k, -v and -vv add below a device.
    [GeneratedRegex(@"^((Subsystem|DeviceName|Kernel driver in use|Kernel modules|Flags|Control|Status|Latency|Cache Line Size|Interrupt|NUMA node|Physical Slot|BIST|Bus|Capabilities|Memory behind bridge|I/O behind bridge|Prefetchable memory behind bridge|Expansion ROM at|Secondary status|BridgeCtl|PriDiscTmr-?|DevCap|DevCtl|DevSta|LnkCap2?|LnkCtl2?|LnkSta2?|SltCap|SltCtl|SltSta|RootCap|RootCtl|RootSta|DevCap2|DevCtl2|AtomicOpsCap|AtomicOpsCtl|ACSCap|ACSCtl|UESta|UEMsk|UESvrt|CESta|CEMsk|AERCap|HeaderLog|Address|Vector table|PBA|IOVCap|IOVCtl|IOVSta|VF BAR|Transmission|Compliance|EqualizationComplete|Driver|Reset)\s*[:=]|(Memory|I/O ports|Expansion ROM) at\s|Region\s+[0-9]+:|<access denied>|!!!\s)", Common)]
    private static partial Regex LspciDetail();
}
