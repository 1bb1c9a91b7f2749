using System.Text;

using Microsoft.Playwright;

namespace IommuDash.E2E;

public sealed class HostsTests(DashboardFixture dashboard)
{
    private const string Listing = "IOMMU Group 3 02:00.0 Ethernet controller [0200]: Aquantia Corp. AQC107 [1d6a:07b1] (rev 02)\nthis line means nothing\nIOMMU Group 4 03:00.0 Non-Volatile memory controller [0108]: Samsung Electronics Co Ltd NVMe SSD Controller SM981 [144d:a808]\n";

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Listing_VendorUnknownAndALineNotUnderstood_IsAskedAboutAndShown(ColorScheme scheme)
    {
        await using BrowserPage tab = await dashboard.OpenAsync("/", scheme);
        IPage page = tab.Page;
        ILocator create = page.GetByRole(AriaRole.Button, new() { Name = "Create host" });
        await page.GetByLabel("Listing", new() { Exact = true }).FillAsync(Listing);
        await Assertions.Expect(page.GetByText("2 devices · 2 groups")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Row).Filter(new() { HasText = "this line means nothing" })).ToContainTextAsync("2");
        await Assertions.Expect(create).ToBeDisabledAsync();
        await page.GetByRole(AriaRole.Group, new() { Name = "Which IOMMU does this machine have?" }).GetByLabel("Amd").CheckAsync();
        await Assertions.Expect(page.GetByText("1 unit (ivhd0)")).ToBeVisibleAsync();
        await create.ScrollIntoViewIfNeededAsync();
        await tab.PictureAsync($"hosts-import-{scheme}");
        Assert.Empty(await tab.AccessibilityFaultsAsync());
        await create.ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Treeitem).Filter(new() { HasText = "AQC107" })).ToBeVisibleAsync();
        await tab.PictureAsync($"topology-{scheme}");
        Assert.Empty(await tab.AccessibilityFaultsAsync());
    }

    [Fact]
    public async Task File_ChosenOrTooLarge_IsReadOrRefusedWithItsSize()
    {
        await using BrowserPage tab = await dashboard.OpenAsync();
        IPage page = tab.Page;
        ILocator picker = page.Locator("#listing-file");
        await picker.SetInputFilesAsync(new FilePayload { Name = "host.txt", MimeType = "text/plain", Buffer = Encoding.UTF8.GetBytes(Listing) });
        await Assertions.Expect(page.GetByText("2 devices · 2 groups")).ToBeVisibleAsync();
        await picker.SetInputFilesAsync(new FilePayload { Name = "big.txt", MimeType = "text/plain", Buffer = new byte[(1 << 20) + 1] });
        await Assertions.Expect(page.GetByText("This text has 1,048,577 bytes; an import may have 1,048,576.")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Button, new() { Name = "Create host" })).ToBeDisabledAsync();
    }

    [Fact]
    public async Task Workspace_CreatedAndDeletedElsewhere_ComesAndGoesInTheListAndOnItsPage()
    {
        await using BrowserPage watcher = await dashboard.OpenAsync();
        await using BrowserPage owner = await dashboard.OpenAsync();
        await owner.Page.GetByRole(AriaRole.Button, new() { Name = "Open Intel client" }).ClickAsync();
        await Assertions.Expect(owner.Page.GetByRole(AriaRole.Treeitem).First).ToBeVisibleAsync();
        string id = owner.Page.Url.Split('/')[4];
        ILocator row = watcher.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = id });
        await Assertions.Expect(row).ToContainTextAsync("of 22");
        await owner.Page.GetByRole(AriaRole.Button, new() { Name = "New IOAS" }).First.ClickAsync();
        await Assertions.Expect(row.GetByRole(AriaRole.Cell).Nth(0)).ToHaveTextAsync("2");
        await Assertions.Expect(row.Locator(".watchers")).ToHaveTextAsync("1");
        await watcher.PictureAsync("hosts-list");
        await row.GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        Assert.Empty(await watcher.AccessibilityFaultsAsync());
        await watcher.Page.GetByRole(AriaRole.Button, new() { Name = "Delete for good" }).ClickAsync();
        await Assertions.Expect(row).ToHaveCountAsync(0);
        await Assertions.Expect(owner.Page.GetByText("This host was deleted")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task FourThousandDevices_Imported_AreATreeOneCanJumpThrough()
    {
        var listing = new StringBuilder("IOMMU Group 0 00:00.0 Host bridge [0600]: Intel Corporation Device [8086:3ec2]\n");
        for (int i = 1; i < 4_096; i++)
            listing.Append($"IOMMU Group {i} {i >> 8:x4}:{(i & 0xff):x2}:00.0 Ethernet controller [0200]: Intel Corporation Device {i} [8086:15bc]\n");
        await using BrowserPage tab = await dashboard.OpenAsync();
        IPage page = tab.Page;
        await page.Locator("#listing-file").SetInputFilesAsync(new FilePayload { Name = "host.txt", MimeType = "text/plain", Buffer = Encoding.UTF8.GetBytes(listing.ToString()) });
        await Assertions.Expect(page.GetByText("4,096 devices")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Create host" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Treeitem).First).ToBeVisibleAsync();
        Assert.InRange(await page.GetByRole(AriaRole.Treeitem).CountAsync(), 10, 100);
        await page.GetByRole(AriaRole.Tree).FocusAsync();
        await page.Keyboard.PressAsync("End");
        await Assertions.Expect(page.GetByRole(AriaRole.Treeitem, new() { Selected = true })).ToContainTextAsync("Device 4095");
        await page.GetByLabel("Filter devices").FillAsync("group:77 ");
        await Assertions.Expect(page.GetByRole(AriaRole.Treeitem).Nth(2)).ToContainTextAsync("Device 77");
    }
}
