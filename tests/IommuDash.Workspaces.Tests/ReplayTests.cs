using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Tests;

/// <summary>A journal replays to an equal state, whatever was done; and refusal leaves no trace but those that the reference leaves too.</summary>
public sealed class ReplayTests
{
    private const int CommandsPerRun = 400;

    public static TheoryData<string, int> Runs()
    {
        var runs = new TheoryData<string, int>();
        foreach (string preset in (string[])["kernel-selftest-mock", "intel-client", "intel-server", "amd-epyc", "small-intel", "small-amd", "small-mock", "small-mock with queues"])
        {
            for (int seed = 1; seed <= (preset.StartsWith("small", StringComparison.Ordinal) ? 6 : 2); seed++)
                runs.Add(preset, seed);
        }
        return runs;
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public async Task Journal_OfARandomRun_ReplaysToAnEqualDigest(string preset, int seed)
    {
        HostDescription description = Describe(preset);
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create(description);
        if (preset.EndsWith("queues", StringComparison.Ordinal))
            await workspace.RunAsync(TestQueues.Guest);
        var commands = new RandomCommands(seed, description);
        int successes = 0;
        for (int i = 0; i < CommandsPerRun; i++)
        {
            string before = await workspace.ComputeDigestAsync(StateScope.WithoutTraces);
            Command command = commands.Next();
            CommandAnswer answer = await workspace.ExecuteAsync(command, "test");
            successes += answer.Errno is null ? 1 : 0;
            // A type1 unmap may be refused after its first cut, and an invalidation after its first entries, which stay, here as on Linux.
            if (answer.Errno is not null && command is not VfioUnmapDma && answer.Outputs.UnmappedBytes is null or 0 && answer.Outputs is not QueueOutputs { Done: > 0 })
                Assert.True(before == await workspace.ComputeDigestAsync(StateScope.WithoutTraces), $"Command {i} was refused and left a trace: {command} {answer.Errno} {answer.Rule}");
        }
        Assert.InRange(successes, 10, CommandsPerRun);
        using EmulatedHost replayed = JournalReplay.Run(description, new EngineLimits(), workspace.Journal.Entries);
        Assert.Equal(await workspace.ComputeDigestAsync(), StateDigest.Compute(replayed));
    }

    [Theory]
    [InlineData("small-mock")]
    [InlineData("small-intel")]
    public async Task Undo_StepByStep_GoesBackThroughEveryState(string preset)
    {
        HostDescription description = Describe(preset);
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create(description);
        var commands = new RandomCommands(42, description);
        var digests = new Stack<string>();
        for (int i = 0; i < 60; i++)
        {
            digests.Push(await workspace.ComputeDigestAsync());
            await workspace.ExecuteAsync(commands.Next(), "test");
        }
        long version = workspace.Version;
        while (digests.TryPop(out string? before))
        {
            CommandAnswer undone = await workspace.UndoAsync("test");
            Assert.Null(undone.Errno);
            Assert.Equal(++version, undone.Version);
            Assert.Equal(before, await workspace.ComputeDigestAsync());
        }
        Assert.Equal(Errno.EINVAL, (await workspace.UndoAsync("test")).Errno);
    }

    [Fact]
    public async Task Undo_AfterTheJournalLostItsBeginning_IsRefusedWithTheOption()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry(o => o.JournalEntries = 3);
        Workspace workspace = registry.Create();
        for (int i = 0; i < 5; i++)
            await workspace.DoAsync(new IoasAlloc());
        JournalSummary journal = await workspace.ReadJournalAsync(10);
        Assert.Equal((3, 3L, false, 3), (journal.Count, journal.Dropped, journal.IsReplayable, journal.Newest.Count));
        CommandAnswer refused = await workspace.UndoAsync("test");
        Assert.Equal(Errno.EOVERFLOW, refused.Errno);
        Assert.Contains("Workspaces:JournalEntries", refused.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Digest_OfHostsThatDifferInOneByte_Differs()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace one = registry.Create();
        Workspace other = registry.Create();
        Assert.Equal(await one.ComputeDigestAsync(), await other.ComputeDigestAsync());
        await one.DoAsync(new ProcessWrite { Pid = TestWorkspaces.Pid, Address = TestWorkspaces.Buffer, Bytes = new byte[] { 1, 2 } });
        await other.DoAsync(new ProcessWrite { Pid = TestWorkspaces.Pid, Address = TestWorkspaces.Buffer, Bytes = new byte[] { 1, 3 } });
        Assert.NotEqual(await one.ComputeDigestAsync(), await other.ComputeDigestAsync());
    }

    private static HostDescription Describe(string name) => name switch
    {
        "small-intel" => TestWorkspaces.Host(IommuVendor.Intel, memlockBytes: 4UL << 20),
        "small-amd" => TestWorkspaces.Host(IommuVendor.Amd, memlockBytes: 4UL << 20),
        "small-mock" or "small-mock with queues" => TestWorkspaces.Host(),
        _ => HostPresets.Load(Path.Combine(AppContext.BaseDirectory, "hosts")).Presets.Single(p => p.Id == name).Host,
    };
}
