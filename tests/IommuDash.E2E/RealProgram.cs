using System.ComponentModel;
using System.Diagnostics;
using System.Reflection;

namespace IommuDash.E2E;

/// <summary>A real C program (<c>steps.c</c>) on a workspace, started as a user starts one. It makes one call for each line it is given.</summary>
internal sealed class RealProgram : IDisposable
{
    private static readonly Lazy<string> s_binary = new(Compile);

    private readonly Process _process;

    private RealProgram(Process process) => _process = process;

    public static RealProgram Start(Uri server, string workspace) => new(Process.Start(
        new ProcessStartInfo("dotnet", [Metadata("CliAssembly"), "run", "--server", server.ToString(), "--workspace", workspace, "--", s_binary.Value]) { RedirectStandardInput = true, RedirectStandardOutput = true })!);

    /// <summary>One step, which must succeed.</summary>
    public async Task DoAsync(string step)
    {
        await _process.StandardInput.WriteLineAsync(step);
        await _process.StandardInput.FlushAsync();
        string? answer = await _process.StandardOutput.ReadLineAsync();
        Assert.True(answer?.StartsWith("0 ", StringComparison.Ordinal), $"{step}: {answer}");
    }

    public async Task ExitAsync()
    {
        await _process.StandardInput.WriteLineAsync("exit 0");
        await _process.StandardInput.FlushAsync();
        await _process.WaitForExitAsync();
        Assert.Equal(0, _process.ExitCode);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private static string Compile()
    {
        string binary = Path.Combine(AppContext.BaseDirectory, "steps");
        try
        {
            using Process compiler = Process.Start("cc", ["-O1", "-o", binary, Metadata("StepsSource")]);
            compiler.WaitForExit();
            Assert.Equal(0, compiler.ExitCode);
        }
        catch (Win32Exception)
        {
            Assert.Skip("There is no C compiler (cc).");
        }
        return binary;
    }

    private static string Metadata(string key) => typeof(RealProgram).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == key).Value!;
}
