using IommuDash.Engine;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests.Views;

public sealed class ObjectFactsViewTests
{
    [Fact]
    public async Task Facts_OfEachKind_NameWhatHoldsWhat()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        uint ioas = (await workspace.DoAsync(new IoasAlloc())).Ioas!.Value;
        uint device = (await workspace.DoAsync(new DeviceBind { Address = TestWorkspaces.Address(1) })).Device!.Value;
        uint hwpt = (await workspace.DoAsync(new DeviceAttach { Device = device, Pt = ioas })).Hwpt!.Value;

        ObjectFactsSnapshot space = await FactsAsync(workspace, "ioas", $"{ioas}");
        Assert.Equal(new ObjectName("hwpt", $"{hwpt}", $"automatic hw_pagetable {hwpt}"), Assert.Single(space.Holders));
        ObjectFactsSnapshot table = await FactsAsync(workspace, "hwpt", $"{hwpt}");
        Assert.Equal(("device", TestWorkspaces.Address(1)), (Assert.Single(table.Holders).Kind, table.Holders[0].Id));
        Assert.Equal("ioas", Assert.Single(table.Holds).Kind);
        Assert.Equal(new IovaRange(1 << 24, (1UL << 31) - 1), table.Facts.Single(fact => fact.Name == "Aperture").Range);
        ObjectFactsSnapshot hardware = await FactsAsync(workspace, "device", TestWorkspaces.Address(1));
        Assert.Contains(hardware.Facts, fact => fact.Text == $"context 1 as device {device}");
        Assert.True((await FactsAsync(workspace, "group", "1")).Exists);
        Assert.True((await FactsAsync(workspace, "unit", "unit0")).Exists);
        Assert.False((await FactsAsync(workspace, "ioas", $"{hwpt}")).Exists);
        Assert.False((await FactsAsync(workspace, "device", "nowhere")).Exists);
        Assert.Equal(new ObjectName("device", TestWorkspaces.Address(1), TestWorkspaces.Address(1)), (await FactsAsync(workspace, "object", $"{device}")).Name);
        Assert.Equal("hwpt", (await FactsAsync(workspace, "object", $"{hwpt}")).Name!.Kind);
    }

    [Fact]
    public async Task Facts_ContextHeldByAQueuesFile_ShowItsObjectsUntilThatIsClosed()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        await workspace.RunAsync(TestQueues.Faults);
        ObjectFactsSnapshot open = await FactsAsync(workspace, "object", "3");
        await workspace.DoAsync(new ContextClose { Fd = 1 });
        ObjectFactsSnapshot held = await FactsAsync(workspace, "object", "3");
        Assert.Equal(open.Name, held.Name);
        Assert.True(held.Exists);
        Assert.True((await FactsAsync(workspace, "hwpt", "4")).Exists);
        await workspace.DoAsync(new FaultClose { Fault = 3 });
        Assert.False((await FactsAsync(workspace, "object", "3")).Exists);
    }

    private static async Task<ObjectFactsSnapshot> FactsAsync(Workspace workspace, string kind, string id) =>
        (await workspace.ReadAsync<ObjectFactsView, ObjectFactsQuery, ObjectFactsSnapshot>(new ObjectFactsQuery(1, kind, id))).Data;
}
