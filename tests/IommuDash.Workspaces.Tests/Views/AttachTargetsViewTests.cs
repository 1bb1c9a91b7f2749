using IommuDash.Engine;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests.Views;

public sealed class AttachTargetsViewTests
{
    [Fact]
    public async Task Project_NoContext_ListsThoseThatAreOpen()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        AttachTargetsSnapshot targets = await ReadAsync(registry.Create(), new AttachTargetsQuery(Context: 9));
        Assert.Null(targets.Context);
        Assert.Equal([new ContextSummary(1, TestWorkspaces.Pid, "vmm", 0)], targets.Contexts);
    }

    [Fact]
    public async Task Project_DevicesAttached_ListsEachIoasWithItsHwptsAndTheirDevices()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        uint ioas = (await workspace.DoAsync(new IoasAlloc())).Ioas!.Value;
        uint other = (await workspace.DoAsync(new IoasAlloc())).Ioas!.Value;
        uint first = await BindAsync(workspace, 1);
        uint second = await BindAsync(workspace, 2);
        uint hwpt = (await workspace.DoAsync(new DeviceAttach { Device = first, Pt = ioas })).Hwpt!.Value;
        AttachTargetsSnapshot targets = await ReadAsync(workspace, new AttachTargetsQuery());
        Assert.Equal([$"ioas:{ioas}", $"hwpt:{hwpt}", $"ioas:{other}"], targets.Targets.Select(target => target.Key));
        Assert.Equal(TestWorkspaces.Address(1), Assert.Single(targets.Targets[1].Devices).Address);
        Assert.True(targets.Targets[1].Hwpt!.IsAutomatic);
        Assert.Equal([1, 1, 0], targets.Targets.Select(target => target.TotalDevices));
        Assert.Equal(second, Assert.Single(targets.Unattached).Id);
        Assert.All(targets.Targets, target => Assert.Null(target.Preview));
    }

    [Fact]
    public async Task Project_DeviceChosen_PreviewsTheCallThatTakesItToEachTarget()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        uint ioas = (await workspace.DoAsync(new IoasAlloc())).Ioas!.Value;
        uint other = (await workspace.DoAsync(new IoasAlloc())).Ioas!.Value;
        // The mock's window begins at 16 MiB, so this area lies where no device of it can reach.
        await workspace.DoAsync(new IoasMap { Ioas = other, UserAddress = TestWorkspaces.Buffer, Length = 0x1000, Iova = 0x1000 });
        var query = new AttachTargetsQuery(Device: TestWorkspaces.Address(1));

        AttachTargetsSnapshot unbound = await ReadAsync(workspace, query);
        Assert.Equal((AttachCall.BindAndAttach, true), (unbound.Targets[0].Preview!.Call, unbound.Targets[0].Preview!.MakesHwpt));
        Assert.Equal(Errno.EADDRINUSE, unbound.Targets[1].Preview!.Refusal!.Errno);
        Assert.Contains(new RefusalRange(RangeRole.Area, new IovaRange(0x1000, 0x1fff)), unbound.Targets[1].Preview!.Refusal!.Ranges);

        uint device = await BindAsync(workspace, 1);
        Assert.Equal(AttachCall.Attach, (await ReadAsync(workspace, query)).Targets[0].Preview!.Call);

        uint hwpt = (await workspace.DoAsync(new DeviceAttach { Device = device, Pt = ioas })).Hwpt!.Value;
        AttachTargetsSnapshot attached = await ReadAsync(workspace, query);
        Assert.Equal([AttachCall.None, AttachCall.None, AttachCall.Replace], attached.Targets.Select(target => target.Preview!.Call));
        Assert.Equal(hwpt, attached.Targets[0].Preview!.Hwpt);
        Assert.Equal(Errno.EADDRINUSE, attached.Targets[2].Preview!.Refusal!.Errno);

        CommandAnswer tried = await workspace.ExecuteAsync(new DeviceReplace { Device = device, Pt = other }, "test");
        Assert.Equal((attached.Targets[2].Preview!.Refusal!.Errno, attached.Targets[2].Preview!.Refusal!.Rule), (tried.Errno!.Value, tried.Rule));
    }

    [Fact]
    public async Task Project_MoreTargetsThanAsked_SaysHowMany()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        for (int i = 0; i < 5; i++)
            await workspace.DoAsync(new IoasAlloc());
        AttachTargetsSnapshot targets = await ReadAsync(workspace, new AttachTargetsQuery(First: 3, Count: 1));
        Assert.Equal((3, 5), (targets.First, targets.TotalTargets));
        Assert.Equal("ioas:4", Assert.Single(targets.Targets).Key);
    }

    private static async Task<uint> BindAsync(Workspace workspace, int device) => (await workspace.DoAsync(new DeviceBind { Address = TestWorkspaces.Address(device) })).Device!.Value;

    private static async Task<AttachTargetsSnapshot> ReadAsync(Workspace workspace, AttachTargetsQuery query) =>
        (await workspace.ReadAsync<AttachTargetsView, AttachTargetsQuery, AttachTargetsSnapshot>(query)).Data;
}
