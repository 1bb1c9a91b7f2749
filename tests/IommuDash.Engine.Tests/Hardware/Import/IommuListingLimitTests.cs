using IommuDash.Engine.Hardware;
using IommuDash.Engine.Hardware.Import;

namespace IommuDash.Engine.Tests.Hardware.Import;

public sealed class IommuListingLimitTests
{
    private const string Bridge = "IOMMU Group 0 00:00.0 Host bridge [0600]: Intel Corporation Host Bridge [8086:3ec2] (rev 07)";
    private const string Card = "01:00.0 VGA compatible controller [0300]: NVIDIA Corporation GP104 [10de:1b80] (rev a1)";

    [Fact]
    public void FromText_LineNotUnderstood_IsReportedWithNumberTextAndReason()
    {
        HostImport import = HostImporter.FromText($"{Bridge}\n\nhello there\nIOMMU Group 1 {Card}\nIOMMU Group 2 nothing\n");
        ImportAssert.Ready(import);
        Assert.Equal([3, 5], import.Rejected.Select(r => r.Line));
        Assert.Equal(["hello there", "IOMMU Group 2 nothing"], import.Rejected.Select(r => r.Text));
        Assert.All(import.Rejected, r => Assert.NotEmpty(r.Reason));
        Assert.Equal(new LineCounts(Accepted: 2, Ignored: 1, Rejected: 2, InError: 0), import.Lines);
    }

    [Fact]
    public void FromText_HeadingNotUnderstood_LendsItsDevicesToNoOtherGroup()
    {
        HostImport import = HostImporter.FromText($"{Bridge}\nIOMMU Group: ?\n\t{Card}\n");
        HostDescription host = ImportAssert.Ready(import);
        Assert.Equal("0000:00:00.0", Assert.Single(host.Devices).Address);
        Assert.Equal([2, 3], import.Rejected.Select(r => r.Line));
    }

    [Theory]
    [InlineData("IOMMU Group 1 01:00.0 gibberish")]
    [InlineData("see 01:00.0 VGA compatible controller [0300]: NVIDIA [10de:1b80]")]
    [InlineData("IOMMU Group 1 01:20.0 VGA compatible controller [0300]: NVIDIA [10de:1b80]")]
    [InlineData("Bus 001 Device 002: ID 046d:c52b Logitech, Inc. Unifying Receiver")]
    public void FromText_DeviceLineNotUnderstood_IsReportedAndNotTaken(string line)
    {
        HostImport import = HostImporter.FromText($"{Bridge}\n{line}");
        Assert.Single(ImportAssert.Ready(import).Devices);
        Assert.Equal(2, Assert.Single(import.Rejected).Line);
    }

    [Fact]
    public void FromText_PlatformDeviceInAGroup_IsReported()
    {
        HostImport import = HostImporter.FromText($"{Bridge}\n/sys/kernel/iommu_groups/4/devices/MSFT0101:00\n");
        ImportAssert.Ready(import);
        Assert.Contains("MSFT0101", Assert.Single(import.Rejected).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void FromText_DuplicateAddress_MakesNoHost()
    {
        HostImport import = HostImporter.FromText($"{Bridge}\nIOMMU Group 1 {Card}\nIOMMU Group 1 {Card}\n");
        ImportAssert.Whole(import);
        ImportProblem error = Assert.Single(import.Errors);
        Assert.Equal(3, error.Line);
        Assert.Contains("second time, first in line 2", error.Reason, StringComparison.Ordinal);
        Assert.Null(import.Host);
    }

    [Fact]
    public void FromText_DeviceInTwoGroups_MakesNoHost()
    {
        HostImport import = HostImporter.FromText($"{Bridge}\nIOMMU Group 1:\n{Card}\nIOMMU Group 2:\n{Card}\n/sys/kernel/iommu_groups/3/devices/0000:01:00.0");
        ImportAssert.Whole(import);
        Assert.Equal([5, 6], import.Errors.Select(e => e.Line));
        Assert.All(import.Errors, e => Assert.Contains("in group 1 in line 3", e.Reason, StringComparison.Ordinal));
        Assert.Null(import.Host);
    }

    [Fact]
    public void FromText_BinaryRubbish_IsAnErrorPerLineAndNoHost()
    {
        HostImport import = HostImporter.FromText($"{Bridge}\nIOMMU Group 1 \u0000\u0001\u0002\n\u007fELF\u0002\n");
        ImportAssert.Whole(import);
        Assert.Equal([2, 3], import.Errors.Select(e => e.Line));
        Assert.All(import.Errors, e => Assert.DoesNotContain(e.Text, char.IsControl));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n\n\n")]
    [InlineData("no devices here\nnor here")]
    [InlineData("IOMMU Group 1:\nIOMMU Group 2:\n")]
    public void FromText_NoDevice_IsAnError(string text)
    {
        HostImport import = HostImporter.FromText(text);
        ImportAssert.Whole(import);
        Assert.Contains("No PCI device", Assert.Single(import.Errors).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(64, 0)]
    [InlineData(63, 1)]
    public void FromText_TextAtTheLimit_IsReadAndBeyondRefused(int limit, int errors)
    {
        string text = "Group 1 00:00.0 Host bridge [0600]: ".PadRight(50, 'é')[..50];
        text = text.PadRight(50 + 14 - (System.Text.Encoding.UTF8.GetByteCount(text) - 50), 'x');
        Assert.Equal(64, System.Text.Encoding.UTF8.GetByteCount(text));
        HostImport import = HostImporter.FromText(text, new ImportChoices { Vendor = IommuVendor.Intel }, new ImportOptions { MaxTextBytes = limit });
        ImportAssert.Whole(import);
        Assert.Equal(errors, import.Errors.Count(e => e.Reason.Contains("63 bytes", StringComparison.Ordinal)));
        Assert.Equal(errors == 0, import.Host is not null);
    }

    [Theory]
    [InlineData(4096, true)]
    [InlineData(4097, false)]
    public void FromText_DevicesAtTheLimit_AreReadAndBeyondRefused(int devices, bool ready)
    {
        var text = new System.Text.StringBuilder();
        for (int i = 0; i < devices; i++)
            text.Append("Group ").Append(i).Append(' ').Append(new PciAddress(0, (byte)(i >> 8), (byte)(i >> 3 & 31), (byte)(i & 7))).Append(" 0600: 8086:3ec2\n");
        HostImport import = HostImporter.FromText(text.ToString());
        ImportAssert.Whole(import);
        Assert.Equal(ready, import.Host is not null);
        Assert.Equal(devices, import.Lines.Total);
        if (!ready)
            Assert.Contains("4,096", Assert.Single(import.Errors).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void FromText_ManyBadLines_ReportsTheFirstAndCountsAll()
    {
        HostImport import = HostImporter.FromText(Bridge + string.Concat(Enumerable.Repeat("\nrubbish", 500)), options: new ImportOptions { MaxReportedLines = 10 });
        ImportAssert.Ready(import);
        Assert.Equal(500, import.RejectedLines);
        Assert.Equal(Enumerable.Range(2, 10), import.Rejected.Select(r => r.Line));
    }

    [Fact]
    public void FromText_LongLine_IsRejectedAndShownCut()
    {
        HostImport import = HostImporter.FromText($"{Bridge}\n{new string('a', 5000)}");
        ImportAssert.Ready(import);
        ImportProblem problem = Assert.Single(import.Rejected);
        Assert.Equal(121, problem.Text.Length);
        Assert.Contains("4,096", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void FromText_GroupNumberOutOfRange_IsRejected()
    {
        HostImport import = HostImporter.FromText($"{Bridge}\nIOMMU Group 4000000000 {Card}");
        ImportAssert.Ready(import);
        Assert.Contains("group number", Assert.Single(import.Rejected).Reason, StringComparison.Ordinal);
    }
}
