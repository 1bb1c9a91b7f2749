using System.Text.RegularExpressions;

using Microsoft.Playwright;

namespace IommuDash.E2E;

/// <summary>The way of a newcomer, from the listing of their machine to memory that is mapped, pinned and seen by a second reader.</summary>
public sealed partial class FirstWholeTests(DashboardFixture dashboard)
{
    private const string Listing = """
        IOMMU Group 0 00:00.0 Host bridge [0600]: Intel Corporation 8th Gen Core Processor Host Bridge/DRAM Registers [8086:3ec2] (rev 07)
        IOMMU Group 1 00:1f.6 Ethernet controller [0200]: Intel Corporation Ethernet Connection (7) I219-V [8086:15bc] (rev 10)
        IOMMU Group 2 01:00.0 VGA compatible controller [0300]: NVIDIA Corporation GP104 [GeForce GTX 1080] [10de:1b80] (rev a1)
        IOMMU Group 2 01:00.1 Audio device [0403]: NVIDIA Corporation GP104 High Definition Audio Controller [10de:10f0] (rev a1)
        """;

    // 4 KiB pages of the first process that an imported host starts with.
    private const string UserAddress = "0x7f5a_6000_0000";

    [Fact]
    public async Task PastedHost_AttachedAndMapped_ShowsOnEveryPageAndInASecondBrowser()
    {
        await using BrowserPage tab = await dashboard.OpenAsync();
        IPage page = tab.Page;
        string workspace = await ImportAsync(page);

        // Attach.
        await page.GetByRole(AriaRole.Button, new() { Name = "New IOAS" }).First.ClickAsync();
        await page.GetByRole(AriaRole.Treeitem).Filter(new() { HasText = "1f.6" }).ClickAsync();
        await page.GetByRole(AriaRole.List, new() { Name = "Attach targets" }).GetByRole(AriaRole.Button, new() { Name = "Bind and attach to IOAS 1" }).ClickAsync();
        await Assertions.Expect(page.GetByText("IOAS 1 made hw_pagetable 3 for it.")).ToBeVisibleAsync();

        // A second reader looks at the same address space before anything is in it.
        await using BrowserPage other = await dashboard.OpenAsync($"/w/{workspace}/ioas");
        await Assertions.Expect(other.Page.GetByText("0 areas").First).ToBeAttachedAsync();

        // Map 64 KiB at a fixed IOVA.
        await OpenPageAsync(page, "IOAS");
        await MapAsync(page, "0x10_0000", "64K");
        await Assertions.Expect(page.GetByText("ioas.map done")).ToBeVisibleAsync();
        await tab.PictureAsync("first-mapped");

        // All pages show it, and so does the other browser, which did nothing.
        await Assertions.Expect(AreaRow(page)).ToContainTextAsync("64 KiB");
        await Assertions.Expect(AreaRow(other.Page)).ToContainTextAsync("64 KiB");
        await OpenPageAsync(other.Page, "Domains");
        await Assertions.Expect(other.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "3 auto" })).ToContainTextAsync("16 × 4 KiB");
        await other.PictureAsync("first-domains");
        await OpenPageAsync(other.Page, "Pinned pages");
        await Assertions.Expect(other.Page.GetByText("frames pinned, 64 KiB")).ToBeVisibleAsync();
        await other.PictureAsync("first-pages");
        await OpenPageAsync(other.Page, "Events");
        await Assertions.Expect(other.Page.GetByRole(AriaRole.Link, new() { Name = "IOAS 1: area mapped" })).ToBeVisibleAsync();
        await OpenPageAsync(other.Page, "Topology");
        await Assertions.Expect(other.Page.GetByRole(AriaRole.Treeitem).Filter(new() { HasText = "1f.6" })).ToContainTextAsync("IOAS 1");

        // An overlapping map says EEXIST, and the area in its way lights up.
        await WaitForFrameAsync(page, lit: false);
        await MapAsync(page, "0x10_8000", "64K");
        ILocator refusal = page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "EEXIST" });
        await Assertions.Expect(refusal).ToContainTextAsync("map.fixed.area");
        await refusal.GetByRole(AriaRole.Button, new() { NameRegex = AreaChip() }).ClickAsync();
        await WaitForFrameAsync(page, lit: true);
        await tab.PictureAsync("first-refused");
        await OpenPageAsync(other.Page, "Events");
        await Assertions.Expect(other.Page.GetByRole(AriaRole.Row).Nth(1)).ToContainTextAsync("EEXIST");

        // A reload comes back to the same view.
        await AreaRow(page).GetByRole(AriaRole.Button).First.ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(SelectedArea());
        string url = page.Url;
        await page.ReloadAsync();
        await Assertions.Expect(AreaRow(page).GetByRole(AriaRole.Button).First).ToHaveAttributeAsync("aria-pressed", "true");
        Assert.Equal(url, page.Url);
    }

    private static async Task<string> ImportAsync(IPage page)
    {
        await page.GetByLabel("Listing", new() { Exact = true }).FillAsync(Listing);
        await Assertions.Expect(page.GetByText("4 devices · 3 groups")).ToBeVisibleAsync();
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("My desktop");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create host" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(TopologyUrl());
        await Assertions.Expect(page.GetByRole(AriaRole.Banner)).ToContainTextAsync("My desktop");
        return TopologyUrl().Match(page.Url).Groups[1].Value;
    }

    private static Task OpenPageAsync(IPage page, string title) => page.GetByRole(AriaRole.Navigation, new() { Name = "Pages" }).GetByRole(AriaRole.Link, new() { NameRegex = new Regex("^" + title) }).ClickAsync();

    private static async Task MapAsync(IPage page, string iova, string length)
    {
        ILocator form = page.GetByRole(AriaRole.Region, new() { Name = "Calls" });
        await form.Locator("[name=user-address]").FillAsync(UserAddress);
        await form.Locator("[name=map-length]").FillAsync(length);
        await form.Locator("[name=map-iova]").FillAsync(iova);
        await Assertions.Expect(form.Locator("[name=map-fixed]")).ToBeCheckedAsync();
        await form.GetByRole(AriaRole.Button, new() { Name = "Map", Exact = true }).ClickAsync();
    }

    private static ILocator AreaRow(IPage page) => page.GetByRole(AriaRole.Region, new() { Name = "Areas", Exact = true }).GetByRole(AriaRole.Row).Filter(new() { HasText = "0x0010_0000" });

    /// <summary>Waits until something on the map is, or nothing is, framed from top to bottom as what stands in a call's way is.</summary>
    private static async Task WaitForFrameAsync(IPage page, bool lit)
    {
        Task found = page.Locator(".address-map canvas").First.EvaluateAsync("""
            (canvas, lit) => new Promise(resolve => {
              const tall = 40 * devicePixelRatio;
              const framed = () => {
                const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                for (let x = 0; x < width; x++) {
                  for (let y = 0, run = 0; y < height; y++) {
                    const at = 4 * (y * width + x);
                    run = data[at + 3] > 0xf0 && Math.max(data[at], data[at + 1], data[at + 2]) < 0x30 ? run + 1 : 0;
                    if (run >= tall) return true;
                  }
                }
                return false;
              };
              const look = () => framed() === lit ? resolve() : requestAnimationFrame(look);
              look();
            })
            """, lit);
        await found.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [GeneratedRegex("/w/([0-9a-z]+)/topology")]
    private static partial Regex TopologyUrl();

    [GeneratedRegex("^area 0x0010_0000")]
    private static partial Regex AreaChip();

    [GeneratedRegex("sel=area%3A1%2F0x100000")]
    private static partial Regex SelectedArea();
}
