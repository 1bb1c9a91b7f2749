// A measurement that takes seconds instead of BenchmarkDotNet's minutes: each scenario warms up, then runs for a fixed share of time; the median of its invocations counts.
using System.Diagnostics;
using System.Text.Json;
using IommuDash.Benchmarks.Bridge;
using IommuDash.Benchmarks.Ioctls;
using IommuDash.Engine.Hardware;

namespace IommuDash.Benchmarks;

/// <summary>One row of results.</summary>
/// <param name="Name">Scenario.</param>
/// <param name="NsPerOp">Median nanoseconds per operation.</param>
/// <param name="BytesPerOp">Managed bytes allocated per operation.</param>
internal sealed record QuickResult(string Name, double NsPerOp, double BytesPerOp);

internal static class QuickMode
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan Measure = TimeSpan.FromMilliseconds(700);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static void Run(bool json, string? filter)
    {
        List<QuickResult> results = [];
        foreach ((Scenario scenario, IommuVendor vendor, int domains) in Scenarios.All)
        {
            if (filter is not null && !scenario.Name.Contains(filter, StringComparison.Ordinal))
                continue;
            using var bench = new Bench(vendor, domains);
            results.Add(Time(scenario.Name, scenario.Operations, scenario.Start(bench)));
            if (!json)
                Print(results[^1]);
        }
        foreach (IoctlRow row in IoctlRows.All.Where(row => filter is null || row.Name.Contains(filter, StringComparison.Ordinal)))
        {
            using var bench = new IoctlBench();
            results.Add(Time(row.Name, IoctlBench.Batch, Batches(row, bench)));
            if (!json)
                Print(results[^1]);
        }
        if (filter is null || "memory".Contains(filter, StringComparison.Ordinal) || filter.StartsWith("memory", StringComparison.Ordinal))
            results.AddRange(MemoryUse.Measure(json));
        if (filter is null || filter.StartsWith("workspace", StringComparison.Ordinal))
            results.AddRange(WorkspaceUse.Measure(json));
        if (filter is null || filter.StartsWith(BridgeUse.Prefix, StringComparison.Ordinal))
        {
            IReadOnlyList<QuickResult> rows = BridgeUse.Measure();
            results.AddRange(rows);
            foreach (QuickResult row in json ? [] : rows)
                Print(row);
        }
        if (json)
            Console.WriteLine(JsonSerializer.Serialize(results, Json));
    }

    private static void Print(QuickResult row) => Console.WriteLine($"{row.Name,-40} {row.NsPerOp,14:N1} ns/op {row.BytesPerOp,10:N1} B/op");

    private static Action<Clock> Batches(IoctlRow row, IoctlBench bench)
    {
        (Func<int, long> call, Action undo) = row.Start(bench);
        return clock =>
        {
            long worst = 0;
            clock.Begin();
            for (int i = 0; i < IoctlBench.Batch; i++)
                worst = Math.Min(worst, call(i));
            clock.End();
            if (worst != -(long)row.Expected)
                throw new InvalidOperationException($"{row.Name} answered {worst}.");
            undo();
        };
    }

    private static QuickResult Time(string name, int operations, Action<Clock> invoke)
    {
        long end = Stopwatch.GetTimestamp() + (long)(WarmUp.TotalSeconds * Stopwatch.Frequency);
        do
            invoke(new Clock());
        while (Stopwatch.GetTimestamp() < end);

        var samples = new List<double>();
        var bytes = new List<double>();
        end = Stopwatch.GetTimestamp() + (long)(Measure.TotalSeconds * Stopwatch.Frequency);
        do
        {
            var clock = new Clock();
            invoke(clock);
            samples.Add(clock.Ticks * 1e9 / Stopwatch.Frequency / operations);
            bytes.Add((double)clock.AllocatedBytes / operations);
        }
        while (Stopwatch.GetTimestamp() < end || samples.Count < 5);
        samples.Sort();
        bytes.Sort();
        return new QuickResult(name, Math.Round(samples[samples.Count / 2], 2), Math.Round(bytes[bytes.Count / 2], 2));
    }
}
