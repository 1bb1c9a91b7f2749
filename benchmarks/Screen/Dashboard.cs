using System.Diagnostics;
using System.Net.Http.Json;
using System.Reflection;
using System.Text.Json;

namespace IommuDash.Benchmarks.Screen;

/// <summary>The built dashboard as a process of its own on a free port, spoken to over its HTTP API as any client does.</summary>
internal sealed class Dashboard : IAsyncDisposable
{
    private const string AddressPrefix = "IommuDash: ";
    private readonly Process _process;
    private readonly HttpClient _http;

    private Dashboard(Process process, Uri address)
    {
        _process = process;
        Address = address;
        _http = new HttpClient { BaseAddress = address };
    }

    public Uri Address { get; }

    /// <summary>Resident memory of the server process, in MiB.</summary>
    public double ResidentMiB
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64 / 1048576.0;
        }
    }

    public static async Task<Dashboard> StartAsync()
    {
        string assembly = typeof(Dashboard).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == "WebAssembly").Value!;
        var process = Process.Start(new ProcessStartInfo("dotnet", [assembly, "--urls", "http://127.0.0.1:0"]) { RedirectStandardOutput = true })
            ?? throw new InvalidOperationException("The dashboard did not start.");
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (!line.StartsWith(AddressPrefix, StringComparison.Ordinal))
                continue;
            // Read on, or the server would stall on a full pipe.
            _ = process.StandardOutput.ReadToEndAsync();
            return new Dashboard(process, new Uri(line[AddressPrefix.Length..].Trim()));
        }
        throw new InvalidOperationException("The dashboard ended before it listened.");
    }

    public async Task<string> CreateWorkspaceAsync(string preset)
    {
        using HttpResponseMessage response = await _http.PostAsJsonAsync("api/workspaces", new { preset });
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
    }

    /// <summary>Runs commands in one batch; throws if one is refused. Returns the last answer.</summary>
    public async Task<JsonElement> RunAsync(string workspace, params IReadOnlyCollection<object> commands)
    {
        using HttpResponseMessage response = await _http.PostAsJsonAsync($"api/workspaces/{workspace}/commands", commands);
        if (!response.IsSuccessStatusCode)
            throw new InvalidOperationException(await response.Content.ReadAsStringAsync());
        JsonElement answers = await response.Content.ReadFromJsonAsync<JsonElement>();
        JsonElement last = default;
        foreach (JsonElement answer in answers.EnumerateArray())
        {
            last = answer;
            if (answer.TryGetProperty("errno", out JsonElement errno) && errno.ValueKind == JsonValueKind.String)
                throw new InvalidOperationException(answer.ToString());
        }
        return last;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
