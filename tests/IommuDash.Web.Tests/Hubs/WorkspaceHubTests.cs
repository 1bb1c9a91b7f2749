using System.Net.WebSockets;
using System.Text.Json;

namespace IommuDash.Web.Tests.Hubs;

/// <summary>The protocol of docs/hub.md, spoken over a real socket.</summary>
public sealed class WorkspaceHubTests
{
    private const string Failing = """{"op":"ioas.unmap","ioas":99,"iova":0,"length":4096}""";

    [Fact]
    public async Task Subscribe_ThenCommand_GivesSnapshotThenDelta()
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync();
        string id = await dashboard.CreateAsync();
        await using HubClient client = await JoinAsync(dashboard, id);
        await client.InvokeAsync("Subscribe", "a", "events", new { count = 10 });
        JsonElement snapshot = await client.NextAsync("snapshot");
        Assert.Equal(1, snapshot.GetProperty("version").GetInt64());
        string[] before = Keys(snapshot.GetProperty("items"));
        await client.InvokeAsync("Ack", "a", 1);

        await dashboard.CommandAsync(id, Failing);
        JsonElement delta = await client.NextAsync("delta");
        Assert.Equal((1, 2), (delta.GetProperty("from").GetInt64(), delta.GetProperty("version").GetInt64()));
        JsonElement added = Assert.Single(delta.GetProperty("upsert").EnumerateArray());
        Assert.Equal("ENOENT", added.GetProperty("errno").GetString());
        Assert.Equal([added.GetProperty("key").GetString()!, .. before], delta.GetProperty("keys").EnumerateArray().Select(k => k.GetString()!));
        Assert.Empty(delta.GetProperty("remove").EnumerateArray());
    }

    [Fact]
    public async Task Client_ThatDoesNotAck_GetsNothingMoreUntilItDoes()
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync("--Workspaces:RefreshMilliseconds=10");
        string id = await dashboard.CreateAsync();
        await using HubClient slow = await JoinAsync(dashboard, id);
        await using HubClient quick = await JoinAsync(dashboard, id);
        await slow.InvokeAsync("Subscribe", "s", "events", new { count = 100 });
        await quick.InvokeAsync("Subscribe", "q", "events", new { count = 100 });
        await slow.NextAsync("snapshot");
        JsonElement last = await quick.NextAsync("snapshot");
        for (long version = 2; version <= 6; version++)
        {
            await quick.InvokeAsync("Ack", "q", last.GetProperty("version").GetInt64());
            await dashboard.CommandAsync(id, Failing);
            last = await quick.NextAsync("delta");
            Assert.Equal(version, last.GetProperty("version").GetInt64());
        }
        Assert.False(slow.HasCall);
        await slow.InvokeAsync("Ack", "s", 99);
        Assert.False(slow.HasCall);
        await slow.InvokeAsync("Ack", "s", 1);
        JsonElement all = await slow.NextAsync("delta");
        Assert.Equal((1, 6), (all.GetProperty("from").GetInt64(), all.GetProperty("version").GetInt64()));
        Assert.Equal(5, all.GetProperty("upsert").GetArrayLength());
    }

    [Fact]
    public async Task Subscribe_UnderAUsedName_GivesAFreshSnapshotOfTheNewQuery()
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync();
        string id = await dashboard.CreateAsync();
        await dashboard.CommandAsync(id, $"[{Failing},{Failing},{Failing}]");
        await using HubClient client = await JoinAsync(dashboard, id);
        await client.InvokeAsync("Subscribe", "a", "events", new { count = 100, refusedOnly = true });
        Assert.Equal(3, (await client.NextAsync("snapshot")).GetProperty("items").GetArrayLength());
        await client.InvokeAsync("Subscribe", "a", "events", new { count = 2, refusedOnly = true });
        JsonElement fresh = await client.NextAsync("snapshot");
        Assert.Equal(2, fresh.GetProperty("items").GetArrayLength());
        Assert.Equal(3, fresh.GetProperty("data").GetProperty("matching").GetInt32());
    }

    [Theory]
    [InlineData("nope", """{}""", "There is no view \"nope\"")]
    [InlineData("events", """{"cuont":3}""", "no field \"cuont\"")]
    [InlineData("events", """{"count":"x"}""", "Field \"count\"")]
    [InlineData("events", """[]""", "must be a JSON object")]
    public async Task Subscribe_BadRequest_SaysWhatIsWrong(string view, string query, string says)
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync();
        await using HubClient client = await JoinAsync(dashboard, await dashboard.CreateAsync());
        InvalidOperationException fault = await Assert.ThrowsAsync<InvalidOperationException>(() => client.InvokeAsync("Subscribe", "a", view, JsonDocument.Parse(query).RootElement));
        Assert.Contains(says, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Subscribe_AboveTheCap_SaysTheOption()
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync("--Hub:SubscriptionsPerConnection=1");
        await using HubClient client = await JoinAsync(dashboard, await dashboard.CreateAsync());
        await client.InvokeAsync("Subscribe", "a", "events", new { });
        InvalidOperationException fault = await Assert.ThrowsAsync<InvalidOperationException>(() => client.InvokeAsync("Subscribe", "b", "events", new { }));
        Assert.Contains("Hub:SubscriptionsPerConnection", fault.Message, StringComparison.Ordinal);
        await client.InvokeAsync("Unsubscribe", "a");
        await client.InvokeAsync("Subscribe", "b", "events", new { });
    }

    [Fact]
    public async Task Workspace_Deleted_ClosesSubscriptions()
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync("--Workspaces:RefreshMilliseconds=10");
        string id = await dashboard.CreateAsync();
        await using HubClient client = await JoinAsync(dashboard, id);
        await client.InvokeAsync("Subscribe", "a", "events", new { });
        await client.NextAsync("snapshot");
        await client.InvokeAsync("Ack", "a", 1);
        using HttpResponseMessage gone = await dashboard.Http.DeleteAsync($"api/workspaces/{id}");
        Assert.Equal("closed", (await client.NextAsync()).Method);
        InvalidOperationException fault = await Assert.ThrowsAsync<InvalidOperationException>(() => client.InvokeAsync("Join", id));
        Assert.Contains("no workspace", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Execute_OverTheHub_Answers()
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync();
        await using HubClient client = await JoinAsync(dashboard, await dashboard.CreateAsync());
        JsonElement answer = await client.InvokeAsync("Execute", JsonDocument.Parse("""{"op":"ioas.alloc"}""").RootElement);
        Assert.Equal(JsonValueKind.Null, answer.GetProperty("errno").ValueKind);
        Assert.Equal(1, answer.GetProperty("outputs").GetProperty("ioas").GetInt32());
    }

    [Fact]
    public async Task Connect_FromAnotherSitesPage_IsRefused()
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync();
        await Assert.ThrowsAsync<WebSocketException>(() => HubClient.ConnectAsync(dashboard.Address, "http://evil.example"));
        await using HubClient own = await HubClient.ConnectAsync(dashboard.Address, dashboard.Address.GetLeftPart(UriPartial.Authority));
    }

    private static async Task<HubClient> JoinAsync(RunningDashboard dashboard, string workspace)
    {
        HubClient client = await HubClient.ConnectAsync(dashboard.Address);
        JsonElement joined = await client.InvokeAsync("Join", workspace);
        Assert.Equal(workspace, joined.GetProperty("id").GetString());
        return client;
    }

    private static string[] Keys(JsonElement items) => [.. items.EnumerateArray().Select(i => i.GetProperty("key").GetString()!)];
}
