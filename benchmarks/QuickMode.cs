// A measurement that takes seconds instead of BenchmarkDotNet's minutes: each scenario warms up, then runs for a fixed share of time; the median of its invocations counts.
using System.Diagnostics;
using System.Text.Json;
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
            results.Add(Time(scenario, scenario.Start(bench)));
            if (!json)
                Console.WriteLine($"{results[^1].Name,-36} {results[^1].NsPerOp,14:N1} ns/op {results[^1].BytesPerOp,10:N1} B/op");
        }
        if (filter is null || "memory".Contains(filter, StringComparison.Ordinal) || filter.StartsWith("memory", StringComparison.Ordinal))
            results.AddRange(MemoryUse.Measure(json));
        if (filter is null || filter.StartsWith("workspace", StringComparison.Ordinal))
            results.AddRange(WorkspaceUse.Measure(json));
        if (json)
            Console.WriteLine(JsonSerializer.Serialize(results, Json));
    }

    private static QuickResult Time(Scenario scenario, Action<Clock> invoke)
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
            samples.Add(clock.Ticks * 1e9 / Stopwatch.Frequency / scenario.Operations);
            bytes.Add((double)clock.AllocatedBytes / scenario.Operations);
        }
        while (Stopwatch.GetTimestamp() < end || samples.Count < 5);
        samples.Sort();
        bytes.Sort();
        return new QuickResult(scenario.Name, Math.Round(samples[samples.Count / 2], 2), Math.Round(bytes[bytes.Count / 2], 2));
    }
}
