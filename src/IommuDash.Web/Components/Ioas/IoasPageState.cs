using System.Globalization;

using IommuDash.Engine;
using IommuDash.Web.Model;
using IommuDash.Workspaces.Views;

using Microsoft.AspNetCore.WebUtilities;

namespace IommuDash.Web.Components.Ioas;

/// <summary>Which part of the page fills it.</summary>
public enum IoasTab
{
    /// <summary>The map, with the table of its window below.</summary>
    Map,
    Tree,

    /// <summary>The map's table alone.</summary>
    Table,

    /// <summary>Who uses the pages of the selected area, and the access objects.</summary>
    Sharing,
}

/// <summary>What is on the screen of the IOAS page, as it stands in the URL. What cannot be read counts as not said.</summary>
public sealed record IoasPageState
{
    public int Context { get; init; } = 1;

    /// <summary>0 = the context's first.</summary>
    public uint Ioas { get; init; }

    /// <summary>First IOVA of the selected area.</summary>
    public ulong? Selected { get; init; }

    /// <summary>IOAS, hw_pagetable or other object that the inspector shows while no area is selected.</summary>
    public SelectionKey? Inspected { get; init; }

    /// <summary>A range that another page led to: lit on the map until the next call.</summary>
    public IovaRange? Lit { get; init; }

    /// <summary>The map's window, last inclusive; null = where the areas are.</summary>
    public IovaRange? Window { get; init; }

    /// <summary>Of the strip that shows the whole space.</summary>
    public AddressScale Scale { get; init; } = AddressScale.Log;

    public IoasTab Tab { get; init; }

    /// <summary>What the tree looks up, as typed.</summary>
    public string Lookup { get; init; } = "";

    /// <summary>Nodes unfolded, as <see cref="IoasTreeQuery.Unfolded"/>.</summary>
    public string Unfolded { get; init; } = "";

    /// <summary>The table's filter, as typed.</summary>
    public string Filter { get; init; } = "";

    public static IoasPageState Parse(Uri uri)
    {
        var query = QueryHelpers.ParseQuery(uri.Query);
        string? Text(string name) => query.TryGetValue(name, out var value) ? value.ToString() : null;
        var state = new IoasPageState
        {
            Context = int.TryParse(Text("context"), CultureInfo.InvariantCulture, out int context) ? context : 1,
            Ioas = uint.TryParse(Text("ioas"), CultureInfo.InvariantCulture, out uint ioas) ? ioas : 0,
            Window = Range(Text("from"), Text("to")) is { } window && window.Start < window.Last ? window : null,
            Lit = Range(Text("lit"), Text("lit-to")),
            Scale = Text("scale") == "linear" ? AddressScale.Linear : AddressScale.Log,
            Tab = Text("tab") switch { "tree" => IoasTab.Tree, "table" => IoasTab.Table, "sharing" => IoasTab.Sharing, _ => IoasTab.Map },
            Lookup = Text("lookup") ?? "",
            Unfolded = Text("unfold") ?? "",
            Filter = Text("filter") ?? "",
        };
        return SelectionKey.TryParse(Text(DashboardUrls.SelectionParameter), out SelectionKey key) ? state.With(key) : state;
    }

    /// <summary>The selection's key: <c>area:2/0x1000</c>.</summary>
    public static SelectionKey KeyOf(uint ioas, ulong start) => new("area", $"{ioas.ToString(CultureInfo.InvariantCulture)}/0x{start:x}");

    public string Url(string workspace)
    {
        var query = new Dictionary<string, string?>();
        if (Context != 1)
            query["context"] = Context.ToString(CultureInfo.InvariantCulture);
        if (Ioas != 0)
            query["ioas"] = Ioas.ToString(CultureInfo.InvariantCulture);
        if (Window is { } window)
        {
            query["from"] = $"0x{window.Start:x}";
            query["to"] = $"0x{window.Last:x}";
        }
        if (Lit is { } lit)
        {
            query["lit"] = $"0x{lit.Start:x}";
            query["lit-to"] = $"0x{lit.Last:x}";
        }
        if (Scale == AddressScale.Linear)
            query["scale"] = "linear";
        if (Tab != IoasTab.Map)
            query["tab"] = Tab.ToString().ToLowerInvariant();
        if (Lookup.Length != 0)
            query["lookup"] = Lookup;
        if (Unfolded.Length != 0)
            query["unfold"] = Unfolded;
        if (Filter.Length != 0)
            query["filter"] = Filter;
        return QueryHelpers.AddQueryString(DashboardUrls.Ioas(workspace, Selected is { } start ? KeyOf(Ioas, start) : Inspected), query);
    }

    /// <summary>A range with room around it, in whole pages.</summary>
    public static IovaRange Around(IovaRange range)
    {
        const ulong PageMask = 4095;
        ulong room = (ulong)(range.LengthBytes / 8) + PageMask;
        ulong start = range.Start - Math.Min(room, range.Start);
        ulong last = range.Last + Math.Min(room, ulong.MaxValue - range.Last);
        return new IovaRange(start & ~PageMask, last | PageMask);
    }

    private static IovaRange? Range(string? start, string? last) => Address(start) is { } from && Address(last) is { } to && from <= to ? new IovaRange(from, to) : null;

    private IoasPageState With(SelectionKey key)
    {
        string[] parts = key.Id.Split('/');
        if (!uint.TryParse(parts[0], CultureInfo.InvariantCulture, out uint ioas))
            return this;
        return key.Kind switch
        {
            "ioas" => this with { Ioas = ioas, Inspected = key },
            "hwpt" or "object" => this with { Inspected = key },
            "area" when parts.Length == 2 => this with { Ioas = ioas, Selected = Address(parts[1]) },
            _ => this,
        };
    }

    private static ulong? Address(string? text) => AddressParser.Parse(text, out ulong value) is null ? value : null;
}
