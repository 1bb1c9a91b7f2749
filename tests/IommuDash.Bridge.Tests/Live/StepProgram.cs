using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;

namespace IommuDash.Bridge.Tests.Live;

/// <summary>A running <c>steps</c> program, which makes one call at a time.</summary>
[SupportedOSPlatform("linux")]
internal sealed class StepProgram : IDisposable
{
    private static readonly Lazy<string> s_binary = new(() => TestPaths.Compile(TestPaths.Beside("programs/steps.c"), "steps", "-O1"));

    private readonly Process _process;

    private StepProgram(Process process) => _process = process;

    public static string Binary => s_binary.Value;

    public int Pid => _process.Id;

    public static StepProgram Start(string socket)
    {
        var start = new ProcessStartInfo(Binary);
        start.Environment["IOMMUDASH_SOCKET"] = socket;
        start.Environment["LD_PRELOAD"] = PreloadLibrary.Find(out string missing) ?? throw new InvalidOperationException(missing);
        return Start(start);
    }

    /// <summary>As a user starts it: by <c>iommudash run</c>, on a workspace of a running dashboard.</summary>
    public static StepProgram StartOnServer(Uri server, string workspace) =>
        Start(new ProcessStartInfo("dotnet", [TestPaths.Beside("iommudash.dll"), "run", "--server", server.ToString(), "--workspace", workspace, "--", Binary]));

    private static StepProgram Start(ProcessStartInfo start)
    {
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        return new StepProgram(Process.Start(start)!);
    }

    /// <summary>One step that must succeed; its value.</summary>
    public long Do(string step)
    {
        (bool done, long value) = Try(step);
        Assert.True(done, $"{step}: errno {value}");
        return value;
    }

    /// <summary>One step; its value, or its errno.</summary>
    public (bool Done, long Value) Try(string step)
    {
        _process.StandardInput.WriteLine(step);
        _process.StandardInput.Flush();
        string[] words = (_process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"The program ended at {step}.")).Split(' ');
        return (words[0] == "0", long.Parse(words[1], CultureInfo.InvariantCulture));
    }

    /// <summary>Ends it by its own exit.</summary>
    public int Exit(int code = 0)
    {
        _process.StandardInput.WriteLine(string.Create(CultureInfo.InvariantCulture, $"exit {code}"));
        _process.StandardInput.Flush();
        return WaitForExit();
    }

    public int WaitForExit()
    {
        Assert.True(_process.WaitForExit(TimeSpan.FromSeconds(30)));
        return _process.ExitCode;
    }

    public void Kill()
    {
        _process.Kill();
        WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }
}
