using BenchmarkDotNet.Attributes;
using IommuDash.Engine.Hardware;

namespace IommuDash.Benchmarks;

/// <summary>The same scenarios under BenchmarkDotNet. Times here include each scenario's own preparation, so compare runs, not rows with the quick mode's.</summary>
[MemoryDiagnoser]
public class IoasBenchmarks : IDisposable
{
    private Bench _bench = null!;
    private Action<Clock> _invoke = null!;

    [ParamsSource(nameof(Names))]
    public string Scenario { get; set; } = "";

    public static IEnumerable<string> Names => Scenarios.All.Select(s => s.Scenario.Name);

    [GlobalSetup]
    public void Start()
    {
        (Scenario scenario, IommuVendor vendor, int domains) = Scenarios.All.Single(s => s.Scenario.Name == Scenario);
        _bench = new Bench(vendor, domains);
        _invoke = scenario.Start(_bench);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _bench.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public void Invoke() => _invoke(new Clock());
}
