using System.Globalization;

using IommuDash.Engine;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Model;

/// <summary>What the events page shows, as its URL says it.</summary>
/// <param name="Kind">Only events of this kind; null = all.</param>
/// <param name="Object">Only events about the object with this id.</param>
/// <param name="Errno">Only commands refused with this error.</param>
/// <param name="RefusedOnly">Only refused commands.</param>
/// <param name="Text">Part of the command, source, kind, rule or reason.</param>
/// <param name="UpTo">The list stands still at this sequence number; 0 = it follows.</param>
/// <param name="Selected">Sequence number of the event in the inspector; 0 = none.</param>
public sealed record EventsState(EngineEventKind? Kind = null, uint? Object = null, Errno? Errno = null, bool RefusedOnly = false, string Text = "", long UpTo = 0, long Selected = 0)
{
    public const string KindParameter = "kind";
    public const string ObjectParameter = "object";
    public const string ErrnoParameter = "errno";
    public const string RefusedParameter = "refused";
    public const string TextParameter = "text";
    public const string UpToParameter = "upto";

    public bool IsFiltered => Kind is not null || Object is not null || Errno is not null || RefusedOnly || Text.Length > 0;

    public EventsQuery Query(int skip, int count) =>
        new() { Kind = Kind, Object = Object, Errno = Errno, RefusedOnly = RefusedOnly, Text = Text.Length == 0 ? null : Text, UpTo = UpTo, Skip = skip, Count = Math.Max(count, 1) };

    public EventsState WithoutFilter() => new(UpTo: UpTo, Selected: Selected);

    public string ToUrl(string workspace) => DashboardUrls.WithQuery(DashboardUrls.Events(workspace),
        (KindParameter, Kind?.ToString()),
        (ObjectParameter, Object?.ToString(CultureInfo.InvariantCulture)),
        (ErrnoParameter, Errno?.ToString()),
        (RefusedParameter, RefusedOnly ? "1" : null),
        (TextParameter, Text),
        (UpToParameter, UpTo == 0 ? null : UpTo.ToString(CultureInfo.InvariantCulture)),
        (DashboardUrls.SelectionParameter, Selected == 0 ? null : new SelectionKey("event", Selected.ToString(CultureInfo.InvariantCulture)).ToString()));
}
