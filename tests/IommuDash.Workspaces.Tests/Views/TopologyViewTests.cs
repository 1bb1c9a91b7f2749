using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests.Views;

public sealed class TopologyViewTests
{
    [Fact]
    public void Project_NewHost_ListsUnitsGroupsAndDevicesInOrder()
    {
        using var host = new EmulatedHost(TestWorkspaces.Host());
        TopologySnapshot tree = TopologyView.Project(host, new TopologyQuery());
        Assert.Equal(["unit:unit0", "group:1", "device:0000:01:00.0", "group:2", "device:0000:02:00.0", "group:3", "device:0000:03:00.0", "group:4", "device:0000:04:00.0"], tree.Rows.Select(row => row.Key));
        Assert.Equal([1, 2, 3, 2, 3, 2, 3, 2, 3], tree.Rows.Select(row => row.Level));
        Assert.Equal((9, 4, 4, 4, 1), (tree.TotalRows, tree.Devices, tree.TotalDevices, tree.Groups, tree.Units));
        Assert.Equal((2, 4), (tree.Rows[3].Position, tree.Rows[3].Siblings));
    }

    [Fact]
    public void Project_Windowed_GivesTheRowsAskedForAndTheTotal()
    {
        using var host = new EmulatedHost(TestWorkspaces.Host());
        TopologySnapshot tree = TopologyView.Project(host, new TopologyQuery(First: 3, Count: 2));
        Assert.Equal(["group:2", "device:0000:02:00.0"], tree.Rows.Select(row => row.Key));
        Assert.Equal((3, 9), (tree.First, tree.TotalRows));
    }

    [Theory]
    [InlineData("device:0000:03:00.0", 6)]
    [InlineData("group:1", 1)]
    [InlineData("device:nowhere", null)]
    public void Project_RowToFind_GivesItsIndexOutsideTheWindowToo(string key, int? index)
    {
        using var host = new EmulatedHost(TestWorkspaces.Host());
        Assert.Equal(index, TopologyView.Project(host, new TopologyQuery(Count: 2, Find: key)).FoundIndex);
    }

    [Fact]
    public void Project_GroupClosed_LeavesOutItsDevices()
    {
        using var host = new EmulatedHost(TestWorkspaces.Host());
        TopologySnapshot tree = TopologyView.Project(host, new TopologyQuery(Closed: "group:1 group:3"));
        Assert.DoesNotContain("device:0000:01:00.0", tree.Rows.Select(row => row.Key));
        Assert.Contains("device:0000:02:00.0", tree.Rows.Select(row => row.Key));
        Assert.False(tree.Rows.Single(row => row.Key == "group:1").IsOpen);
        Assert.Single(TopologyView.Project(host, new TopologyQuery(Closed: "unit:unit0")).Rows);
    }

    [Theory]
    [InlineData("02:00", "device:0000:02:00.0")]
    [InlineData("group:3 unit0", "device:0000:03:00.0")]
    [InlineData("[10DE:2204] geforce", "device:0000:04:00.0")]
    public void Project_Filtered_KeepsMatchesAndWhatLeadsToThemEvenIfClosed(string filter, string device)
    {
        HostDescription described = TestWorkspaces.Host();
        using var host = new EmulatedHost(described with
        {
            Devices = [.. described.Devices.Take(3), described.Devices[3] with { Name = "GeForce RTX", VendorId = 0x10de, DeviceId = 0x2204 }],
        });
        TopologySnapshot tree = TopologyView.Project(host, new TopologyQuery(Filter: filter, Closed: "unit:unit0"));
        Assert.Equal([1, 2, 3], tree.Rows.Select(row => row.Level));
        Assert.Equal(device, tree.Rows[2].Key);
        Assert.Equal((1, 4), (tree.Devices, tree.TotalDevices));
    }

    [Fact]
    public async Task Project_DeviceAttached_SaysWhereOnDeviceAndGroup()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        uint ioas = (await workspace.DoAsync(new IoasAlloc())).Ioas!.Value;
        uint device = (await workspace.DoAsync(new DeviceBind { Address = TestWorkspaces.Address(2) })).Device!.Value;
        uint hwpt = (await workspace.DoAsync(new DeviceAttach { Device = device, Pt = ioas })).Hwpt!.Value;
        TopologySnapshot tree = (await workspace.ReadAsync<TopologyView, TopologyQuery, TopologySnapshot>(new(Filter: "02:00"))).Data;
        Assert.Equal(new TopologyBinding(1, device, hwpt, true, ioas), tree.Rows[2].Device!.Bound);
        Assert.Equal((1, hwpt), (tree.Rows[1].Group!.Owner, tree.Rows[1].Group!.Hwpt));
    }

    [Fact]
    public async Task Project_GroupOwnedByAnotherContext_SaysWhyItCannotBeBound()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        await workspace.DoAsync(new ContextOpen { Pid = TestWorkspaces.Pid });
        await workspace.DoAsync(new DeviceBind { Context = 2, Address = TestWorkspaces.Address(1) });
        TopologySnapshot tree = (await workspace.ReadAsync<TopologyView, TopologyQuery, TopologySnapshot>(new(Filter: "01:00"))).Data;
        Assert.Equal((Errno.EINVAL, "bind.twice"), (tree.Rows[2].Device!.BindRefusal!.Errno, tree.Rows[2].Device!.BindRefusal!.Rule));
        Assert.Null((await workspace.ReadAsync<TopologyView, TopologyQuery, TopologySnapshot>(new(Context: 2, Filter: "01:00"))).Data.Rows[2].Device!.BindRefusal);
    }
}
