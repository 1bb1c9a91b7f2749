using Microsoft.Playwright;

namespace IommuDash.E2E;

public sealed class ShellTests(DashboardFixture dashboard)
{
    [Fact]
    public async Task Hosts_Opened_BecomesInteractive()
    {
        await using BrowserPage tab = await dashboard.OpenAsync();
        await Assertions.Expect(tab.Page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = "Hosts", Level = 1 })).ToBeVisibleAsync();
    }

    [Theory]
    [InlineData("/", ColorScheme.Light)]
    [InlineData("/", ColorScheme.Dark)]
    [InlineData("/controls", ColorScheme.Light)]
    [InlineData("/controls", ColorScheme.Dark)]
    public async Task Page_InEitherTheme_HasNoAccessibilityFaults(string path, ColorScheme scheme)
    {
        await using BrowserPage tab = await dashboard.OpenAsync(path, scheme);
        await tab.PictureAsync($"page{path.Replace('/', '-')}-{scheme}");
        Assert.Empty(await tab.AccessibilityFaultsAsync());
    }

    [Fact]
    public async Task Controls_UsedByHand_Answer()
    {
        await using BrowserPage tab = await dashboard.OpenAsync("/controls");
        IPage page = tab.Page;
        await page.GetByLabel("IOVA").FillAsync("2M");
        await Assertions.Expect(page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "0x0020_0000" })).ToBeVisibleAsync();
        await page.GetByLabel("IOVA").FillAsync("fed0");
        await Assertions.Expect(page.GetByText("Hex starts with 0x: 0xfed0.")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByLabel("IOVA")).ToHaveValueAsync("fed0");

        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "area 0x0001_0000_0000 – 0x…_ffff" }).ClickAsync();
        await Assertions.Expect(page.GetByText("The page would light up")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "One more" }).ClickAsync();
        await Assertions.Expect(page.GetByText("84,211")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Select area 7" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Complementary).GetByRole(AriaRole.Heading, new LocatorGetByRoleOptions { Name = "Area 7" })).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator(".chart .bars .point")).ToHaveCountAsync(3);
        await tab.PictureAsync("controls-used");
    }

    [Fact]
    public async Task Address_Clicked_IsOnTheClipboard()
    {
        await using BrowserPage tab = await dashboard.OpenAsync("/controls");
        await tab.Page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        await tab.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "0x…_fee0_0000" }).ClickAsync();
        await Assertions.Expect(tab.Page.GetByText("Copied")).ToBeVisibleAsync();
        Assert.Equal("0xffff_8000_fee0_0000", await tab.Page.EvaluateAsync<string>("navigator.clipboard.readText()"));
    }

    [Fact]
    public async Task Theme_ToggledThenReloaded_IsRememberedAndRedrawsCharts()
    {
        await using BrowserPage tab = await dashboard.OpenAsync("/controls");
        ILocator bar = tab.Page.Locator(".chart .bars .point path").First;
        string light = await bar.EvaluateAsync<string>("bar => getComputedStyle(bar).fill");
        await tab.Page.Keyboard.PressAsync("d"); // system → light
        await tab.Page.Keyboard.PressAsync("d"); // light → dark
        await Assertions.Expect(tab.Page.Locator("html")).ToHaveAttributeAsync("data-theme", "dark");
        await Assertions.Expect(bar).Not.ToHaveCSSAsync("fill", light);
        await tab.GoToAsync("/controls");
        await Assertions.Expect(tab.Page.Locator("html")).ToHaveAttributeAsync("data-theme", "dark");
        await Assertions.Expect(tab.Page.Locator("body")).ToHaveCSSAsync("background-color", "rgb(20, 24, 28)");
    }

    [Fact]
    public async Task Projector_SwitchedOn_EnlargesTypeByAQuarter()
    {
        await using BrowserPage tab = await dashboard.OpenAsync();
        await tab.Page.Keyboard.PressAsync("j");
        await Assertions.Expect(tab.Page.Locator("html")).ToHaveCSSAsync("font-size", "20px");
        await tab.PictureAsync("projector");
    }

    [Fact]
    public async Task Palette_OnAnyPageOfAHost_FindsADeviceByItsAddress()
    {
        await using BrowserPage tab = await dashboard.OpenAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Open Intel client" }).ClickAsync();
        await Assertions.Expect(tab.Page.GetByRole(AriaRole.Treeitem).First).ToBeVisibleAsync();
        await tab.Page.Keyboard.PressAsync("6");
        await Assertions.Expect(tab.Page.GetByRole(AriaRole.Heading, new() { Name = "Events" })).ToBeVisibleAsync();
        await tab.Page.Keyboard.PressAsync("Control+k");
        ILocator field = tab.Page.GetByRole(AriaRole.Combobox, new() { Name = "Search pages, objects and actions" });
        await field.FillAsync("01:00.1");
        await Assertions.Expect(tab.Page.Locator("#palette-list [role=option]")).ToHaveCountAsync(1);
        await field.PressAsync("Enter");
        await Assertions.Expect(tab.Page.GetByLabel("Inspector")).ToContainTextAsync("0000:01:00.1");
    }

    [Fact]
    public async Task Palette_TypedAndEntered_RunsTheEntry()
    {
        await using BrowserPage tab = await dashboard.OpenAsync();
        await tab.Page.Keyboard.PressAsync("Control+k");
        ILocator field = tab.Page.GetByRole(AriaRole.Combobox);
        await Assertions.Expect(field).ToBeFocusedAsync();
        await field.FillAsync("list keys");
        await Assertions.Expect(tab.Page.GetByRole(AriaRole.Option)).ToHaveCountAsync(1);
        await tab.PictureAsync("palette");
        Assert.Empty(await tab.AccessibilityFaultsAsync());
        await field.PressAsync("Enter");
        await Assertions.Expect(tab.Page.GetByRole(AriaRole.Dialog, new PageGetByRoleOptions { Name = "Keys" })).ToBeVisibleAsync();
        await tab.PictureAsync("keys");
        Assert.Empty(await tab.AccessibilityFaultsAsync());
        await tab.Page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(tab.Page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        await tab.Page.Keyboard.PressAsync("Shift+?");
        await Assertions.Expect(tab.Page.GetByRole(AriaRole.Dialog, new PageGetByRoleOptions { Name = "Keys" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Lamp_WorkspaceLive_SaysVersionAndDelay()
    {
        await using BrowserPage tab = await dashboard.OpenAsync("/controls");
        await Assertions.Expect(tab.Page.Locator("[data-lamp]")).ToHaveTextAsync("live · v18,204 · 42 ms", new LocatorAssertionsToHaveTextOptions { UseInnerText = true });
        await tab.Page.Keyboard.PressAsync("p");
        await Assertions.Expect(tab.Page.Locator("[data-lamp]")).ToHaveTextAsync("paused · v18,204", new LocatorAssertionsToHaveTextOptions { UseInnerText = true });
    }
}
