using System.Text;
using System.Text.Json;

namespace IommuDash.Web.Tests;

/// <summary>The real app on a real socket, and a client for it.</summary>
internal sealed class RunningDashboard : IAsyncDisposable
{
    private readonly DashboardWebApplication _app;

    private RunningDashboard(DashboardWebApplication app)
    {
        _app = app;
        Address = new Uri(app.Addresses.Single());
        Http = new HttpClient { BaseAddress = Address };
    }

    public Uri Address { get; }

    public HttpClient Http { get; }

    public static async Task<RunningDashboard> StartAsync(params string[] args)
    {
        var app = new DashboardWebApplication(["--urls", "http://127.0.0.1:0", .. args]);
        await app.StartAsync();
        return new RunningDashboard(app);
    }

    /// <summary>Makes a workspace of the selftest's host and gives its id.</summary>
    public async Task<string> CreateAsync(string preset = "kernel-selftest-mock")
    {
        (int status, JsonElement body) = await PostAsync("api/workspaces", $$"""{"preset":"{{preset}}"}""");
        Assert.Equal(201, status);
        return body.GetProperty("id").GetString()!;
    }

    public async Task<(int Status, JsonElement Body)> PostAsync(string path, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await Http.PostAsync(path, content);
        return ((int)answer.StatusCode, await BodyAsync(answer));
    }

    public async Task<(int Status, JsonElement Body)> GetAsync(string path)
    {
        using HttpResponseMessage answer = await Http.GetAsync(path);
        return ((int)answer.StatusCode, await BodyAsync(answer));
    }

    /// <summary>Runs one command that is at least understood.</summary>
    public async Task<JsonElement> CommandAsync(string workspace, string command)
    {
        (int status, JsonElement body) = await PostAsync($"api/workspaces/{workspace}/commands", command);
        Assert.True(status == 200, body.ToString());
        return body;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
    }

    private static async Task<JsonElement> BodyAsync(HttpResponseMessage answer)
    {
        string text = await answer.Content.ReadAsStringAsync();
        return text.Length == 0 ? default : JsonDocument.Parse(text).RootElement;
    }
}
