using Microsoft.AspNetCore.Components;

using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Model;

/// <summary>What of the open host the command palette finds on every page: devices, address spaces, page tables and processes. Read when the palette opens.</summary>
public static class PaletteObjects
{
    /// <summary>Address spaces and page tables are those of the context that the page shows, the first <see cref="AttachTargetsView.MaxTargets"/> of them.</summary>
    public static async Task<IReadOnlyList<PaletteEntry>> ReadAsync(WorkspaceSession session, NavigationManager navigation)
    {
        if (session.Workspace is not { } workspace || session.IsDeleted)
            return [];
        int context = DashboardUrls.ContextOf(navigation.Uri);
        AttachTargetsSnapshot targets = (await session.ReadAsync<AttachTargetsView, AttachTargetsQuery, AttachTargetsSnapshot>(new(context, null, 0))).Data;
        IoasSnapshot spaces = (await session.ReadAsync<IoasView, IoasQuery, IoasSnapshot>(new(0, context))).Data;
        return
        [
            .. targets.Targets.Select(target => target.Hwpt is null
                ? Entry($"IOAS {target.Id}", $"{SizeFormat.Count(target.Areas)} areas", DashboardUrls.Ioas(workspace.Id, new SelectionKey("ioas", $"{target.Id}")))
                : Entry($"hw_pagetable {target.Id}", $"{target.Hwpt.Format} of IOAS {target.Ioas}", DashboardUrls.Domains(workspace.Id, new SelectionKey("hwpt", $"{target.Id}")))),
            .. workspace.Description.Devices.Select(device => Entry(device.Address, device.Name, DashboardUrls.Topology(workspace.Id, new SelectionKey("device", device.Address)))),
            .. spaces.Processes.Select(process => Entry($"Process {process.Pid}", process.Name, DashboardUrls.Pages(workspace.Id, new SelectionKey("process", $"{process.Pid}")))),
        ];

        PaletteEntry Entry(string title, string hint, string url) => new(title, hint, () =>
        {
            navigation.NavigateTo(DashboardUrls.InContext(url, context));
            return Task.CompletedTask;
        });
    }
}
