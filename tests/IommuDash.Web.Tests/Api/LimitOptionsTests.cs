using System.Text.Json;

using Microsoft.Extensions.Options;

namespace IommuDash.Web.Tests.Api;

public sealed class LimitOptionsTests
{
    [Fact]
    public async Task EngineLimit_FromTheSettings_BindsAndIsNamedWhenReached()
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync("--Limits:ObjectsPerContext=2");
        string id = await dashboard.CreateAsync();
        JsonElement answers = await dashboard.CommandAsync(id, """[{"op":"ioas.alloc"},{"op":"ioas.alloc"},{"op":"ioas.alloc"}]""");
        Assert.Equal(JsonValueKind.Null, answers[1].GetProperty("errno").ValueKind);
        Assert.Equal("ENOMEM", answers[2].GetProperty("errno").GetString());
        Assert.Contains("Limits:ObjectsPerContext", answers[2].GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Workspaces:MaxWorkspaces=0")]
    [InlineData("Workspaces:RefreshMilliseconds=1")]
    [InlineData("Limits:AreasPerIoas=-1")]
    [InlineData("Limits:Import:MaxTextBytes=0")]
    [InlineData("Hub:SubscriptionsPerConnection=0")]
    [InlineData("Programs:Total=0")]
    public async Task Option_OutOfBounds_StopsTheStartByItsName(string setting)
    {
        OptionsValidationException fault = await Assert.ThrowsAsync<OptionsValidationException>(async () => await (await RunningDashboard.StartAsync("--" + setting)).DisposeAsync());
        Assert.Contains(setting[..setting.IndexOf('=', StringComparison.Ordinal)], Assert.Single(fault.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Batch_AboveTheCap_IsRefusedWholeWithTheOption()
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync("--Workspaces:BatchCommands=2");
        string id = await dashboard.CreateAsync();
        (int status, JsonElement body) = await dashboard.PostAsync($"api/workspaces/{id}/commands", """[{"op":"ioas.alloc"},{"op":"ioas.alloc"},{"op":"ioas.alloc"}]""");
        Assert.Equal(400, status);
        Assert.Contains("Workspaces:BatchCommands", body.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, (await dashboard.GetAsync($"api/workspaces/{id}")).Body.GetProperty("version").GetInt64());
    }
}
