using Bunit;

using IommuDash.Engine.Hardware;
using IommuDash.Engine.Hardware.Import;
using IommuDash.Web.Components.Hosts;

namespace IommuDash.Web.Tests.Components.Hosts;

public sealed class ImportPreviewTests : ComponentTest
{
    [Fact]
    public void Listing_WithALineNotUnderstood_ShowsItsNumberTextAndReason()
    {
        IRenderedComponent<ImportPreview> preview = Draw("IOMMU Group 0 00:00.0 Host bridge [0600]: Intel Corporation Device [8086:3ec2]\nwhat is this");
        Assert.Contains("1 device · 1 group · 1 unit (dmar0)", Words(preview), StringComparison.Ordinal);
        Assert.Equal(["2", "what is this"], preview.FindAll("tbody td").Take(2).Select(cell => cell.TextContent));
    }

    [Fact]
    public void Listing_OfUnknownVendor_AsksAndTakesTheAnswer()
    {
        IommuVendor? chosen = null;
        IRenderedComponent<ImportPreview> preview = Render<ImportPreview>(parameters => parameters
            .Add(p => p.Import, HostImporter.FromText("IOMMU Group 1 01:00.0 VGA compatible controller [0300]: NVIDIA Corporation Device [10de:1b80]"))
            .Add(p => p.VendorChanged, vendor => chosen = vendor));
        Assert.Contains("Which IOMMU", preview.Find("legend").TextContent, StringComparison.Ordinal);
        preview.FindAll("label").Single(label => label.TextContent.Trim() == "Amd").QuerySelector("input")!.Change(true);
        Assert.Equal(IommuVendor.Amd, chosen);
    }

    [Fact]
    public void Listing_WithADeviceInTwoGroups_SaysThatNoHostCanBeMade()
    {
        IRenderedComponent<ImportPreview> preview = Draw("IOMMU Group 0 00:00.0 Host bridge [0600]: Intel Corporation Device [8086:3ec2]\nIOMMU Group 1 00:00.0 Host bridge [0600]: Intel Corporation Device [8086:3ec2]");
        Assert.Contains("no host can be made", preview.Find("[role=alert]").TextContent, StringComparison.Ordinal);
    }

    private IRenderedComponent<ImportPreview> Draw(string text) => Render<ImportPreview>(parameters => parameters.Add(p => p.Import, HostImporter.FromText(text)));

    private static string Words(IRenderedComponent<ImportPreview> preview) => string.Join(' ', preview.Find(".import-counts").TextContent.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
