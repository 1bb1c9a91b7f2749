using IommuDash.Web.Model;

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
}
