namespace IommuDash.Web.Model;

/// <summary>A page of the left navigation.</summary>
/// <param name="Key">Stable name, for counts.</param>
/// <param name="Icon">Name in the Material Symbols font.</param>
/// <param name="Url">Address in a workspace; null where the page needs one and none is open.</param>
/// <param name="Counts">What the number beside it counts; null = what the page lists.</param>
public sealed record NavigationPage(string Key, string Title, string Icon, ShortcutId Shortcut, Func<string?, string?> Url, string? Counts = null)
{
    public static IReadOnlyList<NavigationPage> All { get; } =
    [
        new("hosts", "Hosts", "dns", ShortcutId.Hosts, static _ => DashboardUrls.Hosts()),
        new("topology", "Topology", "account_tree", ShortcutId.Topology, In(static id => DashboardUrls.Topology(id))),
        new("ioas", "IOAS", "view_week", ShortcutId.Ioas, In(static id => DashboardUrls.Ioas(id))),
        new("domains", "Domains", "layers", ShortcutId.Domains, In(static id => DashboardUrls.Domains(id))),
        new("pages", "Pinned pages", "push_pin", ShortcutId.Pages, In(static id => DashboardUrls.Pages(id))),
        new("dirty", "Dirty pages", "edit_note", ShortcutId.Dirty, In(static id => DashboardUrls.Dirty(id))),
        new("events", "Events", "list_alt", ShortcutId.Events, In(static id => DashboardUrls.Events(id))),
        new("objects", "Objects", "hub", ShortcutId.Objects, In(static id => DashboardUrls.Objects(id))),
        new("calls", "Calls", "terminal", ShortcutId.Calls, In(static id => DashboardUrls.Calls(id)), Counts: "failed calls"),
        new("queues", "Queues", "inbox", ShortcutId.Queues, In(static id => DashboardUrls.Queues(id))),
    ];

    private static Func<string?, string?> In(Func<string, string> url) => workspace => workspace is null ? null : url(workspace);
}
