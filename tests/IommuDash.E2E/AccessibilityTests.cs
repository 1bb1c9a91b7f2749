using Microsoft.Playwright;

namespace IommuDash.E2E;

public sealed class AccessibilityTests(DashboardFixture dashboard)
{
    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task EveryPage_OfAHostInUse_HasNoFaultsAndNoSidewaysScroll(ColorScheme scheme)
    {
        await using BrowserPage tab = await dashboard.OpenAsync("/", scheme);
        string id = await StartAsync(tab.Page);
        await tab.GoToAsync($"/w/{id}/topology");
        // The pages are those of the navigation, so that a new one is looked at without being listed here.
        string[] paths = await tab.Page.EvaluateAsync<string[]>("[...document.querySelectorAll('.navigation a')].map(link => link.getAttribute('href'))");
        Assert.True(paths.Length > 6);
        var faults = new List<string>();
        foreach (string path in paths.Append($"/w/{id}/topology?sel=ioas%3A1").Append($"/w/{id}/domains?tab=table&beside=4&iova=0x200000"))
        {
            await tab.GoToAsync(path);
            await Assertions.Expect(tab.Page.Locator("main h1")).ToBeVisibleAsync();
            faults.AddRange((await tab.AccessibilityFaultsAsync()).Select(fault => $"{path}: {fault}"));
            if (await tab.Page.EvaluateAsync<bool>("document.querySelector('main').scrollWidth > document.querySelector('main').clientWidth"))
                faults.Add($"{path}: scrolls sideways");
        }
        Assert.Empty(faults);
    }

    /// <summary>An Intel client with two domains and an area; its last map was refused.</summary>
    private static async Task<string> StartAsync(IPage page)
    {
        IAPIResponse made = await page.APIRequest.PostAsync("/api/workspaces", new() { DataObject = new { preset = "intel-client" } });
        string id = (await made.JsonAsync())!.Value.GetProperty("id").GetString()!;
        object map = new { op = "ioas.map", ioas = 1, iova = "0x200000", userAddress = "0x7f5a40000000", length = "0x1000000", readable = true, writeable = true };
        IAPIResponse done = await page.APIRequest.PostAsync($"/api/workspaces/{id}/commands", new()
        {
            DataObject = new object[]
            {
                new { op = "ioas.alloc" },
                new { op = "device.bind", address = "0000:00:02.0" },
                new { op = "device.attach", device = 2, pt = 1 },
                map,
                new { op = "hwpt.alloc", device = 2, pt = 1 },
                map,
            },
        });
        string[] errnos = [.. (await done.JsonAsync())!.Value.EnumerateArray().Select(static answer => answer.GetProperty("errno").GetString() ?? "")];
        Assert.Equal(["", "", "", "", "", "EEXIST"], errnos);
        return id;
    }
}
