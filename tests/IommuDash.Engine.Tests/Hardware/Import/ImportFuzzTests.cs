using System.Text;
using FsCheck;
using FsCheck.Fluent;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Hardware.Import;

namespace IommuDash.Engine.Tests.Hardware.Import;

/// <summary>Whatever the text: no exception, no half host, every line counted once.</summary>
public sealed class ImportFuzzTests
{
    private const int Rounds = 600;

    private static readonly string[] Seeds =
    [
        "IOMMU Group 0:\n\t00:00.0 Host bridge [0600]: Intel Corporation Host Bridge [8086:3ec2] (rev 07)\nIOMMU Group 1:\n\t00:01.0 PCI bridge [0604]: Intel Corporation PCIe [8086:1901]\n[RESET]\t01:00.0 VGA compatible controller [0300]: NVIDIA Corporation GP104 [10de:1b80] (rev a1)\n\tSubsystem: eVga [3842:6183]\n\tKernel driver in use: vfio-pci\n",
        "\u001b[1mGroup 3:\u001b[0m\t[1022:1482] [R] 0000:40:01.0  Host bridge  Starship\r\n\t\t[1022:1483] 40:01.1  PCI bridge\r\nroot@box:~# done\r\n",
        "/sys/kernel/iommu_groups/1/devices/0000:00:01.0\n[    0.4] pci 0000:00:02.0: Adding to iommu group 2\n00:01.0 0604: 1022:1483\n00:02.0 \"x\"\n\tFlags: bus master, IOMMU group 2\n\tIOMMU group: 4\n",
        SysfsImporterTests.Capture,
    ];

    private static readonly string[] Pieces =
    [
        "\n", "\r", "\t", "\0", "\u001b[", "\u001b", "m", "IOMMU Group ", "group", "0", "99999999999999999999", ":", "[", "]", "(rev ", ")", "0000:00:01.0", "ffffffff:ff:1f.7", "00:20.0",
        "[8086:1901]", "[0604]", "PCI bridge", "/sys/kernel/iommu_groups/", "/devices/", "/reserved_regions:", "0x0 0xffffffffffffffff msi", " -> ", "lrwxrwxrwx ", "\uD83D", "\uFEFF", "é", "Flags: ", "IOMMU group: 3\n",
        "/sys/bus/pci/devices/0000:00:01.0/vendor:0x8086\n", "/sys/class/iommu/dmar0/intel-iommu/cap:ffffffffffffffff\n", "/sys/class/iommu/x/devices/0000:00:01.0\n", new string('a', 5000),
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void FromText_MutatedListings_KeepTheRules(int seed)
    {
        var random = new Random(seed);
        for (int round = 0; round < Rounds; round++)
        {
            var text = new StringBuilder(Seeds[random.Next(Seeds.Length)]);
            for (int edits = random.Next(8); edits > 0; edits--)
                Mutate(text, random);
            KeepsTheRules(text.ToString(), random);
        }
    }

    [Fact]
    public void FromText_AnyText_KeepsTheRules() =>
        Prop.ForAll(ArbMap.Default.ArbFor<string>(), text => KeepsTheRules(text ?? "", new Random(7))).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void FromText_RandomBytes_KeepTheRules()
    {
        var random = new Random(11);
        var bytes = new byte[2000];
        for (int round = 0; round < 100; round++)
        {
            random.NextBytes(bytes);
            KeepsTheRules(Encoding.UTF8.GetString(bytes), random);
            KeepsTheRules(Encoding.Latin1.GetString(bytes), random);
        }
    }

    [Fact]
    public void FromText_MebibyteOfTheWorstLines_EndsSoon()
    {
        // A start, and what is repeated after it to a full line.
        (string Start, string Repeated)[] lines =
        [
            ("", "IOMMU Group "), ("", "["), ("", "[0;"), ("", "\u001b]"), ("", "0000:00:00.0 "), ("lrwx ", "a"), ("lrwx ", " "), ("Flags: ", "IOMMU group "), ("", "a/"), ("", "sys/kernel/iommu_groups/1"),
            ("00:00.0 Host bridge: x", "(rev "), ("00:00.0 Host bridge: x", " "), ("00:00.0 ", "a"), ("00:00.0 ", "[8086:"), ("Group 1 x", "#"), ("Group 1 #", "#"), ("Group 1", "-"), ("a@", "b"), ("", "a@b "), ("for ", ";x"),
            (SysfsImporterTests.Capture + "\n", "/sys/bus/pci/devices/"), (SysfsImporterTests.Capture + "\n", "a/"),
        ];
        foreach ((string start, string line) in lines)
        {
            bool capture = start.Contains('\n');
            string longLine = (capture ? "" : start) + string.Concat(Enumerable.Repeat(line, 4000 / line.Length)) + "x\n";
            string text = (capture ? start : "") + string.Concat(Enumerable.Repeat(longLine, (1 << 20) / Encoding.UTF8.GetByteCount(longLine) - 1));
            var watch = System.Diagnostics.Stopwatch.StartNew();
            ImportAssert.Whole(HostImporter.FromText(text));
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(15), $"'{start}{line}' took {watch.Elapsed}");
        }
    }

    private static void KeepsTheRules(string text, Random random)
    {
        var options = new ImportOptions { MaxDevices = random.Next(1, 6), MaxReportedLines = random.Next(1, 20), MaxLineLength = 4096 };
        HostImport import = HostImporter.FromText(text, new ImportChoices { Vendor = random.Next(2) == 0 ? IommuVendor.Unknown : IommuVendor.Amd }, options);
        ImportAssert.Whole(import);
        Assert.Equal(LinesOf(text), import.Lines.Total);
        Assert.True(import.Lines is { Accepted: >= 0, Ignored: >= 0, Rejected: >= 0, InError: >= 0 });
        Assert.Equal(Math.Min(import.RejectedLines, options.MaxReportedLines), import.Rejected.Count);
        Assert.Equal(import.Rejected.Select(r => r.Line).Order(), import.Rejected.Select(r => r.Line));
        Assert.All(import.Rejected.Concat(import.Errors), p => Assert.NotEmpty(p.Reason));
    }

    private static int LinesOf(string text)
    {
        string normal = text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        return normal.Count(c => c == '\n') + (normal.Length > 0 && normal[^1] != '\n' ? 1 : 0);
    }

    private static void Mutate(StringBuilder text, Random random)
    {
        int at = random.Next(text.Length + 1);
        switch (random.Next(4))
        {
            case 0:
                text.Insert(at, Pieces[random.Next(Pieces.Length)]);
                break;
            case 1:
                text.Remove(at, Math.Min(random.Next(20), text.Length - at));
                break;
            case 2 when at < text.Length:
                text[at] = (char)random.Next(random.Next(2) == 0 ? 0x80 : 0x10000);
                break;
            default:
                string all = text.ToString();
                int from = random.Next(all.Length + 1);
                text.Insert(at, all.AsSpan(from, Math.Min(random.Next(200), all.Length - from)));
                break;
        }
    }
}
