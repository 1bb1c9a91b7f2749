using IommuDash.Engine;
using IommuDash.Engine.Iommufd;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Model;

/// <summary>Events in words, and where what they are about can be seen.</summary>
public static class EventText
{
    /// <summary>What happened, short; the event's range is shown beside it.</summary>
    public static string Describe(EventItem item) => item.Kind switch
    {
        _ when item.Errno is not null => item.Reason ?? "",
        EngineEventKind.ContextOpened => $"context {item.Object} opened by pid {item.Other}",
        EngineEventKind.ContextClosed => $"context {item.Object} closed",
        EngineEventKind.ObjectCreated => $"{TypeName(item.Other)} {item.Object} made",
        EngineEventKind.ObjectDestroyed => $"{TypeName(item.Other)} {item.Object} destroyed",
        EngineEventKind.DeviceAttached => $"device {item.Object} attached to hw_pagetable {item.Other}",
        EngineEventKind.DeviceReplaced => $"device {item.Object} moved to hw_pagetable {item.Other}",
        EngineEventKind.DeviceDetached => $"device {item.Object} detached from hw_pagetable {item.Other}",
        EngineEventKind.AreaMapped => $"IOAS {item.Object}: area mapped",
        EngineEventKind.AreaUnmapped => $"IOAS {item.Object}: area unmapped",
        EngineEventKind.AllowedChanged => item.Value == 0 ? $"IOAS {item.Object}: allowed everywhere" : $"IOAS {item.Object}: {item.Value} allowed ranges",
        EngineEventKind.ReservedAdded => $"IOAS {item.Object}: reserved",
        EngineEventKind.ReservedRemoved => $"IOAS {item.Object}: no longer reserved",
        EngineEventKind.AlignmentChanged => $"IOAS {item.Object}: alignment {SizeFormat.Text(item.Value)}",
        EngineEventKind.FaultQueued => $"device {item.Other} asked for pages, group {item.Value}: fault queue {item.Object}",
        EngineEventKind.FaultAnswered => $"group {item.Value} of device {item.Object} answered {((PageResponse)item.Other == PageResponse.Success ? "SUCCESS" : "INVALID")}",
        EngineEventKind.VeventQueued => $"vEVENTQ {item.Object}: event #{item.Value} of vIOMMU {item.Other}",
        EngineEventKind.VeventLost => $"vEVENTQ {item.Object}: event #{item.Value} of vIOMMU {item.Other} lost",
        EngineEventKind.DomainAdded => $"IOAS {item.Object}: hw_pagetable {item.Other} joined",
        EngineEventKind.DomainRemoved => $"IOAS {item.Object}: hw_pagetable {item.Other} left",
        EngineEventKind.DirtyTrackingSet => $"hw_pagetable {item.Object}: dirty tracking {(item.Value == 0 ? "off" : "on, all clean")}",
        EngineEventKind.DirtyBitmapRead => $"hw_pagetable {item.Object}: {SizeFormat.Count((long)item.Value)} dirty {(item.Value == 1 ? "page" : "pages")} read{(item.Other == 0 ? " and cleared" : "")}",
        EngineEventKind.DeviceWrote => $"device {item.Object} wrote through hw_pagetable {item.Other}; {SizeFormat.Text(item.Value)} became dirty",
        EngineEventKind.PagesPinned => $"pid {item.Object}: {SizeFormat.Count((long)item.Value)} pages pinned",
        EngineEventKind.PagesUnpinned => $"pid {item.Object}: {SizeFormat.Count((long)item.Value)} pages unpinned",
        EngineEventKind.OptionSet => $"option {(IommufdOption)item.Object} set to {item.Value}{(item.Other == 0 ? "" : $" on IOAS {item.Other}")}",
        EngineEventKind.ProcessCreated => $"process {item.Object} started",
        EngineEventKind.ProcessExited => $"process {item.Object} exited",
        EngineEventKind.MemoryMapped => $"pid {item.Object}: memory mapped",
        EngineEventKind.MemoryUnmapped => $"pid {item.Object}: memory unmapped",
        EngineEventKind.MemoryWritten => $"pid {item.Object}: memory written",
        EngineEventKind.LimitChanged => $"pid {item.Object}: RLIMIT_MEMLOCK {(item.Value == ulong.MaxValue ? "unlimited" : SizeFormat.Text(item.Value))}",
        _ => item.Op,
    };

    /// <summary>The same with its range, for where a row has no room for both.</summary>
    public static string Whole(EventItem item) => item.Range is { } range && item.Errno is null ? $"{Describe(item)}, {AddressFormat.Full(range.Start)} – {AddressFormat.Full(range.Last)}" : Describe(item);

    /// <summary>Page and selection that show what the event is about; null where nothing does (any more).</summary>
    public static string? Link(EventItem item, string workspace) => item.Kind switch
    {
        EngineEventKind.ObjectCreated when item.Other == (uint)IommufdObjectType.Ioas => Ioas(workspace, item, item.Object),
        EngineEventKind.ObjectCreated => Graph(workspace, item, item.Object),
        EngineEventKind.DeviceAttached or EngineEventKind.DeviceReplaced or EngineEventKind.DeviceDetached => Object(workspace, item, item.Object),
        EngineEventKind.FaultQueued or EngineEventKind.VeventQueued or EngineEventKind.VeventLost => DashboardUrls.WithQuery(DashboardUrls.Queues(workspace), Context(item), ("queue", $"{item.Object}")),
        EngineEventKind.FaultAnswered => DashboardUrls.WithQuery(DashboardUrls.Queues(workspace), Context(item)),
        EngineEventKind.AreaMapped => DashboardUrls.WithQuery(DashboardUrls.Ioas(workspace, new SelectionKey("area", $"{item.Object}/0x{item.Range?.Start ?? 0:x}")), Context(item)),
        EngineEventKind.AreaUnmapped or EngineEventKind.AllowedChanged or EngineEventKind.ReservedAdded or EngineEventKind.ReservedRemoved or EngineEventKind.AlignmentChanged
            or EngineEventKind.DomainAdded or EngineEventKind.DomainRemoved => Ioas(workspace, item, item.Object),
        EngineEventKind.PagesPinned or EngineEventKind.PagesUnpinned or EngineEventKind.ProcessCreated or EngineEventKind.MemoryMapped or EngineEventKind.MemoryUnmapped
            or EngineEventKind.MemoryWritten or EngineEventKind.LimitChanged => DashboardUrls.Pages(workspace, new SelectionKey("process", $"{item.Object}")),
        EngineEventKind.DirtyTrackingSet or EngineEventKind.DirtyBitmapRead => Dirty(workspace, item, item.Object),
        EngineEventKind.DeviceWrote => Dirty(workspace, item, item.Other),
        EngineEventKind.OptionSet when item.Other != 0 => Ioas(workspace, item, item.Other),
        EngineEventKind.None when item is { Rule: IommufdContext.BusyRule, Objects: [var holder, ..] } => Graph(workspace, item, holder),
        EngineEventKind.None when item.Objects is [var first, ..] => Object(workspace, item, first),
        _ => null,
    };

    private static string TypeName(uint type) => (IommufdObjectType)type switch
    {
        IommufdObjectType.Ioas => "IOAS",
        IommufdObjectType.HwptPaging => "hw_pagetable",
        IommufdObjectType.Device => "device",
        var other => other.ToString(),
    };

    private static string Ioas(string workspace, EventItem item, uint id) => DashboardUrls.WithQuery(DashboardUrls.Ioas(workspace, new SelectionKey("ioas", $"{id}")), Context(item));

    // Ids belong to a context; which kind of object it is now, the topology page finds out.
    private static string Object(string workspace, EventItem item, uint id) => DashboardUrls.WithQuery(DashboardUrls.Topology(workspace, new SelectionKey("object", $"{id}")), Context(item));

    private static string Graph(string workspace, EventItem item, uint id) => DashboardUrls.WithQuery(DashboardUrls.Objects(workspace, new SelectionKey("object", $"{id}")), Context(item));

    private static string Dirty(string workspace, EventItem item, uint hwpt) => DashboardUrls.WithQuery(DashboardUrls.Dirty(workspace, new SelectionKey("hwpt", $"{hwpt}")), Context(item));

    private static (string, string?) Context(EventItem item) => (TopologyState.ContextParameter, item.Context is 0 or 1 ? null : $"{item.Context}");
}
