using System.Text.Json;
using IommuDash.Engine;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Selftest;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Tests.Commands;

/// <summary>Queues and virtual IOMMUs by commands, with exact answers.</summary>
public sealed class QueueCommandsTests : IDisposable
{
    private readonly WorkspaceRegistry _registry = TestWorkspaces.Registry();

    public void Dispose() => _registry.Dispose();

    [Fact]
    public async Task PageRequest_ReadAndAnswered_GoesThroughTheQueueOnce()
    {
        Workspace workspace = await CreateAsync(TestQueues.Faults);
        Assert.Null((await QueueAsync(workspace, new DevicePageRequest { Device = 2, Group = 7, Address = 0x1000, Last = false })).Fault);
        Assert.Equal(3u, (await QueueAsync(workspace, new DevicePageRequest { Device = 2, Group = 7, Perm = 3, Address = 0x2000, Pasid = 0 })).Fault);
        QueueOutputs read = await QueueAsync(workspace, new FaultRead { Fault = 3 });
        Assert.Equal([new FaultRecord(2, null, 7, 1, 0x1000, false, 1), new FaultRecord(2, null, 7, 3, 0x2000, true, 1)], read.Faults);
        Assert.Equal(2 * PageFault.RecordBytes * 2, read.Hex!.Length);
        Assert.Empty((await QueueAsync(workspace, new FaultRead { Fault = 3 })).Faults!);
        Assert.Equal(1u, (await QueueAsync(workspace, Answer(3, 1))).Done);
        await RefuseAsync(workspace, Answer(3, 1), Errno.EINVAL, "fault.cookie");
        await RefuseAsync(workspace, new FaultRead { Fault = 3, Count = 41 }, Errno.ESPIPE, "events.seek");
        await RefuseAsync(workspace, new DevicePageRequest { Device = 1, Address = 0 }, Errno.ENOENT, "object.lookup");
    }

    [Fact]
    public async Task Answer_SomeUnknown_TellsHowManyCounted()
    {
        Workspace workspace = await CreateAsync(TestQueues.Faults);
        for (uint group = 1; group <= 2; group++)
            await workspace.DoAsync(new DevicePageRequest { Device = 2, Group = group, Address = 0x1000 });
        await workspace.DoAsync(new FaultRead { Fault = 3 });
        Assert.Equal(1u, (await QueueAsync(workspace, Answer(3, 1, 9, 2))).Done);
        CommandAnswer refused = await RefuseAsync(workspace, Answer(3, 9, 2), Errno.EINVAL, "fault.cookie");
        Assert.Equal(0u, ((QueueOutputs)refused.Outputs).Done);
        await RefuseAsync(workspace, new FaultAnswer { Fault = 3, Responses = [new(2, (PageResponse)5)] }, Errno.EINVAL, "fault.code");
    }

    [Fact]
    public async Task FaultQueue_Closed_AnswersNothingAndGoesOnlyWhenNobodyUsesIt()
    {
        Workspace workspace = await CreateAsync(TestQueues.Faults);
        await workspace.DoAsync(new DevicePageRequest { Device = 2, Address = 0x1000 });
        await workspace.DoAsync(new FaultClose { Fault = 3 });
        await RefuseAsync(workspace, new FaultRead { Fault = 3 }, Errno.EBADF, "events.file");
        Assert.Empty((await AnswersAsync(workspace)).Items);
        await RefuseAsync(workspace, new ObjectDestroy { Id = 3 }, Errno.EBUSY, IommufdContext.BusyRule);
        await workspace.DoAsync(new DeviceDetach { Device = 2 });
        Assert.Equal((uint)PageResponse.Invalid, Assert.Single((await AnswersAsync(workspace)).Items).Other);
        await workspace.DoAsync(new ObjectDestroy { Id = 4 });
        await workspace.DoAsync(new ObjectDestroy { Id = 3 });
    }

    [Fact]
    public async Task Vevents_MoreThanTheDepth_AreReadWithTheLossAndTheNumbersGoOn()
    {
        Workspace workspace = await CreateAsync(TestQueues.Guest);
        for (int i = 0; i < 3; i++)
            await workspace.DoAsync(new TestTriggerVevent { Device = 2 });
        Assert.Equal([new VeventRecord(0, false, "11000000")], (await QueueAsync(workspace, new VeventqRead { Veventq = 7, Count = 12 })).Events);
        Assert.Equal([new VeventRecord(1, false, "11000000"), new VeventRecord(2, true, "")], (await QueueAsync(workspace, new VeventqRead { Veventq = 7 })).Events);
        await workspace.DoAsync(new TestTriggerVevent { Device = 2 });
        QueueOutputs last = await QueueAsync(workspace, new VeventqRead { Veventq = 7 });
        Assert.Equal(("000000000300000011000000", 3u), (last.Hex, last.Events![0].Sequence));
        await RefuseAsync(workspace, new VeventqRead { Veventq = 7, Count = 7 }, Errno.EINVAL, "events.room");
        await RefuseAsync(workspace, new VeventqRead { Veventq = 8 }, Errno.EBADF, "events.file");
        await workspace.DoAsync(new VeventqClose { Veventq = 7 });
        await RefuseAsync(workspace, new VeventqRead { Veventq = 7 }, Errno.EBADF, "events.file");
    }

    [Fact]
    public async Task Invalidate_ANestedTableAndAVirtualIommu_TellsEntriesDoneAlsoWhenRefused()
    {
        Workspace workspace = await CreateAsync(TestQueues.Guest);
        byte[] entries = new byte[16];
        Assert.Equal(2u, (await QueueAsync(workspace, new HwptInvalidate { Id = 6, DataType = MockConstants.HwptInvalidateType, EntryBytes = 8, Entries = entries })).Done);
        entries[12] = 9;
        CommandAnswer refused = await RefuseAsync(workspace, new HwptInvalidate { Id = 6, DataType = MockConstants.HwptInvalidateType, EntryBytes = 8, Entries = entries }, Errno.EINVAL, "invalidate.id");
        Assert.Equal(1u, ((QueueOutputs)refused.Outputs).Done);
        byte[] ofDevice = new byte[12];
        ofDevice[4] = (byte)TestQueues.VirtualId;
        Assert.Equal(1u, (await QueueAsync(workspace, new HwptInvalidate { Id = 4, DataType = MockConstants.ViommuInvalidateType, EntryBytes = 12, Entries = ofDevice })).Done);
    }

    [Fact]
    public async Task AddReserved_ARange_KeepsAreasOutAndIsRefusedWhereOneIs()
    {
        Workspace workspace = await CreateAsync([new IoasAlloc(), new TestAddReserved { Ioas = 1, Start = 0x10_0000, Length = 0x10_0000 }]);
        await RefuseAsync(workspace, new IoasMap { Ioas = 1, UserAddress = TestWorkspaces.Buffer, Length = 0x1000, Iova = 0x1f_f000 }, Errno.EINVAL, "map.fixed.reserved");
        await workspace.DoAsync(new IoasMap { Ioas = 1, UserAddress = TestWorkspaces.Buffer, Length = 0x1000, Iova = 0x20_0000 });
        await RefuseAsync(workspace, new TestAddReserved { Ioas = 1, Start = 0x20_0000, Length = 1 }, Errno.EADDRINUSE, "reserve.inuse");
        await RefuseAsync(workspace, new TestAddReserved { Ioas = 1, Start = 0, Length = 0 }, Errno.EINVAL, "test.length");
        await RefuseAsync(workspace, new TestAddReserved { Ioas = 9, Start = 0, Length = 1 }, Errno.ENOENT, "object.lookup");
    }

    [Fact]
    public async Task MockDeviceWithPasids_MadeAttachedByPasidAndDestroyed_ComesAndGoes()
    {
        Workspace workspace = await CreateAsync([new IoasAlloc()]);
        QueueOutputs made = await QueueAsync(workspace, new TestMockDomain { Pt = 1, Flags = 4 });
        Assert.Equal((2u, 3u, 4u), (made.Mock, made.Device, made.Hwpt));
        await RefuseAsync(workspace, new TestMockDomain { Pt = 1, Flags = 2 }, Errno.EINVAL, "test.deviceflags");
        uint hwpt = (await workspace.DoAsync(new HwptAlloc { Device = 3, Pt = 1, Pasid = true })).Hwpt!.Value;
        await workspace.DoAsync(new DeviceReplace { Device = 3, Pt = hwpt });
        Assert.Equal(hwpt, (await workspace.DoAsync(new DeviceAttach { Device = 3, Pt = hwpt, Pasid = 7 })).Hwpt);
        await RefuseAsync(workspace, new DeviceAttach { Device = 3, Pt = hwpt, Pasid = 7 }, Errno.EBUSY, "attach.twice");
        await workspace.DoAsync(new DeviceDetach { Device = 3, Pasid = 7 });
        await RefuseAsync(workspace, new DeviceReplace { Device = 3, Pt = hwpt, Pasid = 7 }, Errno.EINVAL, "replace.unattached");
        await workspace.DoAsync(new ObjectDestroy { Id = 2 });
        await RefuseAsync(workspace, new DeviceDetach { Device = 3 }, Errno.ENOENT, "object.lookup");
    }

    [Fact]
    public async Task HwQueue_InMappedMemory_TakesItsPlaceAndLocksIt()
    {
        Workspace workspace = await CreateAsync(TestQueues.Guest);
        await workspace.DoAsync(new IoasMap { Ioas = 1, UserAddress = TestWorkspaces.Buffer, Length = 0x2000, Iova = 0x100_0000 });
        var alloc = new HwQueueAlloc { Viommu = 4, Type = MockConstants.HwQueueType, Iova = 0x100_0000, Length = 0x1000 };
        Assert.NotNull((await QueueAsync(workspace, alloc)).HwQueue);
        await RefuseAsync(workspace, alloc, Errno.EEXIST, "hwqueue.taken");
        Assert.Equal(Errno.EBUSY, (await workspace.ExecuteAsync(new IoasUnmap { Ioas = 1, Iova = 0x100_0000, Length = 0x2000 }, "test")).Errno);
    }

    [Fact]
    public async Task ViommuAlloc_WithData_GivesTheDriversUpdateBack()
    {
        Workspace workspace = await CreateAsync(TestQueues.Guest.Take(3));
        byte[] data = new byte[24];
        data[0] = 0xab;
        QueueOutputs made = await QueueAsync(workspace, new ViommuAlloc { Device = 2, Hwpt = 3, Type = MockConstants.ViommuType, Data = data });
        Assert.Equal("ab000000ab000000", made.Hex![..16]);
        Assert.Contains("\"viommu\":4", JsonSerializer.Serialize<CommandOutputs>(made, WorkspaceJson.Options), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Calls_ThatAnOlderKernelLacks_AreRefusedAsItRefusesThem()
    {
        Assert.Null(_registry.Create(TestWorkspaces.Host(), "test", out Workspace? made, ReferenceLevel.Linux612));
        Workspace old = made!;
        await old.RunAsync(TestQueues.Faults.Take(3));
        foreach (Command command in (Command[])
        [
            new ViommuAlloc { Device = 2, Hwpt = 1, Type = MockConstants.ViommuType },
            new VdeviceAlloc { Viommu = 1, Device = 2, VirtualId = 1 },
            new VeventqAlloc { Viommu = 1, Type = MockConstants.VeventqType, Depth = 1 },
            new HwQueueAlloc { Viommu = 1, Type = MockConstants.HwQueueType, Iova = 0, Length = 1 },
            new IoasMapFile { Ioas = 1, File = "f", Length = 1 },
            new IoasChangeProcess { Pid = TestWorkspaces.Pid },
        ])
            await RefuseAsync(old, command, Errno.ENOTTY, "ioctl.level");
        await RefuseAsync(old, new TestTriggerVevent { Device = 2 }, Errno.EOPNOTSUPP, "test.op");
        await RefuseAsync(old, TestQueues.Faults[3], Errno.EOPNOTSUPP, "hwpt.flags");
    }

    [Fact]
    public async Task Commands_TooLarge_AreRefusedWithoutAVersion()
    {
        Workspace workspace = await CreateAsync([]);
        long before = workspace.Version;
        foreach (Command command in (Command[])
        [
            new FaultRead { Fault = 1, Count = (1 << 16) + 1 },
            new VeventqRead { Veventq = 1, Count = -1 },
            new HwptAlloc { Device = 1, Pt = 1, Data = new byte[(1 << 16) + 1] },
            new HwptInvalidate { Id = 1, DataType = 0, EntryBytes = 8, Entries = new byte[(1 << 16) + 1] },
            new ViommuAlloc { Device = 1, Hwpt = 1, Type = 1, Data = new byte[(1 << 16) + 1] },
            new FaultAnswer { Fault = 1, Responses = [.. Enumerable.Repeat(new FaultResponse(1, 0), FaultAnswer.MaxResponses + 1)] },
        ])
            await RefuseAsync(workspace, command, Errno.E2BIG, "command.size");
        Assert.Equal(before, workspace.Version);
    }

    private static FaultAnswer Answer(uint queue, params uint[] cookies) => new() { Fault = queue, Responses = [.. cookies.Select(cookie => new FaultResponse(cookie, PageResponse.Success))] };

    private static async Task<Workspaces.Views.EventsSnapshot> AnswersAsync(Workspace workspace) =>
        (await workspace.ReadEventsAsync(new Workspaces.Views.EventsQuery { Kind = EngineEventKind.FaultAnswered })).Data;

    private static async Task<QueueOutputs> QueueAsync(Workspace workspace, Command command) => (QueueOutputs)await workspace.DoAsync(command);

    private static async Task<CommandAnswer> RefuseAsync(Workspace workspace, Command command, Errno errno, string rule)
    {
        CommandAnswer answer = await workspace.ExecuteAsync(command, "test");
        Assert.Equal((errno, rule), (answer.Errno, answer.Rule));
        return answer;
    }

    private async Task<Workspace> CreateAsync(IEnumerable<Command> commands)
    {
        Workspace workspace = _registry.Create();
        await workspace.RunAsync(commands);
        return workspace;
    }
}
