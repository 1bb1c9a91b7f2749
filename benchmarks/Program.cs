using BenchmarkDotNet.Running;
using IommuDash.Benchmarks;
using IommuDash.Benchmarks.Screen;

if (args.Contains("--screen"))
{
    await ScreenMode.RunAsync(args.Contains("--json"));
}
else if (args.Contains("--quick"))
{
    int filter = Array.IndexOf(args, "--filter");
    QuickMode.Run(args.Contains("--json"), filter >= 0 && filter + 1 < args.Length ? args[filter + 1] : null);
}
else
{
    BenchmarkSwitcher.FromTypes([typeof(IoasBenchmarks)]).Run(args);
}
