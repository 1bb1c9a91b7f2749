namespace IommuDash.Bridge.Tests;

/// <summary>The program of tests/differential, run on an emulated host: what its calls were answered through the preload library, a replay of the trace it wrote itself answers too.</summary>
public sealed class DifferentialTests : IDisposable
{
    private readonly string _trace = Path.GetTempFileName();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Fuzz_ThroughTheDoor_AgreesWithItsOwnTrace(int seed)
    {
        string[] sources = [.. Directory.EnumerateFiles(TestPaths.Beside("differential"), "*.c").Order(StringComparer.Ordinal)];
        string fuzz = TestPaths.Compile(sources[0], "fuzz", ["-O1", .. sources[1..]]);
        string call = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"--seed {seed} --calls 2000 --tame 1 --trace {_trace}");
        Assert.Equal((0, ""), TestPaths.IommuDash(["run", "--host", "mock", "--level", "6.12", "--", fuzz, .. call.Split(' ')]));
        (int code, string output) = TestPaths.IommuDash(["replay", _trace]);
        Assert.EndsWith(" calls, 0 differ\n", output, StringComparison.Ordinal);
        Assert.Equal(0, code);
    }

    public void Dispose() => File.Delete(_trace);
}
