using System.Diagnostics;
using System.Runtime.Versioning;
using IommuDash.Bridge.Server;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;

namespace IommuDash.Bridge.Tests;

/// <summary>What the kernel does with descriptors, processes and threads, seen by a C program through the preload library.</summary>
[SupportedOSPlatform("linux")]
public sealed class DoorTests
{
    private static readonly Lazy<string> s_door = new(() => TestPaths.Compile(TestPaths.Beside("programs/door.c"), "door", "-O1"));

    [Theory]
    [InlineData("threads")]
    [InlineData("forks")]
    [InlineData("dups")]
    [InlineData("execs")]
    [InlineData("pointers")]
    [InlineData("events")]
    [InlineData("fail-nth")]
    [InlineData("window")]
    [InlineData("status")]
    [InlineData("memory-file")]
    public void Program_UsesTheDescriptor_AsOnLinux(string scenario)
    {
        using var door = new Door();
        Assert.Equal((0, ""), door.Run(scenario));
    }

    [Fact]
    public void Program_Crashes_LeavesNothing()
    {
        using var door = new Door();
        Assert.Equal(128 + 9, door.Run("crash").ExitCode);
        // One context is allowed, so the next can open only if the crash ended the first.
        Assert.Equal((0, ""), door.Run("pointers"));
    }

    [Fact]
    public void Server_Goes_CallsFailAndTheProgramLives()
    {
        using var door = new Door();
        using Process program = door.Start("orphan");
        Assert.Equal("open", program.StandardOutput.ReadLine());
        door.Stop();
        Assert.True(program.WaitForExit(TimeSpan.FromSeconds(30)));
        Assert.Equal(("", 0), (program.StandardError.ReadToEnd(), program.ExitCode));
    }

    [Fact]
    public void Socket_IsTheUsersAlone()
    {
        using var door = new Door();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(door.SocketPath));
    }

    [Fact]
    public void Stop_WithContextsOpen_UnpinsEverything()
    {
        using var door = new Door();
        using Process program = door.Start("orphan");
        Assert.Equal("open", program.StandardOutput.ReadLine());
        door.Stop();
        Assert.Empty(door.Host.Contexts);
        Assert.Empty(door.Host.Processes);
        Assert.True(program.WaitForExit(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void Run_ExitsWithTheProgramsCode()
    {
        _ = s_door.Value;
        Assert.Equal(7, TestPaths.IommuDash(["run", "--", "sh", "-c", "exit 7"]).ExitCode);
        (int code, string output) = TestPaths.IommuDash(["run", "--", "/no/such/program"]);
        Assert.Equal(127, code);
        Assert.Contains("/no/such/program", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_OfAStaticProgram_SaysSoBeforeItRuns()
    {
        string program = TestPaths.Compile(TestPaths.Beside("programs/door.c"), "door-static", "-static");
        (int code, string output) = TestPaths.IommuDash(["run", "--", program, "pointers"]);
        Assert.Equal((127, $"iommudash: {program} is a static program: it has no dynamic loader by which the library could come in, so it would see the real machine. Link it dynamically.\n"), (code, output));
    }

    [Fact]
    public void Run_OfAScriptForAStaticInterpreter_SaysSo()
    {
        string program = TestPaths.Compile(TestPaths.Beside("programs/door.c"), "door-static", "-static");
        string script = Path.Combine(TestPaths.Cache, "script");
        File.WriteAllText(script, $"#! {program} pointers\n");
        Assert.Contains("static program", ProgramFile.WhyNotCovered(script), StringComparison.Ordinal);
        File.WriteAllText(script, "#!/bin/sh\nexit 0\n");
        Assert.Null(ProgramFile.WhyNotCovered(script));
    }

    [Fact]
    public void WhyNotCovered_DynamicProgramOrNone_IsNull()
    {
        Assert.Null(ProgramFile.WhyNotCovered(s_door.Value));
        Assert.Null(ProgramFile.WhyNotCovered("sh"));
        Assert.Null(ProgramFile.WhyNotCovered("/no/such/program"));
    }

    [Fact]
    public void WhyNotCovered_SetUserIdOfAnother_SaysSo()
    {
        string program = Path.Combine(TestPaths.Cache, "door-set-user-id");
        File.Copy(s_door.Value, program, overwrite: true);
        if (TestPaths.Run("chown", ["65534", program]).ExitCode != 0)
            Assert.Skip("Only root can give a file to another user.");
        File.SetUnixFileMode(program, UnixFileMode.SetUser | UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.Contains("set-user-id", ProgramFile.WhyNotCovered(program), StringComparison.Ordinal);
    }

    [Fact]
    public void Run_UnknownHostOrLevel_SaysWhatThereIs()
    {
        Assert.Contains("kernel-selftest-mock", TestPaths.IommuDash(["run", "--host", "nowhere", "--", "true"]).Output, StringComparison.Ordinal);
        Assert.Contains("6.12", TestPaths.IommuDash(["run", "--level", "1.0", "--", "true"]).Output, StringComparison.Ordinal);
    }

    /// <summary>A server in this process, with room for one context.</summary>
    private sealed class Door : IDisposable
    {
        private readonly string _directory = Directory.CreateTempSubdirectory("door-").FullName;
        private readonly BridgeServer _server;
        private readonly Thread _thread;

        public Door()
        {
            _ = s_door.Value;
            Host = new EmulatedHost(new HostDescription { Name = "door", MemoryBytes = 1UL << 30, Units = [new IommuUnitDescription { Name = "mock", Vendor = IommuVendor.Mock }] },
                new EngineLimits { Contexts = 1 });
            _server = BridgeServer.Listen(Host, new BridgeOptions { SocketPath = SocketPath }, out string reason) ?? throw new InvalidOperationException(reason);
            _thread = new Thread(_server.Run);
            _thread.Start();
        }

        public EmulatedHost Host { get; }

        public string SocketPath => Path.Combine(_directory, "host");

        public Process Start(string scenario)
        {
            var start = new ProcessStartInfo(s_door.Value, [scenario]) { RedirectStandardError = true, RedirectStandardOutput = true };
            start.Environment["IOMMUDASH_SOCKET"] = SocketPath;
            start.Environment["LD_PRELOAD"] = PreloadLibrary.Find(out string missing) ?? throw new InvalidOperationException(missing);
            return Process.Start(start)!;
        }

        public (int ExitCode, string Errors) Run(string scenario)
        {
            using Process program = Start(scenario);
            if (!program.WaitForExit(TimeSpan.FromSeconds(60)))
                program.Kill();
            program.WaitForExit();
            return (program.ExitCode, program.StandardError.ReadToEnd());
        }

        public void Stop()
        {
            _server.Stop();
            _thread.Join();
            _server.Dispose();
        }

        public void Dispose()
        {
            Stop();
            Host.Dispose();
            Directory.Delete(_directory, recursive: true);
        }
    }
}
