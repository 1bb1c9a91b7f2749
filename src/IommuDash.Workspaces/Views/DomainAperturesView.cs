// Which addresses an IOAS may use, and who takes the rest away: one row per domain's aperture and per reserved region, the last row what is left. Rows keep the reader's
// order: domains, regions, result.
using System.Text.Json.Serialization;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces.Views;

/// <summary>The apertures that meet in one IOAS.</summary>
public sealed record AperturesQuery(int Context, uint Ioas);

/// <summary>What a row of the picture stands for.</summary>
public enum ApertureKind
{
    /// <summary>Addresses a domain translates.</summary>
    Domain,

    /// <summary>Addresses a device must not use.</summary>
    Reserved,

    /// <summary>Addresses left to the IOAS.</summary>
    Usable,
}

/// <summary>One row: a domain's aperture, the regions a device reserves, or what is left.</summary>
/// <param name="Key">Selection key of the object: <c>hwpt:3</c>, <c>device:0000:01:00.0</c>, <c>ioas:1</c>.</param>
/// <param name="Label">Short name for the axis.</param>
/// <param name="Detail">One line about it.</param>
public sealed record ApertureRow(string Key, ApertureKind Kind, string Label, string Detail, IReadOnlyList<IovaRange> Ranges) : IViewItem;

/// <summary>An end of a usable range and the rows that end it there.</summary>
/// <param name="Address">The first address that is usable, or the last.</param>
/// <param name="IsLower">True: usable from here on.</param>
/// <param name="Owners">Keys of the rows.</param>
/// <param name="Sentence">Says who narrows what, e.g. <c>dmar0's 39-bit table ends the IOAS at 0x7f_ffff_ffff</c>.</param>
public sealed record ApertureEdge(ulong Address, bool IsLower, IReadOnlyList<string> Owners, string Sentence);

/// <summary>Apertures of one IOAS; null rows never occur, an IOAS without domains has the usable row only.</summary>
/// <param name="Exists">False: there is no such IOAS.</param>
/// <param name="UsableTotal">Usable ranges, those left out too.</param>
/// <param name="AlignmentBytes">What every IOVA must be a multiple of.</param>
public sealed record AperturesSnapshot(bool Exists, [property: JsonPropertyName("items")] IReadOnlyList<ApertureRow> Rows, int RowTotal, IReadOnlyList<ApertureEdge> Edges, int UsableTotal, long AlignmentBytes) : IItemSnapshot
{
    IReadOnlyList<IViewItem> IItemSnapshot.Items => Rows;
}

public sealed class DomainAperturesView : IView<AperturesQuery, AperturesSnapshot>
{
    /// <summary>Most rows, and most ranges in one row.</summary>
    public const int MaxRows = 256;
    public const int MaxRanges = 128;

    public static string Name => "domains.apertures";

    public static AperturesSnapshot Project(EmulatedHost host, AperturesQuery query)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (host.FindContext(query.Context)?.Objects.Find<Ioas>(query.Ioas) is not { } ioas)
            return new AperturesSnapshot(false, [], 0, [], 0, 1);
        List<ApertureRow> owners = [.. ioas.Hwpts.Select(DomainRowOf), .. ReservedRows(ioas)];
        IovaRange[] usable = [.. ioas.Pagetable.UsableRanges().Take(MaxRanges)];
        var left = new ApertureRow($"ioas:{ioas.Id}", ApertureKind.Usable, $"IOAS {ioas.Id}", $"alignment {ioas.Pagetable.IovaAlignment} bytes", usable);
        return new AperturesSnapshot(
            true,
            [.. owners.Take(MaxRows - 1), left],
            owners.Count + 1,
            [.. usable.SelectMany(range => EdgesOf(ioas, range))],
            ioas.Pagetable.UsableRanges().Count(),
            (long)ioas.Pagetable.IovaAlignment);
    }

    /// <summary>Row of a domain.</summary>
    internal static ApertureRow DomainRowOf(HwptPaging hwpt) =>
        new($"hwpt:{hwpt.Id}", ApertureKind.Domain, $"hwpt {hwpt.Id} · {hwpt.Unit.Name}", hwpt.Domain.FormatName, [hwpt.Domain.Aperture]);

    /// <summary>Row of what a device brings; relaxable regions do not bind an IOAS.</summary>
    internal static ApertureRow DeviceRow(HostDevice device) =>
        new($"device:{device.Address}", ApertureKind.Reserved, device.Address, $"group {device.Group.Id}: {Words(device.Group)}", [.. Regions(device.Group).Select(static region => new IovaRange(region.Start, region.Last))]);

    internal static IEnumerable<ReservedRegion> Regions(IommuGroup group) =>
        group.Description.ReservedRegions.Where(static region => region.Kind != ReservedRegionKind.DirectRelaxable).Take(MaxRanges);

    internal static string KindWords(ReservedRegionKind kind) => kind switch
    {
        ReservedRegionKind.Msi => "MSI window",
        ReservedRegionKind.SoftwareMsi => "software MSI window",
        ReservedRegionKind.Reserved => "reserved region",
        _ => "direct mapping",
    };

    /// <summary>The owners of reserved ranges other than domains, each once, in order of their first range.</summary>
    private static IEnumerable<ApertureRow> ReservedRows(Ioas ioas)
    {
        var seen = new HashSet<object>();
        for (int slot = ioas.Pagetable.Reserved.First; slot >= 0; slot = ioas.Pagetable.Reserved.Next(slot))
        {
            object owner = ioas.Pagetable.Reserved.Payload(slot);
            if (owner is Device device && seen.Add(device))
                yield return DeviceRow(device.Hardware);
        }
    }

    private static IEnumerable<ApertureEdge> EdgesOf(Ioas ioas, IovaRange usable)
    {
        if (usable.Start != 0)
            yield return Edge(ioas, usable.Start, isLower: true, usable.Start - 1);
        if (usable.Last != ulong.MaxValue)
            yield return Edge(ioas, usable.Last, isLower: false, usable.Last + 1);
    }

    private static ApertureEdge Edge(Ioas ioas, ulong address, bool isLower, ulong beyond)
    {
        var tree = ioas.Pagetable.Reserved;
        List<(object Owner, IovaRange Range)> owners = [];
        for (int slot = tree.FirstOverlap(beyond, beyond); slot >= 0; slot = tree.NextOverlap(slot, beyond, beyond))
            owners.Add((tree.Payload(slot), tree.Range(slot)));
        // Devices that reserve the same window are one cause.
        string[] causes = [.. owners.Select(o => o.Owner is Device device ? RegionCause(device, o.Range, owners.Count(other => other.Owner is Device && other.Range == o.Range)) : Narrower(o.Owner, o.Range)).Distinct().Take(3)];
        string verb = (isLower ? "begin" : "end") + (causes.Length > 1 ? "" : "s");
        return new ApertureEdge(address, isLower, [.. owners.Select(static o => KeyOf(o.Owner)).Distinct()], $"{string.Join(" and ", causes)} {verb} {(IsOuter(ioas, address) ? "the IOAS" : "a usable range")} at {Hex(address)}");
    }

    private static bool IsOuter(Ioas ioas, ulong address)
    {
        IEnumerable<IovaRange> usable = ioas.Pagetable.UsableRanges();
        return usable.First().Start == address || usable.Last().Last == address;
    }

    private static string Narrower(object owner, IovaRange range) => owner switch
    {
        HwptPaging hwpt when range.Start == 0 => $"{hwpt.Unit.Name}'s table (hwpt {hwpt.Id})",
        HwptPaging hwpt => $"{hwpt.Unit.Name}'s {Bits(hwpt.Domain.Aperture.Last)}-bit table (hwpt {hwpt.Id})",
        _ => "a permanent reservation",
    };

    private static string RegionCause(Device device, IovaRange range, int devices) =>
        $"the {RegionWords(device, range)} of {(devices == 1 ? device.Hardware.Address : $"{devices} devices")}";

    private static string RegionWords(Device device, IovaRange range) =>
        Regions(device.Hardware.Group).FirstOrDefault(region => region.Start == range.Start && region.Last == range.Last) is { } region ? KindWords(region.Kind) : "reserved region";

    private static string KeyOf(object owner) => owner switch
    {
        HwptPaging hwpt => $"hwpt:{hwpt.Id}",
        Device device => $"device:{device.Hardware.Address}",
        _ => "reservation:permanent",
    };

    private static int Bits(ulong last) => 64 - System.Numerics.BitOperations.LeadingZeroCount(last);

    private static string Words(IommuGroup group) => string.Join(", ", Regions(group).Select(static region => KindWords(region.Kind)).Distinct().DefaultIfEmpty("reserves nothing"));

    /// <summary>An address in groups of four digits.</summary>
    internal static string Hex(ulong address)
    {
        string digits = address.ToString("x", System.Globalization.CultureInfo.InvariantCulture);
        for (int at = digits.Length - 4; at > 0; at -= 4)
            digits = digits.Insert(at, "_");
        return "0x" + digits;
    }
}
