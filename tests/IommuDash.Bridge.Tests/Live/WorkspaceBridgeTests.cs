using System.Diagnostics;
using System.Runtime.Versioning;
using IommuDash.Bridge.Live;
using IommuDash.Bridge.Native;
using IommuDash.Engine;
using IommuDash.Engine.Iommufd;
using IommuDash.Workspaces;
using IommuDash.Workspaces.Calls;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Bridge.Tests.Live;

/// <summary>Real programs on a workspace: they are part of its history.</summary>
[SupportedOSPlatform("linux")]
public sealed class WorkspaceBridgeTests
{
    private static readonly Lazy<string> s_door = new(() => TestPaths.Compile(TestPaths.Beside("programs/door.c"), "door-live", "-O1"));

    [Theory]
    [InlineData("threads")]
    [InlineData("forks")]
    [InlineData("execs")]
    [InlineData("pointers")]
    [InlineData("events")]
    [InlineData("fail-nth")]
    [InlineData("window")]
    [InlineData("status")]
    [InlineData("memory-file")]
    [InlineData("crash")]
    public async Task Journal_AfterAProgram_RepeatsToAnEqualHost(string scenario)
    {
        using var live = new LiveHost();
        Assert.Equal(scenario == "crash" ? 128 + 9 : 0, RunDoor(live.Socket, scenario));
        await live.NoProgramsAsync();
        await live.AssertJournalRepeatsAsync();
    }

    [Fact]
    public async Task Journal_WhileAProgramRunsAndOthersUseItsContext_RepeatsAtEveryStep()
    {
        using var live = new LiveHost();
        using StepProgram program = live.Start();
        program.Do("open");
        int context = await ContextOfAsync(live, program.Pid);
        foreach (string step in (string[])["alloc", "window 1", "map 1 32", "file 1 8"])
        {
            program.Do(step);
            await live.AssertJournalRepeatsAsync();
        }
        // The first domain pins the program's memory; a page of the dashboard asks for it, not the program.
        CommandOutputs device = await live.DoAsync(new DeviceBind { Context = context, Address = "mock0" });
        await live.DoAsync(new DeviceAttach { Context = context, Device = device.Device!.Value, Pt = 1 });
        await live.AssertJournalRepeatsAsync();
        Assert.IsType<CommandOnPrograms>((await live.JournalAsync())[^1].Command);
        program.Do("map 1 64");
        CommandOutputs access = await live.DoAsync(new AccessCreate { Context = context, Ioas = 1 });
        await live.AssertJournalRepeatsAsync();
        await live.DoAsync(new AccessClose { Context = context, Access = access.Access!.Value });
        program.Do("close");
        await live.AssertJournalRepeatsAsync();
        Assert.Equal(0, program.Exit());
        await live.NoProgramsAsync();
        await live.AssertJournalRepeatsAsync();
    }

    [Fact]
    public async Task Journal_OfReadsOfMemoryWhoseProcessIsGone_Repeats()
    {
        using var live = new LiveHost();
        using StepProgram program = live.Start();
        foreach (string step in (string[])["open", "alloc", "window 1", "mock 1"])
            program.Do(step);
        long iova = program.Do("map 1 4");
        long access = program.Do("access 1");
        program.Do($"rw {access} {iova}");
        program.Do("fork");
        Assert.Equal((false, (long)Errno.EFAULT), program.Try($"rw {access} {iova}"));
        await live.AssertJournalRepeatsAsync();
    }

    [Fact]
    public async Task Undo_WaitsForTheProgram_AndThenGoesBackThroughEveryCall()
    {
        using var live = new LiveHost();
        using StepProgram program = live.Start();
        foreach (string step in (string[])["open", "alloc", "mock 1", "map 1 16"])
            program.Do(step);
        CommandAnswer refused = await live.Workspace.UndoAsync("test");
        Assert.Equal((Errno.EBUSY, "undo.programs"), (refused.Errno, refused.Rule));
        string running = await live.Workspace.ComputeDigestAsync();
        program.Kill();
        await live.NoProgramsAsync();
        await UntilAsync(live, async () => (await live.Workspace.UndoAsync("test")).Errno is null);
        while (await live.Workspace.ComputeDigestAsync() != running)
            Assert.Null((await live.Workspace.UndoAsync("test")).Errno);
        await live.AssertJournalRepeatsAsync();

        // The ghost of the first is on the host, and a second program comes to it.
        using StepProgram second = live.Start();
        second.Do("open");
        second.Do("alloc");
        second.Do("map 1 16");
        await live.AssertJournalRepeatsAsync();
        second.Exit();
        await live.NoProgramsAsync();
        await live.AssertJournalRepeatsAsync();
    }

    [Fact]
    public async Task Programs_PagesAndCommandsAtOnce_LeaveAJournalThatRepeats()
    {
        using var live = new LiveHost(change: o => (o.JournalEntries, o.JournalBytes) = (10_000_000, 4L << 30));
        using var stop = new CancellationTokenSource();
        Task commands = Task.Run(async () =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++)
                await live.RunAsync(i % 2 == 0 ? new IoasAlloc() : new IoasMap { Ioas = 1, UserAddress = 0x7ffff7a00000, Length = 4096 });
        });
        Task page = Task.Run(async () =>
        {
            await foreach (long _ in live.Workspace.ChangesAsync(TimeSpan.FromMilliseconds(1), stop.Token))
            {
                foreach (int context in (int[])[1, 2, 3])
                    await live.Workspace.ReadAsync<ObjectGraphView, ObjectGraphQuery, ObjectGraphSnapshot>(new ObjectGraphQuery { Context = context });
            }
        });
        int[] codes = await Task.WhenAll(Task.Run(() => RunDoor(live.Socket, "threads")), Task.Run(() => RunDoor(live.Socket, "forks")), Task.Run(() => RunDoor(live.Socket, "status")));
        await stop.CancelAsync();
        await commands;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => page);
        Assert.Equal([0, 0, 0], codes);
        await live.AssertJournalRepeatsAsync();
    }

    [Fact]
    public void Open_AfterAServerWasKilled_RemovesWhatItLeft()
    {
        string left = Directory.CreateTempSubdirectory("iommudash-").FullName;
        int dead = Libc.Socket(Libc.AfUnix, Libc.SockSeqpacket, 0);
        Assert.True(PacketSocket.TryBind(dead, Path.Combine(left, "host")));
        Libc.Close(dead);
        using var first = new LiveHost();
        using var second = new LiveHost();
        Assert.False(Directory.Exists(left));
        Assert.True(File.Exists(first.Socket));
    }

    [Fact]
    public async Task Program_WhosePidAnEmulatedProcessHas_GetsAnother()
    {
        using var live = new LiveHost();
        using StepProgram program = live.Start();
        await live.DoAsync(new ProcessCreate { Pid = program.Pid, Name = "squatter" });
        program.Do("open");
        ProcessesSnapshot processes = (await live.Workspace.ReadAsync<ProcessesView, ProcessesQuery, ProcessesSnapshot>(new ProcessesQuery())).Data;
        Assert.Contains(processes.Processes, p => p.Pid == program.Pid && p.Name == "squatter");
        Assert.Contains(processes.Processes, p => p.Pid == program.Pid + 1 && p.Name == "steps");
        program.Do("alloc");
        program.Do("map 1 4");
        await live.AssertJournalRepeatsAsync();
    }

    [Fact]
    public async Task Commands_ThatWouldCloseOrEndAProgram_AreRefused()
    {
        using var live = new LiveHost();
        using StepProgram program = live.Start();
        program.Do("open");
        int context = await ContextOfAsync(live, program.Pid);
        long version = live.Workspace.Version;
        Assert.Equal((Errno.EBUSY, "context.program"), Rule(await live.RunAsync(new ContextClose { Fd = context })));
        Assert.Equal((Errno.EBUSY, "process.program"), Rule(await live.RunAsync(new ProcessExit { Pid = program.Pid })));
        Assert.Equal(version, live.Workspace.Version);
        Assert.Equal(1, program.Do("alloc"));
        await live.DoAsync(new ContextClose { Fd = 1 });
    }

    [Fact]
    public async Task Delete_WhileAProgramRuns_LeavesItWithErrors()
    {
        using var live = new LiveHost();
        using StepProgram program = live.Start();
        program.Do("open");
        program.Do("alloc");
        program.Do("map 1 8");
        Assert.True(live.Registry.Delete("w1"));
        Assert.Equal((false, (long)Errno.EIO), program.Try("alloc"));
        Assert.Equal(3, program.Exit(3));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (live.Bridges.Count != 0 || Directory.Exists(Path.GetDirectoryName(live.Socket)))
            await pace.WaitForNextTickAsync(patience.Token);
        Assert.Throws<WorkspaceDeletedException>(() => live.Bridges.Open(live.Workspace, out _));
    }

    [Fact]
    public async Task Programs_AtTheCap_GetEnomemWithTheOption()
    {
        using var live = new LiveHost(new ProgramOptions { PerWorkspace = 1 });
        using StepProgram first = live.Start();
        first.Do("open");
        using StepProgram second = live.Start();
        Assert.Equal((false, (long)Errno.ENOMEM), second.Try("open"));
        EventsSnapshot events = (await live.Workspace.ReadEventsAsync(new EventsQuery())).Data;
        Assert.Contains(events.Items, e => e.Reason?.Contains("Programs:PerWorkspace", StringComparison.Ordinal) == true && e.Source.EndsWith(" steps", StringComparison.Ordinal));
        first.Exit();
        await live.NoProgramsAsync();
        second.Do("open");
    }

    [Fact]
    public async Task Call_OfAProgram_IsAVersionWithEventsOfItsSource()
    {
        using var live = new LiveHost();
        using StepProgram program = live.Start();
        program.Do("open");
        long before = live.Workspace.Version;
        program.Do("alloc");
        Assert.Equal(before + 1, live.Workspace.Version);
        Assert.Equal((false, (long)Errno.ENOENT), program.Try("destroy 77"));
        EventsSnapshot events = (await live.Workspace.ReadEventsAsync(new EventsQuery())).Data;
        Assert.Contains(events.Items, e => e.Version == before + 1 && e.Source == $"run {program.Pid} steps" && e.Op == "IOAS_ALLOC");
        Assert.Contains(events.Items, e => e.Version == before + 2 && e.Op == "DESTROY" && e.Errno == Errno.ENOENT);
    }

    [Fact]
    public async Task Limit_OnWrittenBytes_StopsCallsThatTakeAndLetsThoseThatGiveBack()
    {
        using var live = new LiveHost(change: o => o.TotalWrittenBytes = 1 << 20);
        using StepProgram program = live.Start();
        foreach (string step in (string[])["open", "alloc", "alloc"])
            program.Do(step);
        await live.DoAsync(new ProcessMmap { Pid = 1000, Start = 0x7000_0000_0000, LengthBytes = 2 << 20 });
        for (ulong at = 0; live.Workspace.Version < 1_000; at += 64 << 10)
        {
            if ((await live.RunAsync(new ProcessWrite { Pid = 1000, Address = 0x7000_0000_0000 + at, Bytes = new byte[64 << 10] })).Errno is not null)
                break;
        }
        Assert.Equal((false, (long)Errno.ENOMEM), program.Try("alloc"));
        program.Do("destroy 2");
        await live.AssertJournalRepeatsAsync();
    }

    private static (Errno?, string?) Rule(CommandAnswer answer) => (answer.Errno, answer.Rule);

    private static async Task<int> ContextOfAsync(LiveHost live, int pid)
    {
        EventsSnapshot events = (await live.Workspace.ReadEventsAsync(new EventsQuery())).Data;
        return events.Items.Single(e => e.Kind == EngineEventKind.ContextOpened && e.Source.StartsWith($"run {pid} ", StringComparison.Ordinal)).Context;
    }

    private static async Task UntilAsync(LiveHost live, Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        for (long seen = live.Workspace.Version; !await condition(); seen = live.Workspace.Version)
            await live.Workspace.WaitForChangeAsync(seen, patience.Token);
    }

    private static int RunDoor(string socket, string scenario)
    {
        var start = new ProcessStartInfo(s_door.Value, [scenario]);
        start.Environment["IOMMUDASH_SOCKET"] = socket;
        start.Environment["LD_PRELOAD"] = PreloadLibrary.Find(out string missing) ?? throw new InvalidOperationException(missing);
        using Process program = Process.Start(start)!;
        Assert.True(program.WaitForExit(TimeSpan.FromSeconds(60)));
        return program.ExitCode;
    }
}
