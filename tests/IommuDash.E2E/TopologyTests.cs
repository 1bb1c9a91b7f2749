using Microsoft.Playwright;

namespace IommuDash.E2E;

public sealed class TopologyTests(DashboardFixture dashboard)
{
    private const string Nic = "0000:00:1f.6";

    [Fact]
    public async Task Device_AttachedDetachedAndUnboundByKeyboard_ShowsWhereItIs()
    {
        await using BrowserPage tab = await OpenPresetAsync("Intel client");
        IPage page = tab.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "New IOAS" }).First.ClickAsync();
        await Assertions.Expect(page.GetByText("Made IOAS 1.")).ToBeVisibleAsync();

        await page.GetByLabel("Filter devices").FillAsync("1f.6");
        await Assertions.Expect(page.GetByRole(AriaRole.Treeitem)).ToHaveCountAsync(3);
        await page.GetByRole(AriaRole.Tree).FocusAsync();
        await page.Keyboard.PressAsync("End");
        await Assertions.Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("sel=device%3A0000%3A00%3A1f.6"));
        await page.Keyboard.PressAsync("Enter");
        await tab.PictureAsync("topology-menu");
        await ChooseAsync(page, "Bind and attach to IOAS 1");
        await Assertions.Expect(page.GetByText("IOAS 1 made hw_pagetable 3 for it.")).ToBeVisibleAsync();
        await Assertions.Expect(Row(page, Nic)).ToContainTextAsync("dev 2 → auto hwpt 3 → IOAS 1");
        await Assertions.Expect(page.GetByRole(AriaRole.Complementary)).ToContainTextAsync("automatic hw_pagetable 3");
        await tab.PictureAsync("topology-attached");
        Assert.Empty(await tab.AccessibilityFaultsAsync());

        await page.GetByRole(AriaRole.Tree).FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await ChooseAsync(page, "Detach");
        await Assertions.Expect(Row(page, Nic)).ToContainTextAsync("dev 2 · not attached");
        await page.GetByRole(AriaRole.Tree).FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await ChooseAsync(page, "Unbind");
        await Assertions.Expect(Row(page, Nic)).Not.ToContainTextAsync("dev");
    }

    [Fact]
    public async Task Bridge_Chosen_SaysBeforeAndAfterTryingWhyItIsRefused()
    {
        await using BrowserPage tab = await OpenPresetAsync("Intel client");
        IPage page = tab.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "New IOAS" }).First.ClickAsync();
        await page.GetByRole(AriaRole.Treeitem).Filter(new() { HasText = "00:01.0" }).ClickAsync();
        ILocator target = page.GetByRole(AriaRole.List, new() { Name = "Attach targets" }).GetByRole(AriaRole.Listitem);
        await Assertions.Expect(target).ToContainTextAsync("EINVAL");
        await Assertions.Expect(target).ToContainTextAsync("is a PCI bridge");
        await target.GetByRole(AriaRole.Button, new() { Name = "Bind and attach to IOAS 1" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("bind.bridge");
        await tab.PictureAsync("topology-refused");
        Assert.Empty(await tab.AccessibilityFaultsAsync());
    }

    [Fact]
    public async Task Device_DraggedToATarget_IsAttachedAndDraggedBackIsUnbound()
    {
        await using BrowserPage tab = await OpenPresetAsync("AMD EPYC server");
        IPage page = tab.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "New IOAS" }).First.ClickAsync();
        ILocator device = page.Locator("[data-drag]").First;
        string address = (await device.GetAttributeAsync("data-drag"))!;
        await device.DragToAsync(page.GetByRole(AriaRole.List, new() { Name = "Attach targets" }).GetByRole(AriaRole.Listitem).First);
        await Assertions.Expect(Row(page, address)).ToContainTextAsync("auto hwpt 3 → IOAS 1");
        await Row(page, address).DragToAsync(page.GetByRole(AriaRole.Region, new() { Name = "Bound, not attached" }));
        await Assertions.Expect(Row(page, address)).ToContainTextAsync("not attached");
        await Row(page, address).DragToAsync(page.GetByRole(AriaRole.Region, new() { Name = "Host drivers" }));
        await Assertions.Expect(page.GetByText("Unbound device 2")).ToBeVisibleAsync();
        await Assertions.Expect(Row(page, address)).Not.ToContainTextAsync("not attached");
    }

    [Fact]
    public async Task View_Reloaded_IsTheSame()
    {
        await using BrowserPage tab = await OpenPresetAsync("Intel client");
        IPage page = tab.Page;
        await page.GetByRole(AriaRole.Treeitem).Filter(new() { HasText = "group 1" }).First.ClickAsync();
        await page.Keyboard.PressAsync("ArrowLeft");
        ILocator closed = page.GetByRole(AriaRole.Treeitem, new() { Expanded = false });
        await Assertions.Expect(closed).ToHaveCountAsync(1);
        string text = await closed.InnerTextAsync();
        await page.ReloadAsync();
        await Assertions.Expect(closed).ToHaveTextAsync(text, new() { UseInnerText = true });
        await Assertions.Expect(closed).ToHaveAttributeAsync("aria-selected", "true");
        await Assertions.Expect(page.GetByRole(AriaRole.Complementary).GetByRole(AriaRole.Heading, new() { Level = 2 })).ToContainTextAsync("Group");
    }

    private static ILocator Row(IPage page, string address) => page.Locator($"[id='row-device:{address}']");

    // While the menu is closing, keys still go to it.
    private static async Task ChooseAsync(IPage page, string action)
    {
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = action, Exact = true }).ClickAsync();
        await Assertions.Expect(page.Locator("dialog[open]")).ToHaveCountAsync(0);
    }

    private async Task<BrowserPage> OpenPresetAsync(string preset)
    {
        BrowserPage tab = await dashboard.OpenAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = $"Open {preset}" }).ClickAsync();
        await Assertions.Expect(tab.Page.GetByRole(AriaRole.Treeitem).First).ToBeVisibleAsync();
        return tab;
    }
}
