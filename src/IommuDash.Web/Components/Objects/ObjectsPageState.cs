using System.Globalization;
using IommuDash.Web.Model;
using Microsoft.AspNetCore.WebUtilities;

namespace IommuDash.Web.Components.Objects;

/// <summary>What is on the screen of the Objects page, as it stands in the URL. What cannot be read counts as not said.</summary>
/// <param name="First">Index of the first object of the window.</param>
/// <param name="Table">The picture's table instead of the picture.</param>
public sealed record ObjectsPageState(int Context = 1, SelectionKey? Selection = null, int First = 0, bool Table = false)
{
    public static ObjectsPageState Parse(Uri uri)
    {
        var query = QueryHelpers.ParseQuery(uri.Query);
        string? Text(string name) => query.TryGetValue(name, out var value) ? value.ToString() : null;
        int? Number(string name) => int.TryParse(Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
        return new ObjectsPageState(Number(TopologyState.ContextParameter) ?? 1, SelectionKey.TryParse(Text(DashboardUrls.SelectionParameter), out SelectionKey key) ? key : null, Number("first") ?? 0, Text("table") == "on");
    }

    public string Url(string workspace) => DashboardUrls.WithQuery(DashboardUrls.Objects(workspace, Selection),
        (TopologyState.ContextParameter, Context == 1 ? null : Context.ToString(CultureInfo.InvariantCulture)),
        ("first", First == 0 ? null : First.ToString(CultureInfo.InvariantCulture)),
        ("table", Table ? "on" : null));
}
