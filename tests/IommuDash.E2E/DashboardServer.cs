using System.Diagnostics;
using System.Net;
using System.Reflection;
using System.Text;

namespace IommuDash.E2E;

/// <summary>The built dashboard in a process of its own, on a port the system chose. Stops only that process.</summary>
public sealed class DashboardServer : IAsyncDisposable
{
    private const string AddressPrefix = "IommuDash: ";
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private bool _stopped;

    private DashboardServer(Process process, Uri address) => (_process, Address) = (process, address);

    public Uri Address { get; }

    /// <summary>Starts it and waits until <c>GET /health</c> answers 200.</summary>
    public static async Task<DashboardServer> StartAsync(params string[] args)
    {
        string assembly = typeof(DashboardServer).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == "WebAssembly").Value!;
        var start = new ProcessStartInfo("dotnet", [assembly, "--urls", "http://127.0.0.1:0", .. args])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        var process = new Process { StartInfo = start };
        var address = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
        var errors = new StringBuilder();
        process.ErrorDataReceived += (_, line) => errors.AppendLine(line.Data);
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null)
                address.TrySetException(new InvalidOperationException($"The dashboard ended before it listened: {errors}"));
            else if (line.Data.StartsWith(AddressPrefix, StringComparison.Ordinal))
                address.TrySetResult(new Uri(line.Data[AddressPrefix.Length..]));
        };
        process.Start();
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        using var limit = new CancellationTokenSource(StartLimit);
        try
        {
            await HealthyAsync(await address.Task.WaitAsync(limit.Token), limit.Token);
            return new DashboardServer(process, await address.Task);
        }
        catch
        {
            await StopAsync(process);
            throw;
        }
    }

    /// <summary>May be called more than once.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopped)
            return;
        _stopped = true;
        await StopAsync(_process);
    }

    private static async Task HealthyAsync(Uri address, CancellationToken cancellation)
    {
        using var client = new HttpClient { BaseAddress = address };
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        do
        {
            using HttpResponseMessage answer = await client.GetAsync("/health", cancellation);
            if (answer.StatusCode == HttpStatusCode.OK)
                return;
        }
        while (await pace.WaitForNextTickAsync(cancellation));
    }

    private static async ValueTask StopAsync(Process process)
    {
        if (!process.HasExited)
            process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
