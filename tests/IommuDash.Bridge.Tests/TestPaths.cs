using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace IommuDash.Bridge.Tests;

/// <summary>Where things are, and running programs.</summary>
internal static class TestPaths
{
    /// <summary>What tests fetch or build and keep between runs; no part of the repository.</summary>
    public static string Cache { get; } = Path.Combine(Root(), "artifacts", "bridge-tests");

    /// <summary>A file copied beside the tests.</summary>
    public static string Beside(string name) => Path.Combine(AppContext.BaseDirectory, name);

    /// <summary>Runs a program to its end. Its output and errors come back as one text; -1 = it had to be ended after <paramref name="seconds"/>.</summary>
    public static (int ExitCode, string Output) Run(string program, IEnumerable<string> arguments, int seconds = 60, string? directory = null)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = directory ?? "" };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        bool ended = process.WaitForExit(TimeSpan.FromSeconds(seconds));
        if (!ended)
            process.Kill(entireProcessTree: true);
        return (ended ? process.ExitCode : -1, output.Result + errors.Result);
    }

    /// <summary>Runs <c>iommudash</c> as built with the tests.</summary>
    public static (int ExitCode, string Output) IommuDash(IEnumerable<string> arguments, int seconds = 60, string? directory = null) =>
        Run("dotnet", [Beside("iommudash.dll"), .. arguments], seconds, directory);

    /// <summary>Compiles a C program into the cache. Skips the test where there is no compiler.</summary>
    public static string Compile(string source, string name, params string[] flags)
    {
        Directory.CreateDirectory(Cache);
        string binary = Path.Combine(Cache, name);
        try
        {
            (int code, string output) = Run("cc", [.. flags, "-o", binary, source, "-pthread"]);
            Assert.True(code == 0, output);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("There is no C compiler (cc).");
        }
        return binary;
    }

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));
}
