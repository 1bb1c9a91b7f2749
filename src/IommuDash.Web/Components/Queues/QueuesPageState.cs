using System.Globalization;
using IommuDash.Web.Model;
using Microsoft.AspNetCore.WebUtilities;

namespace IommuDash.Web.Components.Queues;

/// <summary>What is on the screen of the Queues page, as it stands in the URL. What cannot be read counts as not said.</summary>
/// <param name="Context">The context that is set up, and that the shown queue belongs to.</param>
/// <param name="Queue">Id of the queue that is shown; null = the context's first.</param>
/// <param name="From">Index of the first queue of the list.</param>
/// <param name="Group">Number of the chosen group of faults.</param>
/// <param name="First">Index of the first group or event of the window.</param>
/// <param name="Selection">What the inspector shows.</param>
/// <param name="Table">Tables instead of pictures.</param>
public sealed record QueuesPageState(int Context = 1, uint? Queue = null, int From = 0, ulong? Group = null, int First = 0, SelectionKey? Selection = null, bool Table = false)
{
    public static QueuesPageState Parse(Uri uri)
    {
        var query = QueryHelpers.ParseQuery(uri.Query);
        string? Text(string name) => query.TryGetValue(name, out var value) ? value.ToString() : null;
        int? Number(string name) => int.TryParse(Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
        return new QueuesPageState(
            Number(TopologyState.ContextParameter) ?? 1,
            (uint?)Number("queue"),
            Number("from") ?? 0,
            ulong.TryParse(Text("fault"), NumberStyles.None, CultureInfo.InvariantCulture, out ulong group) ? group : null,
            Number("first") ?? 0,
            SelectionKey.TryParse(Text(DashboardUrls.SelectionParameter), out SelectionKey key) ? key : null,
            Text("table") == "on");
    }

    public string Url(string workspace) => DashboardUrls.WithQuery(DashboardUrls.Queues(workspace, Selection),
        (TopologyState.ContextParameter, Context == 1 ? null : Context.ToString(CultureInfo.InvariantCulture)),
        ("queue", Queue?.ToString(CultureInfo.InvariantCulture)),
        ("from", From == 0 ? null : From.ToString(CultureInfo.InvariantCulture)),
        ("fault", Group?.ToString(CultureInfo.InvariantCulture)),
        ("first", First == 0 ? null : First.ToString(CultureInfo.InvariantCulture)),
        ("table", Table ? "on" : null));
}
