using System.Globalization;
using IommuDash.Web.Model;
using Microsoft.AspNetCore.WebUtilities;

namespace IommuDash.Web.Components.Pinned;

/// <summary>Which part of the page fills it.</summary>
public enum PinnedTab
{
    Frames,

    /// <summary>One process: its memory, its limit, what it can do.</summary>
    Process,
}

/// <summary>What is on the screen of the Pinned pages page, as it stands in the URL. What cannot be read counts as not said.</summary>
public sealed record PinnedPageState
{
    public int Context { get; init; } = 1;

    public PinnedTab Tab { get; init; }

    /// <summary>The part of memory shown; null = what is pinned, else the whole machine.</summary>
    public FrameWindow? Window { get; init; }

    /// <summary>Number of the selected frame.</summary>
    public long? Frame { get; init; }

    /// <summary>The map's table instead of the picture.</summary>
    public bool Table { get; init; }

    /// <summary>The selected process; 0 = the first.</summary>
    public int Pid { get; init; }

    /// <summary>First mapping of its table.</summary>
    public int FirstMapping { get; init; }

    /// <summary>IOAS of the planned map; 0 = the first.</summary>
    public uint Ioas { get; init; }

    public FitPlan Plan { get; init; } = new(null, null, true);

    public SelectionKey? Selection => Frame is { } frame ? new SelectionKey("frame", $"0x{frame:x}") : Pid != 0 ? new SelectionKey("process", Pid.ToString(CultureInfo.InvariantCulture)) : null;

    public static PinnedPageState Parse(Uri uri)
    {
        var query = QueryHelpers.ParseQuery(uri.Query);
        string? Text(string name) => query.TryGetValue(name, out var value) ? value.ToString() : null;
        int? Number(string name) => int.TryParse(Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
        ulong? Address(string? text) => AddressParser.Parse(text, out ulong value) is null ? value : null;
        SelectionKey? selection = SelectionKey.TryParse(Text(DashboardUrls.SelectionParameter), out SelectionKey key) ? key : null;
        int? process = selection is { Kind: "process" } pid && int.TryParse(pid.Id, NumberStyles.None, CultureInfo.InvariantCulture, out int selected) ? selected : null;
        return new PinnedPageState
        {
            Context = Number("context") ?? 1,
            Tab = (Text("tab") ?? (process is null ? "" : "process")) == "process" ? PinnedTab.Process : PinnedTab.Frames,
            Window = Address(Text("first")) is { } first and <= long.MaxValue && Number("zoom") is { } shift ? new FrameWindow((long)first, shift) : null,
            Frame = selection is { Kind: "frame" } frame && Address(frame.Id) is { } number and <= long.MaxValue ? (long)number : null,
            Table = Text("table") == "on",
            Pid = process ?? Number("pid") ?? 0,
            FirstMapping = Number("mapping") ?? 0,
            Ioas = (uint)(Number("ioas") ?? 0),
            Plan = new FitPlan(Address(Text("address")), Address(Text("length")), Text("write") != "off"),
        };
    }

    public string Url(string workspace) => DashboardUrls.WithQuery(DashboardUrls.Pages(workspace, Selection),
        ("context", Context == 1 ? null : Text(Context)),
        ("tab", Tab == PinnedTab.Process ? "process" : Selection is { Kind: "process" } ? "frames" : null),
        ("first", Window is { } window ? $"0x{window.First:x}" : null),
        ("zoom", Window is { } zoomed ? Text(zoomed.Shift) : null),
        ("table", Table ? "on" : null),
        ("pid", Frame is not null && Pid != 0 ? Text(Pid) : null),
        ("mapping", FirstMapping == 0 ? null : Text(FirstMapping)),
        ("ioas", Ioas == 0 ? null : Text((int)Ioas)),
        ("address", Plan.Address is { } address ? $"0x{address:x}" : null),
        ("length", Plan.Length is { } length ? $"0x{length:x}" : null),
        ("write", Plan.Writeable ? null : "off"));

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
