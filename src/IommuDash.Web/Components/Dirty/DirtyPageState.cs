using System.Globalization;
using System.Numerics;

using IommuDash.Engine;
using IommuDash.Web.Model;

using Microsoft.AspNetCore.WebUtilities;

namespace IommuDash.Web.Components.Dirty;

/// <summary>What is on the screen of the Dirty page, as it stands in the URL. What cannot be read counts as not said.</summary>
/// <param name="Ioas">0 = that of the selection, else the context's first.</param>
/// <param name="Selection">A hw_pagetable, <c>hwpt:3</c>.</param>
/// <param name="Window">What the strips show; null = all areas.</param>
/// <param name="At">The address under the lens; null = where the request begins.</param>
/// <param name="Request">Range that is read and written; null = the stretch of areas around <paramref name="At"/>.</param>
/// <param name="PageSize">Bytes a bit of the bitmap stands for; 0 = the hw_pagetable's smallest page.</param>
/// <param name="Table">The strips' table instead of the strips.</param>
public sealed record DirtyPageState(int Context = 1, uint Ioas = 0, SelectionKey? Selection = null, IovaRange? Window = null, ulong? At = null, IovaRange? Request = null, ulong PageSize = 0, bool Table = false)
{
    public static DirtyPageState Parse(Uri uri)
    {
        var query = QueryHelpers.ParseQuery(uri.Query);
        string? Text(string name) => query.TryGetValue(name, out var value) ? value.ToString() : null;
        ulong? Address(string name) => AddressParser.Parse(Text(name), out ulong value) is null ? value : null;
        IovaRange? Range(string start, string last) => Address(start) is { } from && Address(last) is { } to && from <= to ? new IovaRange(from, to) : null;
        return new DirtyPageState(
            int.TryParse(Text(TopologyState.ContextParameter), NumberStyles.None, CultureInfo.InvariantCulture, out int context) ? context : 1,
            uint.TryParse(Text("ioas"), NumberStyles.None, CultureInfo.InvariantCulture, out uint ioas) ? ioas : 0,
            SelectionKey.TryParse(Text(DashboardUrls.SelectionParameter), out SelectionKey key) && key.Kind == "hwpt" ? key : null,
            Range("from", "to"),
            Address("at"),
            Range("read", "read-to"),
            Address("page") is { } page && BitOperations.IsPow2(page) ? page : 0,
            Text("table") == "on");
    }

    /// <summary>The selected hw_pagetable.</summary>
    public uint? Hwpt => Selection is { } key && uint.TryParse(key.Id, NumberStyles.None, CultureInfo.InvariantCulture, out uint id) ? id : null;

    public string Url(string workspace) => DashboardUrls.WithQuery(DashboardUrls.Dirty(workspace, Selection),
        (TopologyState.ContextParameter, Context == 1 ? null : Context.ToString(CultureInfo.InvariantCulture)),
        ("ioas", Ioas == 0 ? null : Ioas.ToString(CultureInfo.InvariantCulture)),
        ("from", Hex(Window?.Start)),
        ("to", Hex(Window?.Last)),
        ("at", Hex(At)),
        ("read", Hex(Request?.Start)),
        ("read-to", Hex(Request?.Last)),
        ("page", PageSize == 0 ? null : Hex(PageSize)),
        ("table", Table ? "on" : null));

    private static string? Hex(ulong? value) => value is { } number ? $"0x{number:x}" : null;
}
