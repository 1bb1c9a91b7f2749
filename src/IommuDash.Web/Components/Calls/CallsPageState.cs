using System.Globalization;
using IommuDash.Engine;
using IommuDash.Web.Model;
using IommuDash.Workspaces.Views;
using Microsoft.AspNetCore.WebUtilities;

namespace IommuDash.Web.Components.Calls;

/// <summary>What is on the screen of the Calls page, as it stands in the URL. What cannot be read counts as not said.</summary>
/// <param name="Context">Only calls on this context; null = all.</param>
/// <param name="Object">Only calls that named or made the object with this id.</param>
/// <param name="Pid">Only calls of this process.</param>
/// <param name="Call">Only calls of this name.</param>
/// <param name="Errno">Only calls that failed with this error.</param>
/// <param name="FailedOnly">Only calls that failed.</param>
/// <param name="Text">Part of what <see cref="CallsQuery.Text"/> looks at.</param>
/// <param name="UpTo">The list stands still at this number; 0 = it follows.</param>
/// <param name="Selected">Number of the call in the panel; 0 = none.</param>
public sealed record CallsPageState(int? Context = null, uint? Object = null, int? Pid = null, string Call = "", Errno? Errno = null, bool FailedOnly = false, string Text = "", long UpTo = 0, long Selected = 0)
{
    /// <summary>Kind of the selection of a call.</summary>
    public const string SelectionKind = "call";

    public bool IsFiltered => this with { UpTo = 0, Selected = 0 } != new CallsPageState();

    public SelectionKey? Selection => Selected == 0 ? null : KeyOf(Selected);

    public static SelectionKey KeyOf(long number) => new(SelectionKind, number.ToString(CultureInfo.InvariantCulture));

    public static CallsPageState Parse(Uri uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        var query = QueryHelpers.ParseQuery(uri.Query);
        string Text(string name) => query.TryGetValue(name, out var value) ? value.ToString() : "";
        long? Number(string name) => long.TryParse(Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;
        int? Small(string name) => Number(name) is { } number and <= int.MaxValue ? (int)number : null;
        return new CallsPageState(
            Small(TopologyState.ContextParameter),
            Number("object") is { } id and <= uint.MaxValue ? (uint)id : null,
            Small("pid"),
            Text("call"),
            Enum.TryParse(Text("errno"), out Errno errno) && Enum.IsDefined(errno) ? errno : null,
            Text("failed") == "1",
            Text("text"),
            Number("upto") ?? 0,
            SelectionKey.TryParse(Text(DashboardUrls.SelectionParameter), out SelectionKey key) && key.Kind == SelectionKind && long.TryParse(key.Id, NumberStyles.None, CultureInfo.InvariantCulture, out long selected) ? selected : 0);
    }

    public CallsPageState WithoutFilter() => new(UpTo: UpTo, Selected: Selected);

    public CallsQuery Query(int skip, int count) => new()
    {
        Context = Context,
        Object = Object,
        Pid = Pid,
        Call = Call.Length == 0 ? null : Call,
        Errno = Errno,
        FailedOnly = FailedOnly,
        Text = Text.Length == 0 ? null : Text,
        UpTo = UpTo,
        Skip = skip,
        Count = Math.Clamp(count, 1, CallsQuery.MaxCount),
    };

    public string Url(string workspace) => DashboardUrls.WithQuery(DashboardUrls.Calls(workspace, Selection),
        (TopologyState.ContextParameter, Context?.ToString(CultureInfo.InvariantCulture)),
        ("object", Object?.ToString(CultureInfo.InvariantCulture)),
        ("pid", Pid?.ToString(CultureInfo.InvariantCulture)),
        ("call", Call),
        ("errno", Errno?.ToString()),
        ("failed", FailedOnly ? "1" : null),
        ("text", Text),
        ("upto", UpTo == 0 ? null : UpTo.ToString(CultureInfo.InvariantCulture)));
}
