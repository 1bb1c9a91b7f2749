using System.Net.Http.Json;
using System.Text.Json;

namespace IommuDash.E2E;

/// <summary>The browser's client of the hub, wwwroot/js/live.js, in a real browser and without any page around it.</summary>
public sealed class LiveViewTests(DashboardFixture dashboard)
{
    private const string Watch = """
        async ([workspace, query]) => {
            const live = await import('/js/live.js');
            window.seen = [];
            window.watch = live.subscribe(workspace, 'events', query,
                snapshot => { window.seen.push({ version: snapshot.version, keys: snapshot.items.map(i => i.key), changed: snapshot.changed && [...snapshot.changed] }); },
                { onState: state => { window.state = state; } });
            window.run = command => live.execute(workspace, command);
        }
        """;

    [Fact]
    public async Task Subscribe_WhileCommandsRun_MergesDeltasInOrder()
    {
        string workspace = await CreateWorkspaceAsync();
        await using BrowserPage tab = await dashboard.OpenAsync();
        await tab.Page.EvaluateAsync(Watch, new object[] { workspace, new { refusedOnly = true, count = 3 } });
        await tab.Page.WaitForFunctionAsync("() => window.seen.length === 1");
        for (int i = 1; i <= 5; i++)
        {
            await tab.Page.EvaluateAsync("() => window.run({ op: 'ioas.unmapAll', ioas: 77 })");
            await tab.Page.WaitForFunctionAsync($"() => window.seen.at(-1).version === {i + 1}");
        }
        JsonElement last = await tab.Page.EvaluateAsync<JsonElement>("() => window.seen.at(-1)");
        long[] keys = [.. last.GetProperty("keys").EnumerateArray().Select(k => long.Parse(k.GetString()!, System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(3, keys.Length);
        Assert.Equal([keys[0], keys[0] - 1, keys[0] - 2], keys);
        Assert.Equal(keys[0].ToString(System.Globalization.CultureInfo.InvariantCulture), Assert.Single(last.GetProperty("changed").EnumerateArray()).GetString());
        Assert.Equal("live", await tab.Page.EvaluateAsync<string>("() => window.state"));
    }

    [Fact]
    public async Task Update_OfTheQuery_ShowsTheOtherWindow()
    {
        string workspace = await CreateWorkspaceAsync();
        await using BrowserPage tab = await dashboard.OpenAsync();
        await tab.Page.EvaluateAsync(Watch, new object[] { workspace, new { count = 5 } });
        await tab.Page.WaitForFunctionAsync("() => window.seen.length === 1");
        await tab.Page.EvaluateAsync("() => window.watch.update({ count: 1 })");
        await tab.Page.WaitForFunctionAsync("() => window.seen.at(-1).keys.length === 1");
        await tab.Page.EvaluateAsync("() => window.watch.close()");
    }

    [Fact]
    public async Task Subscribe_ToAWorkspaceThatIsNot_SaysSo()
    {
        await using BrowserPage tab = await dashboard.OpenAsync();
        await tab.Page.EvaluateAsync(Watch, new object[] { "nope", new { } });
        await tab.Page.WaitForFunctionAsync("() => window.state === 'closed'");
    }

    private async Task<string> CreateWorkspaceAsync()
    {
        using var http = new HttpClient { BaseAddress = dashboard.Address };
        using HttpResponseMessage answer = await http.PostAsJsonAsync("api/workspaces", new { preset = "kernel-selftest-mock" });
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
    }
}
