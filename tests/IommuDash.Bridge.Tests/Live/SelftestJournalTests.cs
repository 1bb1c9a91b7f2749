using System.Diagnostics;
using System.Runtime.Versioning;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Bridge.Tests.Live;

/// <summary>Linux's own selftest on a workspace: all that it does is in the journal.</summary>
[SupportedOSPlatform("linux")]
public sealed class SelftestJournalTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("iommufd_fail_nth", "7")]
    public async Task Selftest_OnAWorkspace_PassesAndItsJournalRepeats(string program, string count)
    {
        string binary = LinuxSelftest.Build(program);
        using var live = new LiveHost(level: ReferenceLevel.Linux612, change: o => (o.JournalEntries, o.JournalBytes) = (2_000_000, 4L << 30));
        var start = new ProcessStartInfo(binary) { RedirectStandardOutput = true };
        start.Environment["IOMMUDASH_SOCKET"] = live.Socket;
        start.Environment["LD_PRELOAD"] = PreloadLibrary.Find(out string missing) ?? throw new InvalidOperationException(missing);
        var clock = Stopwatch.StartNew();
        using Process process = Process.Start(start)!;
        string text = await process.StandardOutput.ReadToEndAsync();
        Assert.Contains($"# Totals: pass:{count} fail:0", text, StringComparison.Ordinal);
        await live.NoProgramsAsync();
        output.WriteLine($"{live.Workspace.Version} versions in {clock.Elapsed.TotalSeconds:F1} s");
        clock.Restart();
        await live.AssertJournalRepeatsAsync();
        output.WriteLine($"repeated in {clock.Elapsed.TotalSeconds:F1} s");
    }
}
