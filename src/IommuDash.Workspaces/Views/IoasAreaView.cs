using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;
using IommuDash.Engine.Pages;

namespace IommuDash.Workspaces.Views;

/// <param name="Address">Any address of the area.</param>
public sealed record IoasAreaQuery(uint Ioas, ulong Address, int Context = 1);

/// <summary>Another area that shows the same pages object.</summary>
public sealed record IoasAreaUser(uint Ioas, ulong Start, ulong Last);

/// <summary>One area, all that is known of it.</summary>
public sealed record IoasAreaSnapshot
{
    /// <summary>Null if nothing is mapped there.</summary>
    public IoasAreaRow? Area { get; init; }

    /// <summary>Areas before it.</summary>
    public int Rank { get; init; }

    /// <summary>First and last page index, both inclusive, that it shows of its pages object.</summary>
    public ulong FirstPage { get; init; }

    public ulong LastPage { get; init; }

    /// <summary>Pages of the pages object.</summary>
    public ulong Pages { get; init; }

    public AccountMode Mode { get; init; }

    /// <summary>Domains that show it.</summary>
    public int Domains { get; init; }

    /// <summary>Hole before and after it, in bytes.</summary>
    public ulong HoleBefore { get; init; }

    public ulong HoleAfter { get; init; }

    /// <summary>The first <see cref="IoasAreaView.MostUsers"/> other areas of the same context that show the same pages object.</summary>
    public IReadOnlyList<IoasAreaUser> Users { get; init; } = [];

    /// <summary>How many there are.</summary>
    public int TotalUsers { get; init; }
}

/// <summary>The area at an address. O(log areas) unless its pages object has other users: they are then searched among all areas of the context.</summary>
public sealed class IoasAreaView : IView<IoasAreaQuery, IoasAreaSnapshot>
{
    public const int MostUsers = 32;

    public static string Name => "ioas.area";

    public static IoasAreaSnapshot Project(EmulatedHost host, IoasAreaQuery query)
    {
        if (IoasAreas.Find(host, query.Context, query.Ioas) is not { } ioas)
            return new IoasAreaSnapshot();
        IoPagetable table = ioas.Pagetable;
        int slot = table.Areas.FirstOverlap(query.Address, query.Address);
        if (slot < 0)
            return new IoasAreaSnapshot();
        IoptPages pages = table.Areas.Payload(slot).Pages;
        (ulong first, ulong last) = table.PageIndexes(slot);
        IovaRange range = table.Areas.Range(slot);
        int next = table.Areas.Next(slot);
        return new IoasAreaSnapshot
        {
            Area = IoasAreas.Row(ioas, slot),
            Rank = table.Areas.RankOf(slot),
            FirstPage = first,
            LastPage = last,
            Pages = pages.PageCount,
            Mode = pages.Mode,
            Domains = table.Domains.Count,
            HoleBefore = range.Start - table.Areas.HoleStart(slot),
            HoleAfter = (next < 0 ? ulong.MaxValue : table.Areas.Range(next).Start - 1) - range.Last,
            Users = pages.AreaCount == 1 ? [] : Users(ioas, slot, pages),
            TotalUsers = pages.AreaCount - 1,
        };
    }

    private static List<IoasAreaUser> Users(Ioas own, int ownSlot, IoptPages pages)
    {
        var users = new List<IoasAreaUser>();
        int wanted = Math.Min(MostUsers, pages.AreaCount - 1);
        foreach (Ioas ioas in own.Context.Objects.All.OfType<Ioas>())
        {
            AreaTree<IopArea> areas = ioas.Pagetable.Areas;
            for (int slot = areas.First; slot >= 0 && users.Count < wanted; slot = areas.Next(slot))
            {
                if (areas.Payload(slot).Pages == pages && (ioas != own || slot != ownSlot))
                    users.Add(new IoasAreaUser(ioas.Id, areas.Range(slot).Start, areas.Range(slot).Last));
            }
        }
        return users;
    }
}
