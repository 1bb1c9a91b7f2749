// What a workspace adds to the engine's own calls: the path limit → journal → engine → publish, alone and with a watcher that refreshes as fast as the default lets it.
using System.Diagnostics;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Workspaces;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Benchmarks;

internal static class WorkspaceUse
{
    private const int Pairs = 50_000;

    public static IEnumerable<QuickResult> Measure(bool json)
    {
        foreach (QuickResult row in new[] { MapUnmap("workspace/map-unmap/4K", watched: false), MapUnmap("workspace/map-unmap/4K-watched", watched: true) })
        {
            if (!json)
                Console.WriteLine($"{row.Name,-36} {row.NsPerOp,14:N1} ns/op {row.BytesPerOp,10:N1} B/op");
            yield return row;
        }
    }

    // Per command: a pair is two of them.
    private static QuickResult MapUnmap(string name, bool watched)
    {
        using var bench = new WorkspaceRegistry(new WorkspaceOptions(), new EngineLimits(), TimeProvider.System, WorkspaceId.Random);
        if (bench.Create(Bench.Describe(IommuVendor.Mock), "bench", out Workspace? workspace) is { } refusal)
            throw new InvalidOperationException(refusal.Reason);
        uint ioas = Run(workspace!, new IoasAlloc()).Ioas!.Value;
        uint device = Run(workspace!, new DeviceBind { Address = workspace!.Description.Devices[0].Address }).Device!.Value;
        Run(workspace, new DeviceAttach { Device = device, Pt = ioas });
        using var stop = new CancellationTokenSource();
        Task watcher = watched ? WatchAsync(workspace, stop.Token) : Task.CompletedTask;
        Loop(workspace, ioas, Pairs);
        long bytes = GC.GetTotalAllocatedBytes(precise: true);
        long start = Stopwatch.GetTimestamp();
        Loop(workspace, ioas, Pairs);
        double nanoseconds = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        bytes = GC.GetTotalAllocatedBytes(precise: true) - bytes;
        stop.Cancel();
        watcher.GetAwaiter().GetResult();
        return new QuickResult(name, Math.Round(nanoseconds / (2 * Pairs), 1), Math.Round((double)bytes / (2 * Pairs), 1));
    }

    private static void Loop(Workspace workspace, uint ioas, int pairs)
    {
        for (int i = 0; i < pairs; i++)
        {
            Run(workspace, new IoasMap { Ioas = ioas, UserAddress = Bench.Contiguous, Length = 4096, Iova = 0x100_0000 });
            Run(workspace, new IoasUnmap { Ioas = ioas, Iova = 0x100_0000, Length = 4096 });
        }
    }

    private static CommandOutputs Run(Workspace workspace, Command command)
    {
        ValueTask<CommandAnswer> running = workspace.ExecuteAsync(command, "bench");
        CommandAnswer answer = running.IsCompletedSuccessfully ? running.Result : running.AsTask().GetAwaiter().GetResult();
        return answer.Errno is null ? answer.Outputs : throw new InvalidOperationException(answer.Reason);
    }

    private static async Task WatchAsync(Workspace workspace, CancellationToken stop)
    {
        try
        {
            await foreach (long _ in workspace.ChangesAsync(cancellation: stop))
                await workspace.ReadEventsAsync(new EventsQuery { Count = 50 }, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The measurement is over.
        }
    }
}
