using System.Text.Json;
using System.Text.RegularExpressions;

using Microsoft.Playwright;

namespace IommuDash.E2E;

public sealed class DomainsAndPinnedPagesTests(DashboardFixture dashboard)
{
    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Domains_TwoOfOneIoas_WalkAndChoosePartsWithoutFaults(ColorScheme scheme)
    {
        await using BrowserPage tab = await dashboard.OpenAsync("/", scheme);
        string id = await StartAsync(tab.Page);
        IPage page = tab.Page;
        await tab.GoToAsync($"/w/{id}/domains");
        await Assertions.Expect(page.GetByText("dmar0's 39-bit table (hwpt 3) and dmar0's 39-bit table (hwpt 4) end the IOAS at 0x7f_ffff_ffff")).ToBeVisibleAsync();
        await page.GetByLabel("What if this device attached").SelectOptionAsync("0000:00:14.0");
        await Assertions.Expect(page.GetByText("It is not bound yet")).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator(".chart .bars .point").First).ToBeAttachedAsync();
        await tab.PictureAsync($"domains-apertures-{scheme}");
        Assert.Empty(await tab.AccessibilityFaultsAsync());

        await page.GetByRole(AriaRole.Tab, new() { Name = "Page table" }).ClickAsync();
        await page.GetByLabel("Walk this IOVA").FillAsync("0x201234");
        await Assertions.Expect(page.Locator(".walk-outcome")).ToContainTextAsync("0x20_1234 leads to");
        await page.GetByLabel("Walk this IOVA").FillAsync("0x7000000000");
        await Assertions.Expect(page.Locator(".walk-outcome")).ToContainTextAsync("Not mapped: the walk ends at level 2, where entry 448 is empty.");
        await page.GetByLabel("Walk this IOVA").FillAsync("0x8201000");
        await Assertions.Expect(page.Locator(".miller-column")).ToHaveCountAsync(3);
        ILocator leaves = page.Locator("canvas.entry-map").Nth(2);
        await Assertions.Expect(leaves).ToHaveAttributeAsync("data-chosen", "1");
        await leaves.FocusAsync();
        await page.Keyboard.PressAsync("ArrowRight");
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("path=0\\.65\\.2"));
        await Assertions.Expect(page.Locator(".entry-bits")).ToContainTextAsync("level 0 · entry 2");
        await tab.PictureAsync($"domains-table-{scheme}");
        Assert.Empty(await tab.AccessibilityFaultsAsync());

        string before = await page.Locator("main").InnerTextAsync();
        await page.ReloadAsync();
        await Assertions.Expect(page.Locator(".entry-bits")).ToContainTextAsync("level 0 · entry 2");
        Assert.Equal(before, await page.Locator("main").InnerTextAsync());
    }

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Tree_ZoomedIntoByKey_OpensItsTablesAndShowsWhatIsMappedMeanwhile(ColorScheme scheme)
    {
        await using BrowserPage tab = await dashboard.OpenAsync("/", scheme);
        string id = await StartAsync(tab.Page);
        IPage page = tab.Page;
        await tab.GoToAsync($"/w/{id}/domains?tab=table&beside=4&at=0x0&bits=39");
        ILocator tree = page.Locator("canvas.tree-map");
        await Assertions.Expect(tree).ToHaveAttributeAsync("data-window", "0x0/39");
        await Assertions.Expect(page.Locator(".miller-column")).ToHaveCountAsync(4);
        await tree.FocusAsync();
        await Assertions.Expect(page.Locator("#tree-pointed")).ToContainTextAsync("level 2 table at");
        await page.Keyboard.PressAsync("ArrowDown");
        await Assertions.Expect(page.Locator("#tree-pointed")).ToContainTextAsync("0x0000 – 0x3fff_ffff: ");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(tree).ToHaveAttributeAsync("data-window", "0x0/30");
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("path=0&"));
        await page.Keyboard.PressAsync("ArrowDown");
        await Assertions.Expect(page.Locator("#tree-pointed")).ToContainTextAsync("2 MiB page at 0x0020_0000 – 0x003f_ffff");

        string version = await tree.GetAttributeAsync("data-version") ?? "";
        await RunAsync(page, id, new { op = "ioas.map", ioas = 1, iova = "0x20000000", userAddress = "0x7f5a40000000", length = "0x200000", readable = true, writeable = true });
        await Assertions.Expect(tree).Not.ToHaveAttributeAsync("data-version", version);
        await tab.PictureAsync($"domains-tree-{scheme}");
        Assert.Empty(await tab.AccessibilityFaultsAsync());

        await page.Keyboard.PressAsync("t");
        await Assertions.Expect(page.GetByRole(AriaRole.Region, new() { Name = "The whole tree" }).GetByRole(AriaRole.Cell, new() { Name = "0x2000_0000" })).ToBeVisibleAsync();
        Assert.Empty(await tab.AccessibilityFaultsAsync());
        await page.GetByRole(AriaRole.Button, new() { Name = "whole table, 512 GiB" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("at=0x0&bits=39"));
    }

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Frames_MappedByAnotherUser_AppearOnTheMapAndNameTheirHolders(ColorScheme scheme)
    {
        await using BrowserPage tab = await dashboard.OpenAsync("/", scheme);
        string id = await StartAsync(tab.Page);
        IPage page = tab.Page;
        await tab.GoToAsync($"/w/{id}/pages");
        ILocator map = page.Locator("canvas.frame-map");
        await Assertions.Expect(map).ToHaveAttributeAsync("data-pinned", "6144");
        await RunAsync(page, id, new { op = "ioas.map", ioas = 1, userAddress = "0x7f5a78000000", length = "0x200000", readable = true, writeable = true });
        await Assertions.Expect(map).ToHaveAttributeAsync("data-pinned", "6656");
        await Assertions.Expect(page.GetByText("6,656 frames pinned")).ToBeVisibleAsync();

        await map.FocusAsync();
        while (!await page.GetByText("a cell is one frame").IsVisibleAsync())
        {
            string scale = await page.Locator(".panel-bar .muted").InnerTextAsync();
            await page.Keyboard.PressAsync("+");
            await Assertions.Expect(page.Locator(".panel-bar .muted")).Not.ToHaveTextAsync(scale);
        }
        await page.Keyboard.PressAsync("ArrowRight");
        await Assertions.Expect(page.Locator("#frame-pointed")).ToContainTextAsync("pinned once");
        await page.Keyboard.PressAsync("Enter");
        ILocator detail = page.GetByRole(AriaRole.Region, new() { Name = "Who holds the frame" });
        await Assertions.Expect(detail).ToContainTextAsync("qemu-system-x86");
        await Assertions.Expect(detail.GetByRole(AriaRole.Link, new() { Name = "hwpt 3" })).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Complementary)).ToContainTextAsync("Frame ");
        await tab.PictureAsync($"pinned-frames-{scheme}");
        Assert.Empty(await tab.AccessibilityFaultsAsync());

        await page.Keyboard.PressAsync("t");
        await Assertions.Expect(page.GetByRole(AriaRole.Region, new() { Name = "Frames of memory" }).Locator("tr.selected")).ToHaveCountAsync(1);
        Assert.Empty(await tab.AccessibilityFaultsAsync());

        await page.GetByRole(AriaRole.Button, new() { Name = "5120" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Fit?" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Region, new() { Name = "Would this map fit" })).ToContainTextAsync("RLIMIT_MEMLOCK of process 5120 allows 2,048.");
        await page.GetByText("Set RLIMIT_MEMLOCK").ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Unlimited" }).ClickAsync();
        await Assertions.Expect(page.GetByText("It fits.")).ToBeVisibleAsync();
        await tab.PictureAsync($"pinned-process-{scheme}");
        Assert.Empty(await tab.AccessibilityFaultsAsync());
    }

    /// <summary>An Intel client with 24 MiB of huge and small pages of its first process in IOAS 1, on hw_pagetable 3 and a manual one.</summary>
    private static async Task<string> StartAsync(IPage page)
    {
        IAPIResponse made = await page.APIRequest.PostAsync("/api/workspaces", new() { DataObject = new { preset = "intel-client" } });
        string id = (await made.JsonAsync())!.Value.GetProperty("id").GetString()!;
        await RunAsync(page, id, new { op = "ioas.alloc" });
        await RunAsync(page, id, new { op = "device.bind", address = "0000:00:02.0" });
        await RunAsync(page, id, new { op = "device.attach", device = 2, pt = 1 });
        await RunAsync(page, id, new { op = "ioas.map", ioas = 1, iova = "0x200000", userAddress = "0x7f5a40000000", length = "0x1000000", readable = true, writeable = true });
        await RunAsync(page, id, new { op = "ioas.map", ioas = 1, iova = "0x8200000", userAddress = "0x7f5a79000000", length = "0x800000", readable = true, writeable = true });
        await RunAsync(page, id, new { op = "hwpt.alloc", device = 2, pt = 1 });
        return id;
    }

    private static async Task RunAsync(IPage page, string workspace, object command)
    {
        IAPIResponse answer = await page.APIRequest.PostAsync($"/api/workspaces/{workspace}/commands", new() { DataObject = command });
        JsonElement body = (await answer.JsonAsync())!.Value;
        Assert.True(body.GetProperty("errno").ValueKind == JsonValueKind.Null, body.ToString());
    }
}
