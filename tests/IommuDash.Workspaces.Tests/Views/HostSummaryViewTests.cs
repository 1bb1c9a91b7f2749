using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests.Views;

public sealed class HostSummaryViewTests
{
    [Fact]
    public async Task Summary_AfterAttachAndMap_CountsAll()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        uint ioas = (await workspace.DoAsync(new IoasAlloc())).Ioas!.Value;
        await workspace.DoAsync(new DeviceAttach { Device = await BindAsync(workspace, 1), Pt = ioas });
        await BindAsync(workspace, 2);
        await workspace.DoAsync(new IoasMap { Ioas = ioas, UserAddress = TestWorkspaces.Buffer, Length = 0x3000 });
        HostSummary summary = (await workspace.ReadAsync<HostSummaryView, HostSummaryQuery, HostSummary>(new())).Data;
        Assert.Equal(new HostSummary(Contexts: 1, Ioases: 1, Hwpts: 1, Bound: 2, Attached: 1, Areas: 1, MappedBytes: 0x3000, PinnedFrames: 3), summary);
    }

    private static async Task<uint> BindAsync(Workspace workspace, int device) => (await workspace.DoAsync(new DeviceBind { Address = TestWorkspaces.Address(device) })).Device!.Value;
}
