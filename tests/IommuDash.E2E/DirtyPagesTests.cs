using System.Text.Json;
using System.Text.RegularExpressions;

using Microsoft.Playwright;

namespace IommuDash.E2E;

public sealed class DirtyPagesTests(DashboardFixture dashboard)
{
    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task FromNothing_ToAReadThatClears_InTheBrowserAlone(ColorScheme scheme)
    {
        await using BrowserPage tab = await dashboard.OpenAsync("/", scheme);
        IPage page = tab.Page;
        IAPIResponse made = await page.APIRequest.PostAsync("/api/workspaces", new() { DataObject = new { preset = "kernel-selftest-mock" } });
        string id = (await made.JsonAsync())!.Value.GetProperty("id").GetString()!;
        await RunAsync(page, id, new { op = "process.create", pid = 777, name = "qemu", capIpcLock = true, memory = new[] { new { start = "0x7f0000000000", lengthBytes = "0x8000000" } } });
        await RunAsync(page, id, new { op = "ioas.alloc" });
        await RunAsync(page, id, new { op = "ioas.map", ioas = 1, pid = 777, userAddress = "0x7f0000000000", length = "0x8000000", iova = "0x1000000" });
        await tab.GoToAsync($"/w/{id}/dirty");
        await tab.PictureAsync($"dirty-empty-{scheme}");
        await Button(page, "New hw_pagetable with dirty tracking").ClickAsync();
        await Button(page, "Start tracking").ClickAsync();
        await page.Locator("input[type=number]").First.FillAsync("2000");
        await Button(page, "Write").ClickAsync();
        await Assertions.Expect(page.Locator(".done")).ToContainTextAsync("became dirty");
        await Assertions.Expect(page.Locator(".strip-dirty")).ToHaveAttributeAsync("d", new Regex("^M"));

        ILocator strips = page.Locator(".strips[data-ready]");
        string before = (await strips.GetAttributeAsync("data-start"))!;
        await strips.HoverAsync();
        await page.Mouse.WheelAsync(0, -1500);
        await Assertions.Expect(strips).Not.ToHaveAttributeAsync("data-start", before);
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("from=0x"));
        await strips.ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("at=0x"));
        await Button(page, "Next dirty").ClickAsync();
        await Assertions.Expect(page.Locator(".bit-sum")).ToContainTextAsync("1: the page is dirty");
        await tab.PictureAsync($"dirty-{scheme}");
        Assert.Empty(await tab.AccessibilityFaultsAsync());

        await Button(page, "Read and clear").ClickAsync();
        await Assertions.Expect(page.Locator(".done")).ToContainTextAsync("were cleared");
        await Assertions.Expect(page.Locator(".bit-sum")).ToContainTextAsync("0: the page is clean");
        await Assertions.Expect(page.GetByRole(AriaRole.Table, new() { Name = "Rounds" }).Locator("tbody tr")).ToHaveCountAsync(1);
        await strips.FocusAsync();
        await page.Keyboard.PressAsync("Home");
        await Assertions.Expect(strips).ToHaveAttributeAsync("data-start", before);
        await page.Keyboard.PressAsync("t");
        await Assertions.Expect(page.GetByRole(AriaRole.Table, new() { Name = "Dirty pages by hw_pagetable" }).Locator("tr.selected")).ToHaveCountAsync(1);
        await tab.PictureAsync($"dirty-table-{scheme}");
        Assert.Empty(await tab.AccessibilityFaultsAsync());
    }

    private static ILocator Button(IPage page, string name) => page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    private static async Task RunAsync(IPage page, string workspace, object command)
    {
        IAPIResponse answer = await page.APIRequest.PostAsync($"/api/workspaces/{workspace}/commands", new() { DataObject = command });
        JsonElement body = (await answer.JsonAsync())!.Value;
        Assert.True(body.GetProperty("errno").ValueKind == JsonValueKind.Null, body.ToString());
    }
}
