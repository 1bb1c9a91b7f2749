using IommuDash.Engine.Hardware;
using IommuDash.Engine.Hardware.Import;

namespace IommuDash.Engine.Tests.Hardware.Import;

/// <summary>The same three devices as people paste them; every variant must give the same groups, and what else it has.</summary>
public sealed class IommuListingVariantTests
{
    private const string HostBridge = "00:00.0 Host bridge [0600]: Intel Corporation 8th Gen Core Processor Host Bridge/DRAM Registers [8086:3ec2] (rev 07)";
    private const string Port = "00:01.0 PCI bridge [0604]: Intel Corporation 6th-10th Gen Core Processor PCIe Controller (x16) [8086:1901] (rev 07)";
    private const string Card = "01:00.0 VGA compatible controller [0300]: NVIDIA Corporation GP104 [GeForce GTX 1080] [10de:1b80] (rev a1)";

    private const string HostBridgeQuoted = "00:00.0 \"Host bridge [0600]\" \"Intel Corporation [8086]\" \"8th Gen Core Processor Host Bridge/DRAM Registers [3ec2]\" -r07 \"ASUSTeK Computer Inc. [1043]\" \"Device [8694]\"";
    private const string PortQuoted = "00:01.0 \"PCI bridge [0604]\" \"Intel Corporation [8086]\" \"6th-10th Gen Core Processor PCIe Controller (x16) [1901]\" -r07";
    private const string CardQuoted = "01:00.0 \"VGA compatible controller [0300]\" \"NVIDIA Corporation [10de]\" \"GP104 [GeForce GTX 1080] [1b80]\" -ra1 -p00 \"eVga.com. Corp. [3842]\" \"Device [6183]\"";

    private const string Headed = $"IOMMU Group 0:\n\t{HostBridge}\nIOMMU Group 1:\n\t{Port}\n\t{Card}\n";

    public static TheoryData<string, string> FullVariants => new()
    {
        { "headings, tab", Headed },
        { "Windows line ends", Headed.Replace("\n", "\r\n", StringComparison.Ordinal) },
        { "old Mac line ends", Headed.Replace('\n', '\r') },
        { "no indentation", Headed.Replace("\t", "", StringComparison.Ordinal) },
        { "spaces", Headed.Replace("\t", "        ", StringComparison.Ordinal) },
        { "no colon after the number", Headed.Replace(":\n", "\n", StringComparison.Ordinal) },
        { "lower case", Headed.Replace("IOMMU Group", "iommu group", StringComparison.Ordinal) },
        { "bare Group", Headed.Replace("IOMMU Group", "Group", StringComparison.Ordinal) },
        { "type after the heading", Headed.Replace(":\n", ": (DMA-FQ)\n", StringComparison.Ordinal) },
        { "count after the heading", Headed.Replace(":\n", " [2 devices]:\n", StringComparison.Ordinal) },
        { "hashes", Headed.Replace("IOMMU Group 0:", "### Group 0 ###", StringComparison.Ordinal).Replace("IOMMU Group 1:", "### Group 1 ###", StringComparison.Ordinal) },
        { "one line each", $"IOMMU Group 0 {HostBridge}\nIOMMU Group 1 {Port}\nIOMMU Group 1 {Card}" },
        { "one line each, colon", $"IOMMU Group 0: {HostBridge}\nIOMMU Group 1: {Port}\nIOMMU Group 1: {Card}" },
        { "leading zeros", $"Group 00:\n{HostBridge}\nGroup 01:\n{Port}\n{Card}" },
        { "domain", $"IOMMU Group 0 0000:{HostBridge}\nIOMMU Group 1 0000:{Port}\nIOMMU Group 1 0000:{Card}" },
        { "upper-case hex", Headed.Replace("8086:3ec2", "8086:3EC2", StringComparison.Ordinal).Replace("10de:1b80", "10DE:1B80", StringComparison.Ordinal) },
        { "colours", $"\u001b[1;32mIOMMU Group 0:\u001b[0m\n\t\u001b[33m{HostBridge}\u001b[0m\n\u001b[1mIOMMU Group\u001b[0m \u001b[31m1\u001b[0m:\n\t{Port}\u001b[K\n\t{Card}" },
        { "colours without the escape", $"[1;32mIOMMU Group 0:[0m\n\t[33m{HostBridge}[0m\nIOMMU Group 1:\n\t{Port}\n\t{Card}" },
        { "window title", $"\u001b]0;root@box: ~\u0007{Headed}" },
        { "quoted", "> " + Headed.TrimEnd().Replace("\n", "\n> ", StringComparison.Ordinal) },
        { "diff", "+" + Headed.TrimEnd().Replace("\n", "\n+", StringComparison.Ordinal) },
        { "bullets", $"IOMMU Group 0:\n - {HostBridge}\nIOMMU Group 1:\n - {Port}\n - {Card}" },
        { "tree", $"IOMMU Group 0\n└── {HostBridge}\nIOMMU Group 1\n├── {Port}\n└── {Card}" },
        { "reset marks", $"IOMMU group 0\n\t{HostBridge}\nIOMMU group 1\n\t{Port}\n[RESET]\t{Card}" },
        { "blank lines", Headed.Replace("\n", "\n\n  \t\n", StringComparison.Ordinal) },
        { "byte order mark", "\uFEFF" + Headed },
        { "trailing junk", $"IOMMU Group 0:\n{HostBridge} <-- ok\nIOMMU Group 1:\n{Port}   \n{Card} (prog-if 00 [VGA controller]) Driver: vfio-pci" },
        { "prompt, loop and fence", "```\nroot@box:~# for d in /sys/kernel/iommu_groups/*/devices/*; do\n> n=${d#*/iommu_groups/*}; n=${n%%/*}\n> printf 'IOMMU Group %s ' \"$n\"\n> lspci -nns \"${d##*/}\"\n> done\n" + $"IOMMU Group 0 {HostBridge}\nIOMMU Group 1 {Port}\nIOMMU Group 1 {Card}\n[me@box ~]$ \n```" },
        { "script on top", "#!/bin/bash\nshopt -s nullglob\nfor g in $(find /sys/kernel/iommu_groups/* -maxdepth 0 -type d | sort -V); do\n    echo \"IOMMU Group ${g##*/}:\"\n    for d in $g/devices/*; do\n        echo -e \"\\t$(lspci -nns ${d##*/})\"\n    done;\ndone;\n" + Headed },
        { "lspci -k", $"IOMMU Group 0:\n{HostBridge}\n\tSubsystem: ASUSTeK Computer Inc. Device [1043:8694]\n\tKernel driver in use: skl_uncore\nIOMMU Group 1:\n{Port}\n\tKernel driver in use: pcieport\n{Card}\n\tSubsystem: eVga.com. Corp. Device [3842:6183]\n\tKernel driver in use: vfio-pci\n\tKernel modules: nouveau" },
        { "lspci -v", $"{HostBridge}\n\tFlags: bus master, fast devsel, latency 0, IOMMU group 0\n\tCapabilities: [e0] Vendor Specific Information: Len=10 <?>\n\n{Port}\n\tFlags: bus master, fast devsel, latency 0, IRQ 122, IOMMU group 1\n\tBus: primary=00, secondary=01, subordinate=01, sec-latency=0\n\n{Card}\n\tFlags: bus master, IOMMU group 1\n\tMemory at de000000 (32-bit, non-prefetchable) [size=16M]\n" },
        { "lspci -vv", $"{HostBridge}\n\tLatency: 0\n\tIOMMU group: 0\n{Port}\n\tIOMMU group: 1\n{Card}\n\tRegion 0: Memory at de000000 (32-bit, non-prefetchable) [size=16M]\n\tIOMMU group: 1\n" },
        { "group at the end", $"{HostBridge} (IOMMU group 0)\n{Port} (IOMMU group 1)\n{Card} (IOMMU group 1)" },
        { "find, then lspci -nn", $"/sys/kernel/iommu_groups/0/devices/0000:00:00.0\n/sys/kernel/iommu_groups/1/devices/0000:00:01.0\n/sys/kernel/iommu_groups/1/devices/0000:01:00.0\n\n{HostBridge}\n{Port}\n{Card}" },
        { "lspci -nnm, one line each", $"IOMMU Group 0 {HostBridgeQuoted}\nIOMMU Group 1 {PortQuoted}\nIOMMU Group 1 {CardQuoted}" },
        { "lspci -nnmm under headings, group at the end", $"{HostBridgeQuoted} (IOMMU group 0)\nIOMMU Group 1:\n\t{PortQuoted} \"\" \"\"\n\t{CardQuoted.Replace(" \"eVga.com. Corp. [3842]\" \"Device [6183]\"", " \"\" \"\"", StringComparison.Ordinal)}" },
        { "kernel log, then lspci -nn", $"[    0.412] pci 0000:00:00.0: Adding to iommu group 0\n[    0.4] pci 0000:00:01.0: Adding to iommu group 1\niommu: Adding device 0000:01:00.0 to group 1\n{HostBridge}\n{Port}\n{Card}" },
    };

    [Theory]
    [MemberData(nameof(FullVariants))]
    public void FromText_FullVariant_GivesEveryField(string variant, string text)
    {
        HostImport import = HostImporter.FromText(text);
        HostDescription host = ImportAssert.Ready(import);
        Assert.True(import.RejectedLines == 0, $"{variant}: {string.Join("; ", import.Rejected)}");
        Assert.Equal(["0000:00:00.0", "0000:00:01.0", "0000:01:00.0"], host.Devices.Select(d => d.Address));
        Assert.Equal([0, 1, 1], host.Devices.Select(d => d.Group));
        DeviceDescription card = host.Devices[2];
        Assert.Equal(0x030000, card.ClassCode);
        Assert.Equal("VGA compatible controller", card.ClassName);
        Assert.Equal((0x10de, 0x1b80, 0xa1), (card.VendorId, card.DeviceId, card.Revision));
        Assert.Equal("NVIDIA Corporation GP104 [GeForce GTX 1080]", card.Name);
        Assert.True(host.Devices[1].IsBridge);
    }

    public static TheoryData<string, string> PartialVariants => new()
    {
        { "lspci -n", "IOMMU Group 0 00:00.0 0600: 8086:3ec2 (rev 07)\nIOMMU Group 1 00:01.0 0604: 8086:1901 (rev 07)\nIOMMU Group 1 01:00.0 0300: 10de:1b80 (rev a1)" },
        { "lspci -n, old", "Group 0\n00:00.0 Class 0600: 8086:3ec2\nGroup 1\n00:01.0 Class 0604: 8086:1901\n01:00.0 Class 0300: 10de:1b80 (rev a1)" },
        { "lspci -nm", "IOMMU Group 0 00:00.0 \"0600\" \"8086\" \"3ec2\" -r07 \"1043\" \"8694\"\nIOMMU Group 1 00:01.0 \"0604\" \"8086\" \"1901\" -r07\nIOMMU Group 1 01:00.0 \"0300\" \"10de\" \"1b80\" -ra1 -p00 \"3842\" \"6183\"" },
        { "ids first", "IOMMU group 0:\t[8086:3ec2] 00:00.0 Host bridge: Intel Corporation 8th Gen Core (rev 07)\nIOMMU group 1:\t[8086:1901] 00:01.0 PCI bridge: Intel Corporation PCIe Controller (x16) (rev 07)\n\t[10de:1b80] 01:00.0 VGA compatible controller: NVIDIA Corporation GP104 (rev a1)" },
        { "ids first, columns", "Group 0:\t[8086:3ec2]     00:00.0  Host bridge                   8th Gen Core\nGroup 1:\t[8086:1901] [R] 00:01.0  PCI bridge                    PCIe Controller (x16)\n\t\t[10de:1b80] [R] 01:00.0  VGA compatible controller     GP104" },
    };

    [Theory]
    [MemberData(nameof(PartialVariants))]
    public void FromText_IdsWithoutFullText_GivesClassIdsAndGroups(string variant, string text)
    {
        HostImport import = HostImporter.FromText(text);
        HostDescription host = ImportAssert.Ready(import);
        Assert.True(import.RejectedLines == 0, $"{variant}: {string.Join("; ", import.Rejected)}");
        Assert.Equal([0, 1, 1], host.Devices.Select(d => d.Group));
        Assert.Equal([0x060000, 0x060400, 0x030000], host.Devices.Select(d => d.ClassCode));
        Assert.Equal([0x3ec2, 0x1901, 0x1b80], host.Devices.Select(d => d.DeviceId));
        Assert.Equal("VGA compatible controller", host.Devices[2].ClassName);
    }

    [Theory]
    [InlineData("/sys/kernel/iommu_groups/0/devices/0000:00:00.0\n/sys/kernel/iommu_groups/1/devices/0000:00:01.0\n/sys/kernel/iommu_groups/1/devices/0000:01:00.0\n")]
    [InlineData("/sys/kernel/iommu_groups/0/devices:\n0000:00:00.0\n\n/sys/kernel/iommu_groups/1/devices:\n0000:00:01.0\n0000:01:00.0\n")]
    [InlineData("/sys/kernel/iommu_groups/0/devices:\ntotal 0\nlrwxrwxrwx 1 root root 0 Feb  4 10:29 0000:00:00.0 -> ../../../../devices/pci0000:00/0000:00:00.0\n/sys/kernel/iommu_groups/1/devices:\ntotal 0\nlrwxrwxrwx 1 root root 0 Feb  4 10:29 0000:00:01.0 -> ../../../../devices/pci0000:00/0000:00:01.0\nlrwxrwxrwx 1 root root 0 Feb  4 10:29 0000:01:00.0 -> ../../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0\n")]
    [InlineData("lrwxrwxrwx 1 root root 0 Feb  4 10:29 /sys/kernel/iommu_groups/0/devices/0000:00:00.0 -> ../../../../devices/pci0000:00/0000:00:00.0\n/sys/kernel/iommu_groups/1/devices/0000:00:01.0 -> ../x\n/sys/kernel/iommu_groups/1/devices/0000:01:00.0/\n")]
    [InlineData("[    0.412] pci 0000:00:00.0: Adding to iommu group 0\n[    0.413] pci 0000:00:01.0: Adding to iommu group 1\nFeb 04 10:29:01 box kernel: pci 0000:01:00.0: Adding to iommu group 1\n")]
    public void FromText_AddressesOnly_AsksForTheVendorThenGivesGroups(string text)
    {
        HostImport asked = HostImporter.FromText(text);
        ImportAssert.Whole(asked);
        Assert.Equal(ImportOutcome.NeedsAnswer, asked.Outcome);
        Assert.Equal(nameof(ImportChoices.Vendor), Assert.Single(asked.Questions).Field);
        Assert.Equal((3, 2), (asked.DeviceCount, asked.GroupCount));

        HostImport answered = HostImporter.FromText(text, new ImportChoices { Vendor = IommuVendor.Amd });
        HostDescription host = ImportAssert.Ready(answered);
        Assert.Empty(answered.Rejected);
        Assert.Equal([0, 1, 1], host.Devices.Select(d => d.Group));
        Assert.Contains(answered.Warnings, w => w.Contains("lspci -nn", StringComparison.Ordinal));
    }

    [Fact]
    public void FromText_PlainLspciWithoutGroups_GroupsBySlotAndWarns()
    {
        HostImport import = HostImporter.FromText($"{HostBridge}\n{Port}\n{Card}\n01:00.1 Audio device [0403]: NVIDIA Corporation GP104 High Definition Audio Controller [10de:10f0] (rev a1)\n");
        HostDescription host = ImportAssert.Ready(import);
        Assert.Equal([0, 1, 2, 2], host.Devices.Select(d => d.Group));
        Assert.Contains(import.Warnings, w => w.Contains("names no IOMMU groups", StringComparison.Ordinal));
    }

    [Fact]
    public void FromText_QuotedFields_KeepProgrammingInterfaceAndQuotesOfTheName()
    {
        HostImport import = HostImporter.FromText($"IOMMU Group 0 {HostBridgeQuoted}\nIOMMU Group 9 02:00.0 \"Non-Volatile memory controller [0108]\" \"Samsung [144d]\" \"NVMe \\\"PM9A1\\\" [a80a]\" -p02 \"\" \"\"");
        DeviceDescription device = ImportAssert.Device(ImportAssert.Ready(import), "0000:02:00.0");
        Assert.Equal((0x010802, 0x144d, 0xa80a), (device.ClassCode, device.VendorId, device.DeviceId));
        Assert.Equal("Samsung NVMe \"PM9A1\"", device.Name);
    }

    [Fact]
    public void FromText_ProgrammingInterfaceAndWideDomain_AreKept()
    {
        HostImport import = HostImporter.FromText($"IOMMU Group 0 {HostBridge}\nIOMMU Group 9 10000:e1:00.0 Non-Volatile memory controller [0108]: Ørsted® 存储 NVMe [144d:a808] (prog-if 02 [NVM Express])");
        DeviceDescription device = ImportAssert.Device(ImportAssert.Ready(import), "10000:e1:00.0");
        Assert.Equal(0x010802, device.ClassCode);
        Assert.Equal("Ørsted® 存储 NVMe", device.Name);
    }
}
