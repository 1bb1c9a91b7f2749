using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;

namespace IommuDash.Workspaces.Views;

/// <param name="First">Rows left out before the first, in the order asked for.</param>
/// <param name="Count">Rows wanted, 1 … <see cref="IoasAreasView.MostRows"/>.</param>
/// <param name="From">Only areas that touch [<paramref name="From"/>, <paramref name="To"/>], both inclusive.</param>
/// <param name="Descending">Highest IOVA first.</param>
public sealed record IoasAreasQuery(uint Ioas, int First = 0, int Count = 100, ulong From = 0, ulong To = ulong.MaxValue, bool Descending = false, int Context = 1);

/// <summary>A window of the areas in order of IOVA.</summary>
public sealed record IoasAreasSnapshot : IItemSnapshot
{
    /// <summary>Rows left out before the first: the query's, cut to what there is.</summary>
    public int First { get; init; }

    /// <summary>Areas that the filter lets through.</summary>
    public int Matching { get; init; }

    /// <summary>Areas of the IOAS.</summary>
    public int Total { get; init; }

    public IReadOnlyList<IoasAreaRow> Items { get; init; } = [];

    IReadOnlyList<IViewItem> IItemSnapshot.Items => Items;
}

/// <summary>The table twin of the map. O(log areas + rows): areas are disjoint, so those that touch a range have neighbouring ranks.</summary>
public sealed class IoasAreasView : IView<IoasAreasQuery, IoasAreasSnapshot>
{
    public const int MostRows = 500;

    public static string Name => "ioas.areas";

    public static IoasAreasSnapshot Project(EmulatedHost host, IoasAreasQuery query)
    {
        if (IoasAreas.Find(host, query.Context, query.Ioas) is not { } ioas)
            return new IoasAreasSnapshot();
        AreaTree<IopArea> areas = ioas.Pagetable.Areas;
        var filter = new IovaRange(query.From, Math.Max(query.From, query.To));
        int matching = IoasAreas.Count(areas, filter, out int lowest);
        int first = Math.Clamp(query.First, 0, matching);
        int count = Math.Min(Math.Clamp(query.Count, 1, MostRows), matching - first);
        return new IoasAreasSnapshot { First = first, Matching = matching, Total = areas.Count, Items = count == 0 ? [] : Rows(ioas, areas.RankOf(lowest), matching, first, count, query.Descending) };
    }

    private static IoasAreaRow[] Rows(Ioas ioas, int rank, int matching, int first, int count, bool descending)
    {
        AreaTree<IopArea> areas = ioas.Pagetable.Areas;
        int slot = areas.AtRank(descending ? rank + matching - 1 - first : rank + first);
        var rows = new IoasAreaRow[count];
        for (int i = 0; i < count; i++, slot = descending ? areas.Previous(slot) : areas.Next(slot))
            rows[i] = IoasAreas.Row(ioas, slot);
        return rows;
    }
}
