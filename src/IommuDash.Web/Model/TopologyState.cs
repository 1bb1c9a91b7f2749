using System.Globalization;

namespace IommuDash.Web.Model;

/// <summary>What the topology page shows, as its URL says it.</summary>
/// <param name="Context">The context on the right.</param>
/// <param name="Selection">What the inspector shows; on this page a unit, group, device, IOAS or hw_pagetable.</param>
/// <param name="Filter">Words of the device filter.</param>
/// <param name="Closed">Rows of the tree whose children are hidden, separated by spaces.</param>
public sealed record TopologyState(int Context = 1, SelectionKey? Selection = null, string Filter = "", string Closed = "")
{
    public const string ContextParameter = "context";
    public const string FilterParameter = "filter";
    public const string ClosedParameter = "closed";

    /// <summary>Address of the selected device, or null.</summary>
    public string? Device => Selection is { Kind: "device" } key ? key.Id : null;

    public string ToUrl(string workspace) => DashboardUrls.WithQuery(DashboardUrls.Topology(workspace),
        (ContextParameter, Context == 1 ? null : Context.ToString(CultureInfo.InvariantCulture)),
        (DashboardUrls.SelectionParameter, Selection?.ToString()),
        (FilterParameter, Filter),
        (ClosedParameter, Closed));

    public TopologyState Toggle(string key)
    {
        string[] closed = Closed.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return this with { Closed = string.Join(' ', closed.Contains(key) ? closed.Where(other => other != key) : closed.Append(key)) };
    }
}
