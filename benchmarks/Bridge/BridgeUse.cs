// What a call costs a real program: a C client over the preload library against a server in this process. Includes both switches between the two processes.
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using IommuDash.Bridge;
using IommuDash.Bridge.Server;
using IommuDash.Engine.Hardware;

namespace IommuDash.Benchmarks.Bridge;

internal static class BridgeUse
{
    public const string Prefix = "bridge";

    /// <summary>Rows of nanoseconds a call, and of bytes allocated in the server per call over all rows together. None where there is no compiler; why is printed to the errors.</summary>
    public static IReadOnlyList<QuickResult> Measure()
    {
        string directory = Directory.CreateTempSubdirectory("iommudash-bench-").FullName;
        try
        {
            string client = Path.Combine(directory, "client");
            if (PreloadLibrary.Find(out string missing) is not { } library || Run("cc", ["-O2", "-o", client, Path.Combine(AppContext.BaseDirectory, "Bridge", "client.c")], null) is null)
            {
                Console.Error.WriteLine($"{Prefix}: {(missing.Length != 0 ? missing : "the client cannot be built: no C compiler (cc)")}");
                return [];
            }
            using var host = new EmulatedHost(Bench.Describe(IommuVendor.Mock) with { Processes = [] });
            string socket = Path.Combine(directory, "host");
            using BridgeServer server = BridgeServer.Listen(host, new BridgeOptions { SocketPath = socket }, out string reason) ?? throw new InvalidOperationException(reason);
            var serving = new Thread(server.Run);
            serving.Start();
            long before = GC.GetTotalAllocatedBytes(precise: true);
            string output = Run(client, [], new Dictionary<string, string> { ["IOMMUDASH_SOCKET"] = socket, ["LD_PRELOAD"] = library })!;
            double bytes = (double)(GC.GetTotalAllocatedBytes(precise: true) - before) / server.Calls;
            server.Stop();
            serving.Join();
            return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')).Select(words => new QuickResult(words[0], double.Parse(words[1], CultureInfo.InvariantCulture), Math.Round(bytes, 1)))];
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    // Null: it is not there, or failed.
    private static string? Run(string program, IEnumerable<string> arguments, Dictionary<string, string>? environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true };
        foreach ((string name, string value) in environment ?? [])
            start.Environment[name] = value;
        try
        {
            using Process process = Process.Start(start)!;
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} exited with {process.ExitCode}.");
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
