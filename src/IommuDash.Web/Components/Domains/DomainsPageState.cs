using System.Globalization;
using IommuDash.Engine;
using IommuDash.Web.Model;
using Microsoft.AspNetCore.WebUtilities;

namespace IommuDash.Web.Components.Domains;

/// <summary>Which part of the page fills it.</summary>
public enum DomainsTab
{
    Apertures,

    /// <summary>The page table and walks through it.</summary>
    Table,
}

/// <summary>Which IOVAs the picture of the whole tree shows: 2^<paramref name="Shift"/> bytes from <paramref name="Start"/>.</summary>
public readonly record struct TreeWindow(ulong Start, int Shift);

/// <summary>What is on the screen of the Domains page, as it stands in the URL. What cannot be read counts as not said.</summary>
public sealed record DomainsPageState
{
    public int Context { get; init; } = 1;

    public DomainsTab Tab { get; init; }

    /// <summary>The chosen hw_pagetable; 0 = the first.</summary>
    public uint Hwpt { get; init; }

    /// <summary>A second one, walked and shown beside it at the same IOVA; 0 = none.</summary>
    public uint Beside { get; init; }

    /// <summary>Whose apertures; 0 = the chosen hw_pagetable's IOAS, else the first.</summary>
    public uint Ioas { get; init; }

    /// <summary>Indexes into the tables from the top, with dots.</summary>
    public string Path { get; init; } = "";

    /// <summary>Window of the whole tree; null = all that is mapped.</summary>
    public TreeWindow? Tree { get; init; }

    /// <summary>IOVA to walk.</summary>
    public ulong? Iova { get; init; }

    /// <summary>Device of "what if it attached".</summary>
    public string Device { get; init; } = "";

    /// <summary>Linear window of the aperture picture; null = all address bits.</summary>
    public IovaRange? Lens { get; init; }

    public SelectionKey? Selection { get; init; }

    public static DomainsPageState Parse(Uri uri)
    {
        var query = QueryHelpers.ParseQuery(uri.Query);
        string? Text(string name) => query.TryGetValue(name, out var value) ? value.ToString() : null;
        uint Id(string name) => uint.TryParse(Text(name), CultureInfo.InvariantCulture, out uint id) ? id : 0;
        SelectionKey? selection = SelectionKey.TryParse(Text(DashboardUrls.SelectionParameter), out SelectionKey key) ? key : null;
        uint selected = selection is { Kind: "hwpt" } hwpt && uint.TryParse(hwpt.Id, CultureInfo.InvariantCulture, out uint id) ? id : 0;
        return new DomainsPageState
        {
            Context = int.TryParse(Text("context"), CultureInfo.InvariantCulture, out int context) ? context : 1,
            Tab = Text("tab") == "table" ? DomainsTab.Table : DomainsTab.Apertures,
            Hwpt = Id("hwpt") is var chosen and not 0 ? chosen : selected,
            Beside = Id("beside"),
            Ioas = selection is { Kind: "ioas" } ioas && uint.TryParse(ioas.Id, CultureInfo.InvariantCulture, out uint ioasId) ? ioasId : Id("ioas"),
            Path = Text("path") ?? "",
            Tree = Address(Text("at")) is { } at && int.TryParse(Text("bits"), NumberStyles.None, CultureInfo.InvariantCulture, out int shift) && shift is > 0 and <= 64 ? new TreeWindow(at, shift) : null,
            Iova = Address(Text("iova")),
            Device = Text("device") ?? "",
            Lens = Address(Text("from")) is { } from && Address(Text("to")) is { } to && from < to ? new IovaRange(from, to) : null,
            Selection = selection,
        };
    }

    public string Url(string workspace) => DashboardUrls.WithQuery(DashboardUrls.Domains(workspace),
        ("context", Context == 1 ? null : Context.ToString(CultureInfo.InvariantCulture)),
        (DashboardUrls.SelectionParameter, Selection?.ToString()),
        ("tab", Tab == DomainsTab.Table ? "table" : null),
        ("hwpt", Number(Hwpt)),
        ("beside", Number(Beside)),
        ("ioas", Number(Ioas)),
        ("path", Path),
        ("at", Hex(Tree?.Start)),
        ("bits", Tree?.Shift.ToString(CultureInfo.InvariantCulture)),
        ("iova", Hex(Iova)),
        ("device", Device),
        ("from", Hex(Lens?.Start)),
        ("to", Hex(Lens?.Last)));

    private static string? Number(uint id) => id == 0 ? null : id.ToString(CultureInfo.InvariantCulture);

    private static string? Hex(ulong? value) => value is { } number ? $"0x{number:x}" : null;

    private static ulong? Address(string? text) => AddressParser.Parse(text, out ulong value) is null ? value : null;
}
