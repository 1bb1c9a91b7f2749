using System.Globalization;
using Microsoft.AspNetCore.WebUtilities;

namespace IommuDash.Web.Model;

/// <summary>Every address of a page of ours, made here and nowhere else. Relative to the base href; workspace ids and keys are escaped.</summary>
public static class DashboardUrls
{
    /// <summary>Query parameter that holds what is selected; see <see cref="SelectionKey"/>.</summary>
    public const string SelectionParameter = "sel";

    public static string Hosts() => "/";

    public static string Topology(string workspace, SelectionKey? selection = null) => Page(workspace, "topology", selection);

    public static string Ioas(string workspace, SelectionKey? selection = null) => Page(workspace, "ioas", selection);

    public static string Domains(string workspace, SelectionKey? selection = null) => Page(workspace, "domains", selection);

    public static string Pages(string workspace, SelectionKey? selection = null) => Page(workspace, "pages", selection);

    public static string Events(string workspace, SelectionKey? selection = null) => Page(workspace, "events", selection);

    public static string Calls(string workspace, SelectionKey? selection = null) => Page(workspace, "calls", selection);

    public static string Objects(string workspace, SelectionKey? selection = null) => Page(workspace, "objects", selection);

    public static string Dirty(string workspace, SelectionKey? selection = null) => Page(workspace, "dirty", selection);

    public static string Queues(string workspace, SelectionKey? selection = null) => Page(workspace, "queues", selection);

    /// <summary>The workspace an address of ours leads into; null where it leads into none.</summary>
    /// <param name="uri">Absolute address.</param>
    public static string? WorkspaceOf(string uri)
    {
        string[] segments = new Uri(uri).AbsolutePath.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return segments is ["w", var workspace, ..] ? Uri.UnescapeDataString(workspace) : null;
    }

    /// <summary>The same page in a context; ids of objects mean something only there. Pages show context 1 unless they are told another.</summary>
    public static string InContext(string url, int context) => WithQuery(url, (TopologyState.ContextParameter, context is 0 or 1 ? null : context.ToString(CultureInfo.InvariantCulture)));

    /// <summary>The context that an address of a page names; 1 where it names none.</summary>
    public static int ContextOf(string url) =>
        int.TryParse(QueryHelpers.ParseQuery(new Uri(url).Query).GetValueOrDefault(TopologyState.ContextParameter), NumberStyles.None, CultureInfo.InvariantCulture, out int context) ? context : 1;

    /// <summary>A path with query parameters, escaped; those that are null or empty are left out.</summary>
    public static string WithQuery(string path, params ReadOnlySpan<(string Name, string? Value)> parameters)
    {
        var url = new System.Text.StringBuilder(path);
        char separator = path.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        foreach ((string name, string? value) in parameters)
        {
            if (string.IsNullOrEmpty(value))
                continue;
            url.Append(separator).Append(name).Append('=').Append(Uri.EscapeDataString(value));
            separator = '&';
        }
        return url.ToString();
    }

    private static string Page(string workspace, string page, SelectionKey? selection)
    {
        string path = $"/w/{Uri.EscapeDataString(workspace)}/{page}";
        return selection is { } key ? $"{path}?{SelectionParameter}={Uri.EscapeDataString(key.ToString())}" : path;
    }
}
