using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests.Views;

public sealed class QueueViewsTests : IDisposable
{
    private readonly WorkspaceRegistry _registry = TestWorkspaces.Registry(limits: new EngineLimits { FaultGroupsPerQueue = 5 });

    public void Dispose() => _registry.Dispose();

    [Fact]
    public async Task Queues_OfAllContexts_CountWhatWaitsWhatWasReadAndWhatWasLost()
    {
        Workspace workspace = await CreateAsync(TestQueues.Guest);
        await workspace.DoAsync(new ContextOpen { Pid = TestWorkspaces.Pid });
        await workspace.DoAsync(new FaultAlloc { Context = 2 });
        for (uint i = 0; i < 6; i++)
            await workspace.DoAsync(new DevicePageRequest { Device = 2, Group = i, Address = 0x1000 });
        for (int i = 0; i < 5; i++)
            await workspace.DoAsync(new TestTriggerVevent { Device = 2 });
        await workspace.DoAsync(new FaultRead { Fault = 8, Count = 2 * PageFault.RecordBytes });
        await workspace.DoAsync(new VeventqRead { Veventq = 7, Count = 12 });

        QueuesSnapshot all = await QueuesAsync(workspace, new());
        Assert.Equal(["1/7", "1/8", "2/1"], all.Queues.Select(queue => queue.Key));
        Assert.Equal((3, 5L, 2), (all.Total, all.PendingGroups, all.Contexts.Count));
        QueueRow events = all.Queues[0];
        Assert.Equal((QueueKind.Vevent, 2L, 1, 1UL, 3UL, "vIOMMU 4"), (events.Kind, events.Depth, events.Waiting, events.Delivered, events.Lost, events.Belongs.Single().Title));
        QueueRow faults = all.Queues[1];
        Assert.Equal((QueueKind.Fault, 5L, 3, 2, 2UL, 1UL), (faults.Kind, faults.Depth, faults.Waiting, faults.Unanswered, faults.Delivered, faults.Lost));
        Assert.Equal("nested hwpt 9", faults.Belongs.Single().Title);

        Assert.Equal(["2/1"], (await QueuesAsync(workspace, new(Context: 2))).Queues.Select(queue => queue.Key));
        QueuesSnapshot window = await QueuesAsync(workspace, new(First: 2, Count: 1));
        Assert.Equal((2, 3), (window.First, window.Total));
        Assert.Empty((await QueuesAsync(workspace, new(Count: 0))).Queues);
        await workspace.DoAsync(new ContextClose { Fd = 2 });
        Assert.Single((await QueuesAsync(workspace, new(Context: 2))).Queues);
        await workspace.DoAsync(new FaultClose { Context = 2, Fault = 1 });
        Assert.Equal(2, (await QueuesAsync(workspace, new())).Total);
    }

    [Fact]
    public async Task FaultQueue_SomeReadSomeAnswered_ShowsTheRestInOrderOfArrival()
    {
        Workspace workspace = await CreateAsync(TestQueues.Faults);
        await workspace.DoAsync(new IoasMap { Ioas = 1, UserAddress = TestWorkspaces.Buffer, Length = 0x1000, Iova = 0x100_0000 });
        for (uint group = 10; group <= 12; group++)
            await workspace.DoAsync(new DevicePageRequest { Device = 2, Group = group, Address = 0x100_0000 + (group == 12 ? 0x1000u : 0), Perm = 3 });
        await workspace.DoAsync(new DevicePageRequest { Device = 2, Group = 13, Address = 0x5000, Last = false });
        long arrived = workspace.Version - 1;
        await workspace.DoAsync(new FaultRead { Fault = 3, Count = 2 * PageFault.RecordBytes });
        await workspace.DoAsync(new FaultAnswer { Fault = 3, Responses = [new(1, PageResponse.Success)] });

        FaultQueueSnapshot queue = (await workspace.ReadAsync<FaultQueueView, FaultQueueQuery, FaultQueueSnapshot>(new(1, 3))).Data;
        Assert.Equal([(2UL, 2u), (3UL, null)], queue.Groups.Select(group => (group.Number, group.Cookie)));
        Assert.Equal((arrived, 12u, 2u), (queue.Groups[1].Since, queue.Groups[1].Group, queue.Groups[1].DeviceId));
        Assert.Equal([true, false], queue.Groups.Select(group => group.Faults.Single().IsMapped!.Value));
        FaultSource source = Assert.Single(queue.Sources);
        Assert.Equal(("hw_pagetable 4", 2), (source.Hwpt.Title, source.Pending));
        Assert.Equal((2u, 2, 1), (source.Devices[0].Id, source.Devices[0].Pending, source.Devices[0].Gathering));
        Assert.Null((await workspace.ReadAsync<FaultQueueView, FaultQueueQuery, FaultQueueSnapshot>(new(1, 4))).Data.Queue);

        Assert.Null((await workspace.UndoAsync("test")).Errno);
        queue = (await workspace.ReadAsync<FaultQueueView, FaultQueueQuery, FaultQueueSnapshot>(new(1, 3))).Data;
        Assert.Equal([(1UL, 1u), (2UL, 2u), (3UL, null)], queue.Groups.Select(group => (group.Number, group.Cookie)));
        Assert.Equal(arrived, queue.Groups[2].Since);
    }

    [Fact]
    public async Task Veventq_Overflowed_MarksTheGapBeforeTheNextEventAndAtTheEnd()
    {
        Workspace workspace = await CreateAsync(TestQueues.Guest);
        for (int i = 0; i < 5; i++)
            await workspace.DoAsync(new TestTriggerVevent { Device = 2 });
        VeventqSnapshot queue = await EventsAsync(workspace);
        Assert.Equal([0u, 1u], queue.Events.Select(item => item.Sequence));
        Assert.Equal((4u, 3u, 5u), (queue.LostSequence!.Value, queue.LostAtEnd, queue.NextSequence));
        Assert.Equal((17u, "device 2 · 0000:01:00.0", "11000000"), (queue.Events[0].VirtualId!.Value, queue.Events[0].Device!.Title, queue.Events[0].Hex));
        Assert.True(queue.Sources.Single().CanRaise);

        // One is read, and the next report finds room: the jump in the numbers is all that is left of the loss.
        await workspace.DoAsync(new VeventqRead { Veventq = 7, Count = 12 });
        await workspace.DoAsync(new TestTriggerVevent { Device = 2 });
        queue = await EventsAsync(workspace);
        Assert.Equal([(1u, 0u), (5u, 3u)], queue.Events.Select(item => (item.Sequence, item.LostBefore)));
        Assert.Equal((0u, null, 0u), (queue.LastRead, queue.LostSequence, queue.LostAtEnd));
        Assert.Equal([(5u, 3u)], (await EventsAsync(workspace, first: 1)).Events.Select(item => (item.Sequence, item.LostBefore)));
        await workspace.DoAsync(new VeventqRead { Veventq = 7 });
        Assert.Equal((5u, 0), ((await EventsAsync(workspace)).LastRead, (await EventsAsync(workspace)).TotalEvents));
    }

    [Fact]
    public async Task Setup_FromAnEmptyContext_NamesWhatIsThereStepByStep()
    {
        Workspace workspace = await CreateAsync([]);
        QueueSetupSnapshot setup = await SetupAsync(workspace);
        Assert.Equal((true, TestWorkspaces.Address(1)), (setup.IsOpen, setup.FreeDevice));
        Assert.Equal(new FaultSetup(null, null, null, null, false, false), setup.Faults);
        await workspace.RunAsync(TestQueues.Faults);
        setup = await SetupAsync(workspace);
        Assert.Equal(new FaultSetup(1, 3, 4, 2, true, false), setup.Faults);
        Assert.Equal((3u, Errno.ENOENT), (setup.Devices[0].Queue, setup.Devices[0].EventRefusal!.Errno));
        Assert.Equal((null, TestWorkspaces.Address(2)), (setup.Events.Device, setup.FreeDevice));

        Workspace guest = await CreateAsync(TestQueues.Guest);
        setup = await SetupAsync(guest);
        Assert.Equal(new EventSetup(1, 2, 3, 4, 5, 9, true, false, 7, null), setup.Events);
        Assert.Equal((7u, null), (setup.Devices[0].EventQueue, setup.Devices[0].EventRefusal));
        Assert.False((await guest.ReadAsync<QueueSetupView, QueueSetupQuery, QueueSetupSnapshot>(new(9))).Data.IsOpen);
    }

    [Fact]
    public async Task Setup_OnHardwareWithoutVirtualIommus_GivesTheRefusalOfTheCall()
    {
        Workspace workspace = _registry.Create(TestWorkspaces.Host(IommuVendor.Intel));
        await workspace.RunAsync(TestQueues.Faults);
        Refusal refusal = (await SetupAsync(workspace)).Events.Refusal!;
        CommandAnswer answer = await workspace.ExecuteAsync(new ViommuAlloc { Device = 2, Hwpt = 4, Type = Engine.Selftest.MockConstants.ViommuType }, "test");
        Assert.Equal((answer.Errno, answer.Reason), (refusal.Errno, refusal.Reason));
        Assert.Equal("test.mock", (await SetupAsync(workspace)).Devices[0].EventRefusal!.Rule);
    }

    private async Task<Workspace> CreateAsync(IEnumerable<Command> commands)
    {
        Workspace workspace = _registry.Create();
        await workspace.RunAsync(commands);
        return workspace;
    }

    private static async Task<QueuesSnapshot> QueuesAsync(Workspace workspace, QueuesQuery query) => (await workspace.ReadAsync<QueuesView, QueuesQuery, QueuesSnapshot>(query)).Data;

    private static async Task<VeventqSnapshot> EventsAsync(Workspace workspace, int first = 0) => (await workspace.ReadAsync<VeventqView, VeventqQuery, VeventqSnapshot>(new(1, 7, first))).Data;

    private static async Task<QueueSetupSnapshot> SetupAsync(Workspace workspace) => (await workspace.ReadAsync<QueueSetupView, QueueSetupQuery, QueueSetupSnapshot>(new())).Data;
}
