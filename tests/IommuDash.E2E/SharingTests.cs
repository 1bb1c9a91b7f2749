using System.Text.Json;

using Microsoft.Playwright;

namespace IommuDash.E2E;

public sealed class SharingTests(DashboardFixture dashboard)
{
    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Pages_SharedByTwoIoasesAndAnAccess_ShowWhereFramesAreAndWhatMoves(ColorScheme scheme)
    {
        await using BrowserPage tab = await dashboard.OpenAsync("/", scheme);
        IPage page = tab.Page;
        IAPIResponse made = await page.APIRequest.PostAsync("/api/workspaces", new() { DataObject = new { preset = "kernel-selftest-mock" } });
        string id = (await made.JsonAsync())!.Value.GetProperty("id").GetString()!;
        await RunAsync(page, id, new { op = "process.create", pid = 777, name = "qemu", memory = new[] { new { start = "0x7f0000000000", lengthBytes = "0x100000" } } });
        await RunAsync(page, id, new { op = "ioas.alloc" });
        await RunAsync(page, id, new { op = "ioas.alloc" });
        await RunAsync(page, id, new { op = "device.bind", address = "mock0" });
        await RunAsync(page, id, new { op = "device.bind", address = "mock1" });
        await RunAsync(page, id, new { op = "hwpt.alloc", device = 3, pt = 1 });
        await RunAsync(page, id, new { op = "hwpt.alloc", device = 4, pt = 2 });
        await RunAsync(page, id, new { op = "ioas.map", ioas = 1, pid = 777, userAddress = "0x7f0000000000", length = "0x10000", iova = "0x1000000" });
        await RunAsync(page, id, new { op = "ioas.copy", ioas = 2, sourceIoas = 1, sourceIova = "0x1008000", length = "0x6000", iova = "0x2000000" });
        await tab.GoToAsync($"/w/{id}/ioas?ioas=1&tab=sharing");
        await page.GetByRole(AriaRole.Button, new() { Name = "Show the first area" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Open an emulated device" }).ClickAsync();
        await page.Locator("input[name=pin-length]").FillAsync("0x3000");
        await page.GetByRole(AriaRole.Button, new() { Name = "Pin through access 7" }).ClickAsync();
        ILocator verdict = page.Locator(".sharing figcaption");
        await Assertions.Expect(verdict).ToContainTextAsync("If hw_pagetable 5 goes: 6 pages are found elsewhere from then on: hw_pagetable 6; 7 pages are unpinned.");
        await page.Locator("button.sharing-bar.pin").HoverAsync();
        await Assertions.Expect(page.Locator(".sharing-bar.lit")).ToHaveCountAsync(4);
        await tab.PictureAsync($"sharing-{scheme}");
        Assert.Empty(await tab.AccessibilityFaultsAsync());

        await RunAsync(page, id, new { op = "object.destroy", id = 5 });
        await Assertions.Expect(verdict).ToContainTextAsync("The area is in no domain");
        await Assertions.Expect(page.Locator(".sharing-bar.unpinned")).ToHaveCountAsync(2);
        await page.Locator("button.sharing-bar.area").Last.ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Complementary)).ToContainTextAsync("hw_pagetable 6");
        await tab.PictureAsync($"sharing-after-{scheme}");
        Assert.Empty(await tab.AccessibilityFaultsAsync());
    }

    private static async Task RunAsync(IPage page, string workspace, object command)
    {
        IAPIResponse answer = await page.APIRequest.PostAsync($"/api/workspaces/{workspace}/commands", new() { DataObject = command });
        JsonElement body = (await answer.JsonAsync())!.Value;
        Assert.True(body.GetProperty("errno").ValueKind == JsonValueKind.Null, body.ToString());
    }
}
