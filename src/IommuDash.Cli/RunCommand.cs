// iommudash run: a program on an emulated host, of its own or of a running dashboard, until it exits.
using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using IommuDash.Bridge;
using IommuDash.Bridge.Server;
using IommuDash.Bridge.Trace;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Cli;

internal static class RunCommand
{
    /// <summary>The program could not be started, or the host could not be made: what a shell answers for a command it does not find.</summary>
    private const int CannotRun = 127;

    public static Command Create()
    {
        var host = new Option<string?>("--host") { Description = $"Host preset, or a part of its name; default {Presets.Default}." };
        var level = new Option<string?>("--level") { Description = $"Kernel to answer as: {string.Join(", ", ReferenceLevel.All)}; default {ReferenceLevel.Current}." };
        var trace = new Option<FileInfo?>("--trace") { Description = "File to write every call to; replay repeats it." };
        var server = new Option<string?>("--server") { Description = "Address of a running dashboard on this machine: run on a workspace of it, where every call shows as it happens." };
        var workspace = new Option<string?>("--workspace") { Description = "Id of the workspace, as in the address of its pages." };
        var program = new Argument<string[]>("program") { Description = "Program and its arguments, after --.", Arity = ArgumentArity.OneOrMore };
        var command = new Command("run", "Runs a program with /dev/iommu and /dev/vfio/vfio of an emulated host, and exits with its code. Static and set-user-id programs, and system calls made without libc, are not covered.") { host, level, trace, server, workspace, program };
        command.SetAction(parsed => (parsed.GetValue(server), parsed.GetValue(workspace)) switch
        {
            (null, null) => Run(parsed.GetValue(host) ?? Presets.Default, parsed.GetValue(level) ?? ReferenceLevel.Current.Name, parsed.GetValue(trace), parsed.GetValue(program)!),
            (null, _) or (_, null) => Fail("--server and --workspace go together."),
            _ when parsed.GetValue(host) is not null || parsed.GetValue(level) is not null => Fail("--host and --level cannot be chosen with --server: the workspace has its host, and its level, from when it was made."),
            _ when parsed.GetValue(trace) is not null => Fail("--trace cannot be had with --server: the workspace's calls are mixed with other commands, so a trace would not repeat. Run without --server for one."),
            ({ } url, { } id) => RunOnServer(url, id, parsed.GetValue(program)!),
        });
        return command;
    }

    private static int RunOnServer(string url, string workspace, string[] program)
    {
        if (PreloadLibrary.Find(out string missing) is not { } library)
            return Fail(missing);
        return ServerDoor.Find(url, workspace, out string problem) is { } socket ? RunProgram(library, socket, program) : Fail(problem);
    }

    private static int Run(string preset, string levelName, FileInfo? traceFile, string[] program)
    {
        if (PreloadLibrary.Find(out string missing) is not { } library)
            return Fail(missing);
        if (Presets.Find(preset, out string problem) is not { } description)
            return Fail(problem);
        if (ReferenceLevel.Find(levelName) is not { } level)
            return Fail($"No level is called '{levelName}'; there are {string.Join(", ", ReferenceLevel.All)}.");
        // Programs bring their own processes, with pids that a preset's could have.
        using var host = new EmulatedHost(description with { Processes = [] }, level: level);
        using StreamWriter? text = traceFile?.CreateText();
        TraceWriter? trace = text is null ? null : new TraceWriter(text, preset, level.Name);
        string directory = Directory.CreateTempSubdirectory("iommudash-").FullName;
        try
        {
            using BridgeServer? server = BridgeServer.Listen(host, new BridgeOptions { SocketPath = Path.Combine(directory, "host"), Trace = trace }, out string reason);
            return server is null ? Fail(reason) : RunOn(server, library, Path.Combine(directory, "host"), program);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static int RunOn(BridgeServer server, string library, string socket, string[] program)
    {
        var serving = new Thread(server.Run) { Name = "bridge" };
        serving.Start();
        try
        {
            return RunProgram(library, socket, program);
        }
        finally
        {
            server.Stop();
            serving.Join();
        }
    }

    private static int RunProgram(string library, string socket, string[] program)
    {
        if (ProgramFile.WhyNotCovered(program[0]) is { } reason)
            return Fail(reason);
        // The terminal sends these to the program too; it decides, and its exit ends the run.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = true);
        using var quit = PosixSignalRegistration.Create(PosixSignal.SIGQUIT, signal => signal.Cancel = true);
        try
        {
            var start = new ProcessStartInfo(program[0], program[1..]) { UseShellExecute = false };
            start.Environment["IOMMUDASH_SOCKET"] = socket;
            start.Environment["LD_PRELOAD"] = Environment.GetEnvironmentVariable("LD_PRELOAD") is { Length: > 0 } others ? $"{library}:{others}" : library;
            using Process running = Process.Start(start)!;
            running.WaitForExit();
            return running.ExitCode;
        }
        catch (Win32Exception e)
        {
            return Fail($"Cannot run {program[0]}: {e.Message}.");
        }
    }

    private static int Fail(string message)
    {
        Console.Error.WriteLine($"iommudash: {message}");
        return CannotRun;
    }
}
