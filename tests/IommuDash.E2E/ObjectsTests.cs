using System.Text.Json;
using System.Text.RegularExpressions;

using Microsoft.Playwright;

namespace IommuDash.E2E;

public sealed class ObjectsTests(DashboardFixture dashboard)
{
    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Graph_SelectedAndDestroyRefused_LightsTheHoldersAndGivesTheReason(ColorScheme scheme)
    {
        await using BrowserPage tab = await dashboard.OpenAsync("/", scheme);
        IPage page = tab.Page;
        IAPIResponse made = await page.APIRequest.PostAsync("/api/workspaces", new() { DataObject = new { preset = "intel-client" } });
        string id = (await made.JsonAsync())!.Value.GetProperty("id").GetString()!;
        await RunAsync(page, id, new { op = "ioas.alloc" });
        await tab.GoToAsync($"/w/{id}/objects");
        await Assertions.Expect(Box(page, "IOAS 1")).ToBeVisibleAsync();
        await RunAsync(page, id, new { op = "device.bind", address = "0000:00:02.0" });
        await RunAsync(page, id, new { op = "device.attach", device = 2, pt = 1 });
        await RunAsync(page, id, new { op = "device.bind", address = "0000:00:1f.6" });
        await RunAsync(page, id, new { op = "device.attach", device = 4, pt = 1 });
        await RunAsync(page, id, new { op = "access.create", ioas = 1 });
        await RunAsync(page, id, new { op = "hwpt.alloc", device = 4, pt = 1 });
        await Assertions.Expect(page.Locator("g[role=button]")).ToHaveCountAsync(6);
        await tab.PictureAsync($"objects-{scheme}");

        await page.Locator("g[role=button][tabindex='0']").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("sel=ioas%3A1"));
        await Assertions.Expect(page.Locator("g.blocks")).ToHaveCountAsync(3);
        await page.GetByRole(AriaRole.Complementary).GetByRole(AriaRole.Button, new() { Name = "Destroy" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("destroy.users");
        await tab.PictureAsync($"objects-refused-{scheme}");
        Assert.Empty(await tab.AccessibilityFaultsAsync());

        await Box(page, "IOAS 1").FocusAsync();
        await page.Keyboard.PressAsync("ArrowUp");
        await Assertions.Expect(page.Locator("g[aria-pressed=true]")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("t");
        await Assertions.Expect(page.GetByRole(AriaRole.Table, new() { Name = "Objects" }).Locator("tr.selected")).ToHaveCountAsync(1);
        await tab.PictureAsync($"objects-table-{scheme}");
        Assert.Empty(await tab.AccessibilityFaultsAsync());
    }

    [Fact]
    public async Task Access_OfTheMock_IsHeldByItsDriverAndSaysItsFacts()
    {
        await using BrowserPage tab = await dashboard.OpenAsync();
        IPage page = tab.Page;
        IAPIResponse made = await page.APIRequest.PostAsync("/api/workspaces", new() { DataObject = new { preset = "kernel-selftest-mock" } });
        string id = (await made.JsonAsync())!.Value.GetProperty("id").GetString()!;
        await RunAsync(page, id, new { op = "ioas.alloc" });
        await RunAsync(page, id, new { op = "device.bind", address = "mock0" });
        await RunAsync(page, id, new { op = "hwpt.alloc", device = 2, pt = 1, nestParent = true });
        await RunAsync(page, id, new { op = "device.attach", device = 2, pt = 3 });
        await RunAsync(page, id, new { op = "access.create", ioas = 1 });
        await RunAsync(page, id, new { op = "ioas.alloc" });
        await tab.GoToAsync($"/w/{id}/objects?sel=object:4");
        await Assertions.Expect(page.Locator("figcaption")).ToContainTextAsync("Access 4 has 1 more reference");
        await Assertions.Expect(page.GetByRole(AriaRole.Complementary)).ToContainTextAsync("a driver, which holds it");
        await Assertions.Expect(Box(page, "hw_pagetable 3")).ToContainTextAsync("nest parent");
        await tab.PictureAsync("objects-mock");
        await Box(page, "IOAS 5").ClickAsync();
        await page.GetByRole(AriaRole.Complementary).GetByRole(AriaRole.Button, new() { Name = "Destroy" }).ClickAsync();
        await Assertions.Expect(page.GetByText("Destroyed object 5.")).ToBeVisibleAsync();
        await Assertions.Expect(Box(page, "IOAS 5")).ToHaveCountAsync(0);
        Assert.Empty(await tab.AccessibilityFaultsAsync());
    }

    private static ILocator Box(IPage page, string label) => page.Locator($"g[role=button][aria-label^='{label},']");

    private static async Task RunAsync(IPage page, string workspace, object command)
    {
        IAPIResponse answer = await page.APIRequest.PostAsync($"/api/workspaces/{workspace}/commands", new() { DataObject = command });
        JsonElement body = (await answer.JsonAsync())!.Value;
        Assert.True(body.GetProperty("errno").ValueKind == JsonValueKind.Null, body.ToString());
    }
}
