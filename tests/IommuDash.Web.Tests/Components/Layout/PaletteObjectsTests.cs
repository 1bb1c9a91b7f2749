using IommuDash.Web.Model;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Web.Tests.Components.Layout;

public sealed class PaletteObjectsTests : WorkspacePageTest
{
    [Fact]
    public async Task Read_OfAHostInUse_FindsObjectsDevicesAndProcessesAndGoesThere()
    {
        Attach();
        WorkspaceSession session = Service<WorkspaceSession>();
        Assert.Empty(await PaletteObjects.ReadAsync(session, Navigation));
        Assert.True(session.Open(Workspace.Id));
        IReadOnlyList<PaletteEntry> entries = await PaletteObjects.ReadAsync(session, Navigation);
        Assert.Equal(["IOAS 1", "hw_pagetable 3", FirstDevice, SecondDevice, "Process 100"], entries.Select(entry => entry.Title));
        await entries[1].RunAsync();
        Assert.EndsWith("/w/w1/domains?sel=hwpt%3A3", Navigation.Uri, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_OnAPageOfAnotherContext_FindsThatContextsObjectsAndStaysInIt()
    {
        Attach();
        int second = Do(new ContextOpen { Pid = Pid }).Context!.Value;
        Do(new IoasAlloc { Context = second });
        Do(new IoasAlloc { Context = second });
        WorkspaceSession session = Service<WorkspaceSession>();
        Assert.True(session.Open(Workspace.Id));
        Navigation.NavigateTo($"/w/w1/objects?context={second}");
        IReadOnlyList<PaletteEntry> entries = await PaletteObjects.ReadAsync(session, Navigation);
        Assert.Equal(["IOAS 1", "IOAS 2"], entries.Take(2).Select(entry => entry.Title));
        await entries[1].RunAsync();
        Assert.EndsWith($"/w/w1/ioas?sel=ioas%3A2&context={second}", Navigation.Uri, StringComparison.Ordinal);
    }
}
