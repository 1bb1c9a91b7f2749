// The address-space map of an IOAS at the level of detail of the screen: each area while there are fewer than columns, else how many areas a column holds and how much of it they cover.
// O(columns · log areas + what is shown), whatever the number of areas: counts come from the tree's order statistics. Coverage of a column of many areas is estimated from a few of them, and says so.
using System.Text.Json.Serialization;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;

namespace IommuDash.Workspaces.Views;

/// <param name="Start">First address of the window.</param>
/// <param name="Last">Last address, inclusive; below <paramref name="Start"/> counts as equal to it.</param>
/// <param name="Columns">Pixels to fill, 1 … 4,096.</param>
public sealed record IoasMapQuery(uint Ioas, ulong Start = 0, ulong Last = ulong.MaxValue, int Columns = 1_024, AddressScale Scale = AddressScale.Linear, int Context = 1);

/// <summary>A reserved range and who reserved it.</summary>
/// <param name="Owner">In words.</param>
/// <param name="Object">Id of the hw_pagetable or device; null for a test's reservation.</param>
public sealed record IoasReserved(ulong Start, ulong Last, string Owner, uint? Object);

/// <summary>What a map consists of.</summary>
[JsonDerivedType(typeof(IoasMapArea))]
[JsonDerivedType(typeof(IoasMapColumn))]
public abstract record IoasMapItem(string Key) : IViewItem;

/// <summary>An area drawn on its own.</summary>
/// <param name="Share">Equal for the areas of this snapshot that show the same pages object; 0 for one whose pages object has no other area.</param>
public sealed record IoasMapArea(string Key, ulong Start, ulong Last, ulong Source, int Pid, string Prot, uint? StorageHwpt, int SharedBy, int Share) : IoasMapItem(Key);

/// <summary>A column that areas touch.</summary>
/// <param name="Column">0-based.</param>
/// <param name="Areas">How many, exactly; an area over several columns counts in each.</param>
/// <param name="Covered">Part of the column's addresses that are mapped, 0 … 1.</param>
/// <param name="Estimated">Whether <paramref name="Covered"/> was taken from some of the areas.</param>
public sealed record IoasMapColumn(string Key, int Column, int Areas, double Covered, bool Estimated) : IoasMapItem(Key);

/// <summary>What the map shows of a window.</summary>
public sealed record IoasMapSnapshot : IItemSnapshot
{
    /// <summary>False if the context has no such IOAS (any more).</summary>
    public bool Exists { get; init; }

    public ulong Start { get; init; }

    public ulong Last { get; init; }

    public int Columns { get; init; }

    public AddressScale Scale { get; init; }

    /// <summary>Areas of the whole IOAS.</summary>
    public int TotalAreas { get; init; }

    /// <summary>Areas that touch the window.</summary>
    public int WindowAreas { get; init; }

    /// <summary>Whether the items are columns (<see cref="IoasMapColumn"/>) rather than areas (<see cref="IoasMapArea"/>).</summary>
    public bool Dense { get; init; }

    /// <summary>Ranges automatic allocation may use, ascending, the first <see cref="IoasMapView.MostRanges"/> that touch the window.</summary>
    public IReadOnlyList<IovaRange> Allowed { get; init; } = [];

    /// <summary>Allowed ranges of the whole IOAS; 0 = everywhere is allowed.</summary>
    public int TotalAllowed { get; init; }

    /// <summary>As <see cref="Allowed"/>.</summary>
    public IReadOnlyList<IoasReserved> Reserved { get; init; } = [];

    public int TotalReserved { get; init; }

    public IReadOnlyList<IoasMapItem> Items { get; init; } = [];

    IReadOnlyList<IViewItem> IItemSnapshot.Items => Items;
}

public sealed class IoasMapView : IView<IoasMapQuery, IoasMapSnapshot>
{
    /// <summary>Most allowed, and most reserved, ranges listed.</summary>
    public const int MostRanges = 256;

    private const int MostColumns = 4_096;

    // A column of at most this many areas is measured; of one with more, this many areas are.
    private const int MeasuredAreas = 8;

    public static string Name => "ioas.map";

    public static IoasMapSnapshot Project(EmulatedHost host, IoasMapQuery query)
    {
        if (IoasAreas.Find(host, query.Context, query.Ioas) is not { } ioas)
            return new IoasMapSnapshot();
        IoPagetable table = ioas.Pagetable;
        var window = new IovaRange(query.Start, Math.Max(query.Start, query.Last));
        int columns = Math.Clamp(query.Columns, 1, MostColumns);
        int areas = IoasAreas.Count(table.Areas, window, out int first);
        bool dense = areas > columns;
        return new IoasMapSnapshot
        {
            Exists = true,
            Start = window.Start,
            Last = window.Last,
            Columns = columns,
            Scale = query.Scale,
            TotalAreas = table.Areas.Count,
            WindowAreas = areas,
            Dense = dense,
            Allowed = [.. Overlaps(table.Allowed, window).Select(slot => table.Allowed.Range(slot))],
            TotalAllowed = table.Allowed.Count,
            Reserved = [.. Overlaps(table.Reserved, window).Select(slot => Reserved(table, slot))],
            TotalReserved = table.Reserved.Count,
            Items = dense ? Columns(table.Areas, new AddressColumns(window, columns, query.Scale), columns) : Areas(ioas, first, areas),
        };
    }

    internal static IoasReserved Reserved(IoPagetable table, int slot)
    {
        IovaRange range = table.Reserved.Range(slot);
        object owner = table.Reserved.Payload(slot);
        return new IoasReserved(range.Start, range.Last, IoPagetable.OwnerName(owner), (owner as IommufdObject)?.Id);
    }

    private static IEnumerable<int> Overlaps(RangeTree<object> ranges, IovaRange window)
    {
        int left = MostRanges;
        for (int slot = ranges.FirstOverlap(window); slot >= 0 && left-- > 0; slot = ranges.NextOverlap(slot, window))
            yield return slot;
    }

    private static List<IoasMapItem> Areas(Ioas ioas, int first, int count)
    {
        var items = new List<IoasMapItem>(count);
        var shares = new Dictionary<object, int>();
        AreaTree<IopArea> areas = ioas.Pagetable.Areas;
        for (int slot = first; items.Count < count; slot = areas.Next(slot))
        {
            IoasAreaRow row = IoasAreas.Row(ioas, slot);
            int share = 0;
            if (row.SharedBy > 1 && !shares.TryGetValue(areas.Payload(slot).Pages, out share))
                shares.Add(areas.Payload(slot).Pages, share = shares.Count + 1);
            items.Add(new IoasMapArea(row.Key, row.Start, row.Last, row.Source, row.Pid, row.Prot, row.StorageHwpt, row.SharedBy, share));
        }
        return items;
    }

    private static List<IoasMapItem> Columns(AreaTree<IopArea> areas, AddressColumns columns, int count)
    {
        var items = new List<IoasMapItem>();
        for (int column = 0; column < count; column++)
        {
            if (!columns.TryGet(column, out IovaRange range) || IoasAreas.Count(areas, range, out int first) is not (> 0 and int held))
                continue;
            bool estimated = held > MeasuredAreas;
            double covered = estimated ? Estimate(areas, range, first, held) : Measure(areas, range, first, held);
            items.Add(new IoasMapColumn($"c{column}", column, held, Math.Round(covered, 3), estimated));
        }
        return items;
    }

    private static double Measure(AreaTree<IopArea> areas, IovaRange range, int slot, int count)
    {
        UInt128 covered = 0;
        for (; count > 0; count--, slot = areas.Next(slot))
            covered += Clipped(areas.Range(slot), range);
        return (double)covered / (double)range.LengthBytes;
    }

    private static double Estimate(AreaTree<IopArea> areas, IovaRange range, int first, int count)
    {
        int rank = areas.RankOf(first);
        UInt128 sampled = 0;
        for (int i = 0; i < MeasuredAreas; i++)
            sampled += Clipped(areas.Range(areas.AtRank(rank + (int)((long)i * count / MeasuredAreas))), range);
        return Math.Min(1, (double)sampled / MeasuredAreas * count / (double)range.LengthBytes);
    }

    private static UInt128 Clipped(IovaRange area, IovaRange range) =>
        (UInt128)Math.Min(area.Last, range.Last) - Math.Max(area.Start, range.Start) + 1;
}
