using System.Text.RegularExpressions;

using Microsoft.Playwright;

namespace IommuDash.E2E;

public sealed class CallsTests(DashboardFixture dashboard)
{
    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Call_Refused_IsTintedShowsItsBytesAndCopiesAsC(ColorScheme scheme)
    {
        await using BrowserPage tab = await dashboard.OpenAsync("/", scheme);
        IPage page = tab.Page;
        IAPIResponse made = await page.APIRequest.PostAsync("/api/workspaces", new() { DataObject = new { preset = "intel-client" } });
        string id = (await made.JsonAsync())!.Value.GetProperty("id").GetString()!;
        await tab.GoToAsync($"/w/{id}/calls");
        await Assertions.Expect(Row(page, 1)).ToContainTextAsync("open(/dev/iommu)");
        await page.APIRequest.PostAsync($"/api/workspaces/{id}/commands", new() { DataObject = new object[] { new { op = "ioas.alloc" }, new { op = "ioas.copy", ioas = 1, sourceIoas = 9, sourceIova = "0x1000", length = "0x1000" } } });
        await Assertions.Expect(Row(page, 3)).ToContainTextAsync("ENOENT");
        await Assertions.Expect(Row(page, 3)).ToHaveClassAsync(new Regex("refused"));

        await Row(page, 3).GetByRole(AriaRole.Button).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("sel=call%3A3"));
        ILocator detail = page.Locator(".call-detail[data-ready]");
        await detail.GetByRole(AriaRole.Row, new() { NameRegex = new Regex("^src_ioas_id") }).HoverAsync();
        await Assertions.Expect(detail.Locator(".hex td.lit")).ToHaveCountAsync(4);
        await Assertions.Expect(page.GetByRole(AriaRole.Complementary).GetByRole(AriaRole.Button, new() { Name = "Copy as C", Exact = true })).ToHaveAttributeAsync("data-copy", new Regex("IOMMU_IOAS_COPY"));
        await tab.PictureAsync($"calls-{scheme}");
        Assert.Empty(await tab.AccessibilityFaultsAsync());

        await page.Locator(".log-scroll[data-ready]").FocusAsync();
        await page.Keyboard.PressAsync("ArrowDown");
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("sel=call%3A2"));
        await Assertions.Expect(page.GetByRole(AriaRole.Navigation, new() { Name = "Pages" })).ToContainTextAsync("1failed calls");
    }

    private static ILocator Row(IPage page, int number) => page.Locator("table.call-log tbody tr").Filter(new() { Has = page.Locator($"button[aria-label^='Call {number},']") });
}
