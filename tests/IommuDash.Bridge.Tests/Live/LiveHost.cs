using System.Runtime.Versioning;
using IommuDash.Bridge.Live;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Workspaces;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Bridge.Tests.Live;

/// <summary>A workspace whose door is open.</summary>
[SupportedOSPlatform("linux")]
internal sealed class LiveHost : IDisposable
{
    private static readonly EngineLimits s_limits = new();

    private readonly List<Exception> _broken = [];

    public LiveHost(ProgramOptions? options = null, ReferenceLevel? level = null, Action<WorkspaceOptions>? change = null)
    {
        var workspaces = new WorkspaceOptions();
        change?.Invoke(workspaces);
        Registry = new WorkspaceRegistry(workspaces, s_limits, TimeProvider.System, () => "w1");
        HostDescription description = HostPresets.Load(TestPaths.Beside("hosts")).Presets.Single(p => p.Id == "kernel-selftest-mock").Host;
        Assert.Null(Registry.Create(description, "test", out Workspace? workspace, level));
        Workspace = workspace!;
        Bridges = new ProgramBridges(options ?? new ProgramOptions(), (_, broken) => _broken.Add(broken));
        Socket = Bridges.Open(Workspace, out string? problem) ?? throw new InvalidOperationException(problem);
    }

    public WorkspaceRegistry Registry { get; }

    public Workspace Workspace { get; }

    public ProgramBridges Bridges { get; }

    public string Socket { get; }

    public StepProgram Start() => StepProgram.Start(Socket);

    public async Task<CommandAnswer> RunAsync(Command command) => await Workspace.ExecuteAsync(command, "test");

    public async Task<CommandOutputs> DoAsync(Command command)
    {
        CommandAnswer answer = await RunAsync(command);
        Assert.True(answer.Errno is null, $"{command}: {answer.Errno} {answer.Reason}");
        return answer.Outputs;
    }

    public async Task<IReadOnlyList<JournalEntry>> JournalAsync() => (await Workspace.ReadJournalAsync(int.MaxValue)).Newest;

    /// <summary>The host is what its journal says.</summary>
    public async Task AssertJournalRepeatsAsync()
    {
        long version;
        IReadOnlyList<JournalEntry> journal;
        string digest;
        do
        {
            version = Workspace.Version;
            journal = await JournalAsync();
            digest = await Workspace.ComputeDigestAsync();
        }
        while (version != Workspace.Version);
        using EmulatedHost replayed = JournalReplay.Run(Workspace.Description, s_limits, journal, Workspace.Level);
        Assert.Equal(digest, StateDigest.Compute(replayed));
    }

    /// <summary>Waits until the server has seen that no program is left.</summary>
    public async Task NoProgramsAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        for (long seen = -1; Bridges.Count != 0; seen = Workspace.Version)
            await Workspace.WaitForChangeAsync(seen, patience.Token);
    }

    public void Dispose()
    {
        Bridges.Dispose();
        Registry.Dispose();
        Assert.Empty(_broken);
    }
}
