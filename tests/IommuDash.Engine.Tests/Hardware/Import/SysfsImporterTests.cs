using IommuDash.Engine.Hardware;
using IommuDash.Engine.Hardware.Import;

namespace IommuDash.Engine.Tests.Hardware.Import;

public sealed class SysfsImporterTests
{
    [Fact]
    public void FromTree_IntelClient_TakesUnitsRegionsAndIds()
    {
        HostImport import = HostImporter.FromTree(IntelClient());
        HostDescription host = ImportAssert.Ready(import);
        Assert.Empty(import.Rejected);
        Assert.Empty(import.Warnings);
        Assert.Equal(["dmar0", "dmar1"], host.Units.Select(u => u.Name));
        Assert.Equal((39, 30, false), (host.Units[0].InputBits, host.Units[0].LargestPageShift, host.Units[0].SnoopControl));
        Assert.Equal((39, 30, true), (host.Units[1].InputBits, host.Units[1].LargestPageShift, host.Units[1].SnoopControl));
        Assert.Equal(["dmar1", "dmar0", "dmar1"], host.Devices.Select(d => d.Unit));
        DeviceDescription graphics = ImportAssert.Device(host, "0000:00:02.0");
        Assert.Equal((0x030000, 0x8086, 0x3e92, 0x02), (graphics.ClassCode, graphics.VendorId, graphics.DeviceId, graphics.Revision));
        Assert.Equal("VGA compatible controller", graphics.ClassName);
        GroupDescription group = Assert.Single(host.Groups, g => g.Id == 0);
        Assert.Equal("identity", group.Type);
        Assert.Equal([new(0x8b80_0000, 0x8fff_ffff, ReservedRegionKind.DirectRelaxable), HostBuilder.MsiWindow], group.ReservedRegions);
    }

    [Theory]
    [InlineData("d2008c40660462", 39, 30)]
    [InlineData("8d2078c106f0466", 48, 30)]
    [InlineData("40290462", 42, 12)]
    [InlineData("0x400290462", 42, 21)]
    [InlineData("380e10", 57, 12)]
    public void FromTree_CapabilityRegister_GivesWidthAndPageSizes(string cap, int bits, int pageShift)
    {
        FakeSysTree tree = new FakeSysTree().Device("0000:00:00.0", 0, "0x8086", "0x3ec2", "0x060000");
        tree["class/iommu/dmar0/intel-iommu/cap"] = cap;
        tree["class/iommu/dmar0/devices/0000:00:00.0/"] = "";
        IommuUnitDescription unit = Assert.Single(ImportAssert.Ready(HostImporter.FromTree(tree)).Units);
        Assert.Equal((bits, pageShift), (unit.InputBits, unit.LargestPageShift));
    }

    [Fact]
    public void FromTree_Amd_IsSixtyFourBitsPerUnit()
    {
        FakeSysTree tree = new FakeSysTree().Device("0000:00:01.0", 0, "0x1022", "0x1482", "0x060000").Device("0000:40:01.0", 1, "0x1022", "0x1482", "0x060000");
        tree["kernel/iommu_groups/0/reserved_regions"] = "0x00000000fee00000 0x00000000feefffff msi\n0x000000fd00000000 0x000000ffffffffff reserved\n";
        tree["class/iommu/ivhd0/amd-iommu/features"] = "206d73ef22254ade:0\n";
        tree["class/iommu/ivhd0/devices/0000:40:01.0/"] = "";
        tree["class/iommu/ivhd1/amd-iommu/features"] = "206d73ef22254ade:0\n";
        tree["class/iommu/ivhd1/devices/0000:00:01.0/"] = "";
        HostDescription host = ImportAssert.Ready(HostImporter.FromTree(tree));
        Assert.All(host.Units, u => Assert.Equal((IommuVendor.Amd, 64), (u.Vendor, u.InputBits)));
        Assert.Equal(["ivhd1", "ivhd0"], host.Devices.Select(d => d.Unit));
        Assert.Equal([HostBuilder.MsiWindow, HostBuilder.HyperTransportHole], host.Groups[0].ReservedRegions);
    }

    [Fact]
    public void FromTree_ValuesNotUnderstood_AreReportedWithTheirPath()
    {
        FakeSysTree tree = IntelClient();
        tree["kernel/iommu_groups/1/reserved_regions"] = "0x1000 0x0 msi\n0x0 0x0fff direct\nnonsense\n";
        tree["kernel/iommu_groups/1/type"] = "DMA-XX\n";
        tree["kernel/iommu_groups/x/type"] = "DMA\n";
        tree["kernel/iommu_groups/1/devices/MSFT0101:00/"] = "";
        tree["bus/pci/devices/0000:00:00.0/vendor"] = "what\n";
        HostImport import = HostImporter.FromTree(tree);
        HostDescription host = ImportAssert.Ready(import);
        Assert.Equal(
            [
                "bus/pci/devices/0000:00:00.0/vendor", "kernel/iommu_groups/1/devices/MSFT0101:00", "kernel/iommu_groups/1/reserved_regions",
                "kernel/iommu_groups/1/reserved_regions", "kernel/iommu_groups/1/type", "kernel/iommu_groups/x",
            ],
            import.Rejected.Select(r => r.Text).Order(StringComparer.Ordinal));
        Assert.Equal(new ReservedRegion(0, 0xfff, ReservedRegionKind.Direct), Assert.Single(Assert.Single(host.Groups, g => g.Id == 1).ReservedRegions));
    }

    [Fact]
    public void FromTree_DeviceInTwoGroups_MakesNoHost()
    {
        HostImport import = HostImporter.FromTree(IntelClient().Device("0000:01:00.0", 7, "0x10de", "0x1b80", "0x030000"));
        ImportAssert.Whole(import);
        Assert.Contains("0000:01:00.0 is in group 7 and in group 1", Assert.Single(import.Errors).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void FromTree_TooManyDevices_MakesNoHost()
    {
        HostImport import = HostImporter.FromTree(IntelClient(), options: new ImportOptions { MaxDevices = 2 });
        ImportAssert.Whole(import);
        Assert.Contains("more than 2 devices", Assert.Single(import.Errors).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void FromTree_Empty_IsAnError() => Assert.Contains("No PCI device", Assert.Single(HostImporter.FromTree(new FakeSysTree()).Errors).Reason, StringComparison.Ordinal);

    [Fact]
    public void FromText_Capture_GivesTheSameAsTheTreeAndNames()
    {
        HostImport import = HostImporter.FromText(Capture);
        HostDescription host = ImportAssert.Ready(import);
        Assert.Empty(import.Rejected);
        Assert.Equal(Capture.Split('\n').Length, import.Lines.Total);
        HostDescription same = ImportAssert.Ready(HostImporter.FromTree(IntelClient()));
        Assert.Equal(same.Units, host.Units);
        Assert.Equal(same.Groups.Select(g => (g.Id, g.Type, string.Join(';', g.ReservedRegions))), host.Groups.Select(g => (g.Id, g.Type, string.Join(';', g.ReservedRegions))));
        Assert.Equal(same.Devices, host.Devices.Select(d => d.Address == "0000:01:00.0" ? d with { Name = "" } : d));
        Assert.Equal("NVIDIA Corporation GP104 [GeForce GTX 1080]", host.Devices[2].Name);
    }

    [Fact]
    public void FromText_CaptureWithBadLines_CountsEachLineOnce()
    {
        string text = Capture.Replace("\n", "\r\n", StringComparison.Ordinal)
            + "\r\nrubbish\r\n/sys/kernel/iommu_groups/1/type:DMA\r\n/sys/kernel/iommu_groups/1/devices/MSFT0101:00\r\n\r\n/sys/kernel/iommu_groups/1/reserved_regions:0x9 0x1 msi";
        HostImport import = HostImporter.FromText(text);
        ImportAssert.Ready(import);
        Assert.Equal(4, import.RejectedLines);
        Assert.Equal(4, import.Rejected.Count);
        int first = Capture.Split('\n').Length + 1;
        Assert.Equal([first, first + 1, first + 2, first + 4], import.Rejected.Select(r => r.Line));
        Assert.Equal(first + 4, import.Lines.Total);
    }

    [Fact]
    public void FromText_CaptureWithADeviceTwice_MakesNoHost()
    {
        HostImport import = HostImporter.FromText(Capture + "\n/sys/kernel/iommu_groups/4/devices/0000:01:00.0\n/sys/kernel/iommu_groups/1/devices/0000:01:00.0");
        ImportAssert.Whole(import);
        Assert.Equal(2, import.Errors.Count);
        Assert.Equal(Capture.Split('\n').Length + 2, import.Lines.Total);
    }

    internal const string Capture =
        """
        /sys/kernel/iommu_groups/0/type:identity
        /sys/kernel/iommu_groups/1/type:DMA-FQ
        /sys/kernel/iommu_groups/0/reserved_regions:0x000000008b800000 0x000000008fffffff direct-relaxable
        /sys/kernel/iommu_groups/0/reserved_regions:0x00000000fee00000 0x00000000feefffff msi
        /sys/kernel/iommu_groups/1/reserved_regions:0x00000000fee00000 0x00000000feefffff msi
        /sys/class/iommu/dmar0/intel-iommu/address:fed90000
        /sys/class/iommu/dmar0/intel-iommu/cap:1c0000c40660462
        /sys/class/iommu/dmar0/intel-iommu/ecap:19e2ff0505e
        /sys/class/iommu/dmar1/intel-iommu/cap:d2008c40660462
        /sys/class/iommu/dmar1/intel-iommu/ecap:f050da
        /sys/bus/pci/devices/0000:00:00.0/vendor:0x8086
        /sys/bus/pci/devices/0000:00:02.0/vendor:0x8086
        /sys/bus/pci/devices/0000:01:00.0/vendor:0x10de
        /sys/bus/pci/devices/0000:00:00.0/device:0x3ec2
        /sys/bus/pci/devices/0000:00:02.0/device:0x3e92
        /sys/bus/pci/devices/0000:01:00.0/device:0x1b80
        /sys/bus/pci/devices/0000:00:00.0/class:0x060000
        /sys/bus/pci/devices/0000:00:02.0/class:0x030000
        /sys/bus/pci/devices/0000:01:00.0/class:0x030000
        /sys/bus/pci/devices/0000:00:00.0/revision:0x07
        /sys/bus/pci/devices/0000:00:02.0/revision:0x02
        /sys/bus/pci/devices/0000:01:00.0/revision:0xa1
        /sys/class/iommu/dmar0/devices/0000:00:02.0
        /sys/class/iommu/dmar1/devices/0000:00:00.0
        /sys/class/iommu/dmar1/devices/0000:01:00.0
        /sys/kernel/iommu_groups/0/devices/0000:00:02.0
        /sys/kernel/iommu_groups/1/devices/0000:00:00.0
        /sys/kernel/iommu_groups/1/devices/0000:01:00.0
        0000:01:00.0 VGA compatible controller [0300]: NVIDIA Corporation GP104 [GeForce GTX 1080] [10de:1b80] (rev a1)
        """;

    private static FakeSysTree IntelClient()
    {
        FakeSysTree tree = new FakeSysTree()
            .Device("0000:00:02.0", 0, "0x8086", "0x3e92", "0x030000", "0x02")
            .Device("0000:00:00.0", 1, "0x8086", "0x3ec2", "0x060000", "0x07")
            .Device("0000:01:00.0", 1, "0x10de", "0x1b80", "0x030000", "0xa1");
        tree["kernel/iommu_groups/0/type"] = "identity\n";
        tree["kernel/iommu_groups/0/reserved_regions"] = "0x000000008b800000 0x000000008fffffff direct-relaxable\n0x00000000fee00000 0x00000000feefffff msi\n";
        tree["class/iommu/dmar0/intel-iommu/cap"] = "1c0000c40660462\n";
        tree["class/iommu/dmar0/intel-iommu/ecap"] = "19e2ff0505e\n";
        tree["class/iommu/dmar0/devices/0000:00:02.0/"] = "";
        tree["class/iommu/dmar1/intel-iommu/cap"] = "d2008c40660462\n";
        tree["class/iommu/dmar1/intel-iommu/ecap"] = "f050da\n";
        tree["class/iommu/dmar1/devices/0000:00:00.0/"] = "";
        tree["class/iommu/dmar1/devices/0000:01:00.0/"] = "";
        return tree;
    }
}
