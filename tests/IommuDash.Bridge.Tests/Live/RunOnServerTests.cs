using System.Net.Http.Json;
using System.Runtime.Versioning;
using System.Text.Json;
using IommuDash.E2E;
using IommuDash.Engine;

namespace IommuDash.Bridge.Tests.Live;

/// <summary><c>iommudash run --server</c> against the real dashboard, seen by its HTTP API.</summary>
[SupportedOSPlatform("linux")]
public sealed class RunOnServerTests
{
    [Fact]
    public async Task Program_OnAWorkspace_ShowsItsCallsAndObjectsAsItMakesThem()
    {
        await using DashboardServer server = await DashboardServer.StartAsync();
        using var http = new HttpClient { BaseAddress = server.Address };
        string id = await CreateAsync(http);
        using StepProgram program = StepProgram.StartOnServer(server.Address, id);
        program.Do("open");
        Assert.Equal(1, program.Do("alloc"));
        JsonElement graph = await ViewAsync(http, id, "objects.graph?context=2");
        Assert.Equal("steps", graph.GetProperty("context").GetProperty("process").GetString());
        Assert.Equal(["IOAS 1"], graph.GetProperty("nodes").EnumerateArray().Select(n => n.GetProperty("label").GetString()));

        program.Do("mock 1");
        program.Do("map 1 16");
        graph = await ViewAsync(http, id, "objects.graph?context=2");
        Assert.Contains("iommufd_mock0", graph.GetProperty("nodes").EnumerateArray().Select(n => n.GetProperty("detail").GetString()));
        JsonElement process = (await ViewAsync(http, id, "pinned.processes?context=2")).GetProperty("items").EnumerateArray().Single(p => p.GetProperty("name").GetString() == "steps");
        Assert.Equal(16, process.GetProperty("pinnedPages").GetInt32());

        Assert.Equal((false, (long)Errno.ENOENT), program.Try("destroy 99"));
        string[] ops = [.. (await ViewAsync(http, id, "events")).GetProperty("items").EnumerateArray().Where(e => e.GetProperty("source").GetString()!.EndsWith(" steps", StringComparison.Ordinal)).Select(e => e.GetProperty("op").GetString()!).Distinct()];
        Assert.Equal(["DESTROY", "IOAS_MAP", "TEST MOCK_DOMAIN", "IOAS_ALLOC", "open", "process"], ops);
        Assert.Equal(5, program.Exit(5));
        await UntilAsync(async () => (await ViewAsync(http, id, "objects.graph?context=1")).GetProperty("contexts").GetArrayLength() == 1);
    }

    [Fact]
    public async Task Server_Killed_TheProgramGetsErrorsAndItsCodeIsPassedOn()
    {
        DashboardServer server = await DashboardServer.StartAsync();
        using var http = new HttpClient { BaseAddress = server.Address };
        using StepProgram program = StepProgram.StartOnServer(server.Address, await CreateAsync(http));
        program.Do("open");
        program.Do("alloc");
        await server.DisposeAsync();
        Assert.Equal((false, (long)Errno.EIO), program.Try("alloc"));
        Assert.Equal(9, program.Exit(9));
    }

    [Fact]
    public async Task Run_WithoutSuchAWorkspaceOrWithChoicesItCannotHave_SaysSoAndExitsWith127()
    {
        await using DashboardServer server = await DashboardServer.StartAsync();
        AssertRefused("no workspace", "--server", server.Address.ToString(), "--workspace", "nothere");
        AssertRefused("go together", "--server", server.Address.ToString());
        AssertRefused("--host and --level", "--server", server.Address.ToString(), "--workspace", "w", "--level", "6.12");
        AssertRefused("--trace", "--server", server.Address.ToString(), "--workspace", "w", "--trace", "calls.txt");
        AssertRefused("is no address", "--server", "nonsense", "--workspace", "w");
        await server.DisposeAsync();
        AssertRefused("No dashboard answers", "--server", server.Address.ToString(), "--workspace", "w");
    }

    private static void AssertRefused(string reason, params string[] options)
    {
        (int code, string output) = TestPaths.IommuDash(["run", .. options, "--", "true"]);
        Assert.Equal(127, code);
        Assert.Contains(reason, output, StringComparison.OrdinalIgnoreCase);
    }

    private static async Task<string> CreateAsync(HttpClient http)
    {
        using HttpResponseMessage made = await http.PostAsJsonAsync("/api/workspaces", new { preset = "kernel-selftest-mock", level = "6.12" });
        JsonElement body = await made.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal("6.12", body.GetProperty("level").GetString());
        return body.GetProperty("id").GetString()!;
    }

    private static async Task<JsonElement> ViewAsync(HttpClient http, string workspace, string view) =>
        (await http.GetFromJsonAsync<JsonElement>($"/api/workspaces/{workspace}/views/{view}")).GetProperty("data");

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await condition())
            await pace.WaitForNextTickAsync(patience.Token);
    }
}
