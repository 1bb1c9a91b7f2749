using System.Text.RegularExpressions;

namespace IommuDash.Bridge.Tests;

/// <summary>Random calls as Linux 6.12 itself answered them (docs/dev/differential.md says how they were recorded), answered once more here.</summary>
public sealed partial class RecordedTraceTests
{
    public static TheoryData<string> Traces => [.. Directory.EnumerateFiles(TestPaths.Beside("traces"), "linux-6.12-*.trace.gz").Select(path => Path.GetFileName(path))];

    [Theory]
    [MemberData(nameof(Traces))]
    public void Replay_OfCallsLinuxAnswered_DiffersNowhere(string name)
    {
        (int code, string output) = TestPaths.IommuDash(["replay", "--level", "6.12", "--coverage", TestPaths.Beside(Path.Combine("traces", name))]);
        Assert.EndsWith(" calls, 0 differ\n", output, StringComparison.Ordinal);
        Assert.Equal(0, code);
        // Not the same few refusals over and over.
        Assert.InRange(int.Parse(Pairs().Match(output).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture), 120, 1_000);
    }

    [Fact]
    public void Traces_AreThere() => Assert.NotEmpty(Traces);

    [GeneratedRegex(@"^(\d+) different pairs", RegexOptions.Multiline)]
    private static partial Regex Pairs();
}
