using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Web.Components.Queues;
using IommuDash.Web.Model;
using IommuDash.Workspaces;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Tests.Components.Queues;

public sealed class QueueSetupTests
{
    [Fact]
    public async Task Steps_EachDoneInTurn_LeadToAFaultAndAnEventOnOneMockHost()
    {
        using var registry = new WorkspaceRegistry(new WorkspaceOptions(), new EngineLimits(), TimeProvider.System, static () => "w1");
        Workspace workspace = Create(registry, IommuVendor.Mock);
        Assert.Equal(5, await RunAsync(workspace, QueueSetup.Faults));
        // The IOAS is used again; the device of the faults is left alone.
        Assert.Equal(7, await RunAsync(workspace, QueueSetup.Events));
        QueueSetupSnapshot setup = await ReadAsync(workspace);
        Assert.NotEqual(setup.Faults.Device, setup.Events.Device);
        Assert.True(setup.Faults.IsAttached && setup.Events.IsAttached);
        Assert.Null((await workspace.ExecuteAsync(new TestTriggerVevent { Device = setup.Events.Device!.Value }, "test")).Errno);
        var asked = (QueueOutputs)(await workspace.ExecuteAsync(new DevicePageRequest { Device = setup.Faults.Device!.Value, Address = 0 }, "test")).Outputs;
        Assert.Equal(setup.Faults.Queue, asked.Fault);
    }

    [Fact]
    public async Task Events_OnHardwareWithoutVirtualIommus_SayWhyBeforeTheyAreTried()
    {
        using var registry = new WorkspaceRegistry(new WorkspaceOptions(), new EngineLimits(), TimeProvider.System, static () => "w1");
        Workspace workspace = Create(registry, IommuVendor.Intel);
        Assert.Equal(5, await RunAsync(workspace, QueueSetup.Faults));
        Assert.Equal(1, await RunAsync(workspace, QueueSetup.Events));
        SetupStep[] steps = [.. QueueSetup.Events(await ReadAsync(workspace), 1)];
        Assert.Equal(Errno.EOPNOTSUPP, steps.Single(step => step.Title.Contains("vIOMMU on", StringComparison.Ordinal)).Refusal!.Errno);
    }

    [Theory]
    [InlineData("?context=2&queue=7&from=200&fault=3&first=100&sel=object%3A7&table=on")]
    [InlineData("")]
    [InlineData("?queue=0")]
    public void State_FromAUrlAndBack_IsTheSame(string query)
    {
        QueuesPageState state = QueuesPageState.Parse(new Uri("http://x/w/w1/queues" + query));
        Assert.Equal(state, QueuesPageState.Parse(new Uri(new Uri("http://x"), state.Url("w1"))));
        Assert.Equal(query.Contains("first", StringComparison.Ordinal) ? new QueuesPageState(2, 7, 200, 3, 100, new SelectionKey("object", "7"), true) : new QueuesPageState(Queue: query.Length == 0 ? null : 0), state);
    }

    [Fact]
    public void Answer_ToACommandThatALimitStopped_IsToldToo()
    {
        var stopped = new CommandAnswer { Errno = Errno.E2BIG, Rule = "command.size", Reason = "Too much." };
        CommandReport report = CommandReport.Of(new FaultAnswer { Fault = 1, Responses = [] }, stopped, "", new HashSet<uint>());
        Assert.Equal("Too much.", report.Refusal!.Reason);
    }

    // What "do all" does: the next step, until there is none or one is refused. Returns how many succeeded.
    private static async Task<int> RunAsync(Workspace workspace, Func<QueueSetupSnapshot, int, IReadOnlyList<SetupStep>> way)
    {
        for (int done = 0; ; done++)
        {
            IReadOnlyList<SetupStep> steps = way(await ReadAsync(workspace), 1);
            if (steps.SingleOrDefault(step => step.Command is not null) is not { Command: { } command } || (await workspace.ExecuteAsync(command, "test")).Errno is not null)
                return done;
        }
    }

    private static async Task<QueueSetupSnapshot> ReadAsync(Workspace workspace) => (await workspace.ReadAsync<QueueSetupView, QueueSetupQuery, QueueSetupSnapshot>(new())).Data;

    private static Workspace Create(WorkspaceRegistry registry, IommuVendor vendor)
    {
        Assert.Null(registry.Create(new HostDescription
        {
            Name = "test",
            MemoryBytes = 64UL << 20,
            Units = [new IommuUnitDescription { Name = "unit0", Vendor = vendor, InputBits = 48, SnoopControl = vendor != IommuVendor.Mock }],
            Groups = [new GroupDescription { Id = 1 }, new GroupDescription { Id = 2 }],
            Devices = [new DeviceDescription { Address = "0000:01:00.0", Unit = "unit0", Group = 1 }, new DeviceDescription { Address = "0000:02:00.0", Unit = "unit0", Group = 2 }],
            Processes = [new ProcessDescription { Pid = 1, Name = "vmm" }],
        }, "test", out Workspace? workspace));
        return workspace!;
    }
}
