using IommuDash.Engine;
using IommuDash.Engine.Iommufd;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests.Views;

public sealed class ObjectGraphViewTests
{
    [Fact]
    public async Task Graph_OfAnAttachedDeviceAndAnAccess_SaysWhoHoldsWhom()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        await workspace.DoAsync(new IoasAlloc());
        await workspace.DoAsync(new DeviceBind { Address = TestWorkspaces.Address(1) });
        await workspace.DoAsync(new DeviceAttach { Device = 2, Pt = 1 });
        uint access = (await workspace.DoAsync(new AccessCreate { Ioas = 1 })).Access!.Value;

        ObjectGraphSnapshot graph = await ReadAsync(workspace, new());
        Assert.Equal(4, graph.Total);
        ObjectNode Node(uint id) => graph.Nodes.Single(node => node.Id == id);
        Assert.Equal([3u], Node(2).Holds);
        Assert.Equal([1u], Node(3).Holds);
        Assert.Equal([1u], Node(access).Holds);
        Assert.True(Node(3).IsAutomatic);
        Assert.Equal((2, 0), (Node(1).References, Node(1).Otherwise));
        Assert.Equal((2, 2), (Node(2).References, Node(2).Otherwise));
        Assert.Null(graph.Selected);
    }

    [Fact]
    public async Task Selected_Blocked_PreviewsTheRefusalThatDestroyGivesAndChangesNothing()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        await workspace.DoAsync(new IoasAlloc());
        await workspace.DoAsync(new DeviceBind { Address = TestWorkspaces.Address(1) });
        await workspace.DoAsync(new DeviceAttach { Device = 2, Pt = 1 });
        long before = workspace.Version;
        foreach ((string kind, string id, uint number) in new[] { ("ioas", "1", 1u), ("device", TestWorkspaces.Address(1), 2u), ("hwpt", "3", 3u), ("object", "3", 3u) })
        {
            SelectedObject selected = (await ReadAsync(workspace, new(1, kind, id))).Selected!;
            Assert.Equal(number, selected.Id);
            Assert.Equal((Errno.EBUSY, IommufdContext.BusyRule), (selected.Destroy!.Errno, selected.Destroy.Rule));
        }
        Assert.Equal(before, workspace.Version);
        Refusal preview = (await ReadAsync(workspace, new(1, "ioas", "1"))).Selected!.Destroy!;
        CommandAnswer answer = await workspace.ExecuteAsync(new ObjectDestroy { Id = 1 }, "test");
        Assert.Equal((preview.Errno, preview.Rule, preview.Reason), (answer.Errno!.Value, answer.Rule, answer.Reason));
        Assert.Equal([3u], preview.Objects);
        Assert.Null((await ReadAsync(workspace, new(1, "hwpt", "1"))).Selected);
        await workspace.DoAsync(new DeviceDetach { Device = 2 });
        Assert.Null((await ReadAsync(workspace, new(1, "ioas", "1"))).Selected!.Destroy);
    }

    [Fact]
    public async Task Objects_MoreThanOneWindow_AreCountedAndReachable()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        for (int i = 0; i < ObjectGraphView.MaxNodes + 3; i++)
            await workspace.DoAsync(new IoasAlloc());
        ObjectGraphSnapshot first = await ReadAsync(workspace, new());
        Assert.Equal((ObjectGraphView.MaxNodes, ObjectGraphView.MaxNodes + 3), (first.Nodes.Count, first.Total));
        ObjectGraphSnapshot last = await ReadAsync(workspace, new(First: ObjectGraphView.MaxNodes));
        Assert.Equal([501u, 502u, 503u], last.Nodes.Select(node => node.Id));
        Assert.Null((await ReadAsync(workspace, new(Context: 9))).Context);
    }

    private static async Task<ObjectGraphSnapshot> ReadAsync(Workspace workspace, ObjectGraphQuery query) =>
        (await workspace.ReadAsync<ObjectGraphView, ObjectGraphQuery, ObjectGraphSnapshot>(query)).Data;
}
