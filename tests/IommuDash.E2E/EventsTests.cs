using System.Net.Http.Json;
using System.Text.RegularExpressions;

using Microsoft.Playwright;

namespace IommuDash.E2E;

public sealed class EventsTests(DashboardFixture dashboard)
{
    [Fact]
    public async Task Log_FollowedFilteredPausedAndResumed_LosesNothing()
    {
        await using BrowserPage tab = await dashboard.OpenAsync();
        IPage page = tab.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "Open Kernel selftest mock" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("/topology"));
        string workspace = page.Url.Split('/')[4];
        await RunAsync(workspace, new { op = "ioas.alloc" }, new { op = "device.bind", address = "mock0" }, new { op = "device.attach", device = 2, pt = 1 }, new { op = "ioas.unmap", ioas = 1, iova = "0x1000000", length = "0x1000" });

        await page.GetByRole(AriaRole.Link, new() { Name = "Events" }).ClickAsync();
        ILocator rows = page.GetByRole(AriaRole.Row);
        await Assertions.Expect(rows.Nth(1)).ToContainTextAsync("ENOENT");
        await Assertions.Expect(page.GetByText("device 2 attached to hw_pagetable 3")).ToBeVisibleAsync();
        await rows.Nth(1).GetByRole(AriaRole.Button).First.ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Complementary)).ToContainTextAsync("unmap.nothing");
        await tab.PictureAsync("events");
        Assert.Empty(await tab.AccessibilityFaultsAsync());

        await page.GetByLabel("refused only").CheckAsync();
        await Assertions.Expect(rows).ToHaveCountAsync(2);
        await page.ReloadAsync();
        await Assertions.Expect(page.GetByLabel("refused only")).ToBeCheckedAsync();
        await Assertions.Expect(rows).ToHaveCountAsync(2);
        await Assertions.Expect(page.GetByRole(AriaRole.Complementary)).ToContainTextAsync("unmap.nothing");

        await page.GetByRole(AriaRole.Button, new() { Name = "Pause", Exact = true }).ClickAsync();
        await Assertions.Expect(page.GetByText("standing still")).ToBeVisibleAsync();
        await RunAsync(workspace, new { op = "ioas.alloc" }, new { op = "object.destroy", id = 77 });
        await Assertions.Expect(page.GetByText("2 came since")).ToBeVisibleAsync();
        await Assertions.Expect(rows).ToHaveCountAsync(2);
        await page.GetByLabel("refused only").UncheckAsync();
        await page.GetByLabel("Text", new() { Exact = true }).FillAsync("device.attach");
        await Assertions.Expect(page.GetByText("device 2 attached")).ToBeVisibleAsync();
        await tab.PictureAsync("events-paused");
        await page.GetByLabel("Text", new() { Exact = true }).FillAsync("");
        await page.GetByRole(AriaRole.Button, new() { Name = "Go to the newest" }).ClickAsync();
        await Assertions.Expect(rows.Nth(1)).ToContainTextAsync("object.destroy");

        await page.GetByRole(AriaRole.Link, new() { Name = "device 2 attached to hw_pagetable 3" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Treeitem, new() { Selected = true })).ToContainTextAsync("mock0");
    }

    private async Task RunAsync(string workspace, params object[] commands)
    {
        using var client = new HttpClient { BaseAddress = dashboard.Address };
        using HttpResponseMessage answer = await client.PostAsJsonAsync($"/api/workspaces/{workspace}/commands", commands);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }
}
