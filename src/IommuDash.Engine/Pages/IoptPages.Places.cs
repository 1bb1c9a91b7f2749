// Where the frames of a pages object are found, page by page, and where they would be if a domain left: what pins, unpins and reads back go by, told without doing any of it.
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Pages;

/// <summary>Pages whose frames are found in the same place.</summary>
/// <param name="First">First page index.</param>
/// <param name="Last">Last page index, inclusive.</param>
/// <param name="Storage">The page table they are read back from; null unless <paramref name="Source"/> is <see cref="PfnSource.Domain"/>.</param>
public readonly record struct PfnPlace(ulong First, ulong Last, PfnSource Source, IommuDomain? Storage);

public partial class IoptPages
{
    /// <summary>Areas in domains and holds of accesses beyond which <see cref="PlacesWithout"/> gives up.</summary>
    public const int MaxUsersForPreview = 512;

    /// <summary>Every page of the object, in order.</summary>
    public IEnumerable<PfnPlace> Places()
    {
        ulong last = PageCount - 1;
        for (ulong index = 0; index <= last;)
        {
            PfnSource source = SourceOf(index, last, out ulong spanLast, out IoPagetable? table, out int slot);
            yield return new PfnPlace(index, spanLast, source, table?.Area(slot).StorageDomain);
            index = spanLast + 1;
        }
    }

    /// <summary>What <see cref="Places"/> would say if a hw_pagetable was gone; null with too many users to say.</summary>
    public IReadOnlyList<PfnPlace>? PlacesWithout(HwptPaging leaving)
    {
        IoPagetable leavingTable = leaving.Ioas.Pagetable;
        IommuDomain? next = leavingTable.FirstWithout(leaving.Domain);
        IommuDomain? Remains(IommuDomain? storage) => storage == leaving.Domain ? next : storage;
        if (next is not null)
            return Merge(Places().Select(place => place with { Storage = Remains(place.Storage) }));
        // With its last domain an IOAS takes all its areas out: what is left are accesses and other IOASes.
        (ulong First, ulong Last)[] holds = [.. AccessHolds.Take(MaxUsersForPreview + 1).Select(static hold => (hold.First, hold.Last))];
        (ulong First, ulong Last, IommuDomain? Storage)[] areas = [.. HolderAreas.Take(MaxUsersForPreview + 1).Where(area => area.Table != leavingTable).Select(static area => Span(area.Table, area.Slot))];
        return holds.Length + areas.Length > MaxUsersForPreview ? null : Merge(Sweep(holds, areas));
    }

    private static (ulong First, ulong Last, IommuDomain? Storage) Span(IoPagetable table, int slot)
    {
        (ulong first, ulong last) = table.PageIndexes(slot);
        return (first, last, table.Area(slot).StorageDomain);
    }

    private IEnumerable<PfnPlace> Sweep((ulong First, ulong Last)[] holds, (ulong First, ulong Last, IommuDomain? Storage)[] areas)
    {
        SortedSet<ulong> borders = [0, .. holds.Select(static hold => hold.First), .. holds.Select(static hold => hold.Last + 1), .. areas.Select(static area => area.First), .. areas.Select(static area => area.Last + 1)];
        borders.RemoveWhere(border => border >= PageCount);
        ulong[] starts = [.. borders, PageCount];
        for (int i = 0; i + 1 < starts.Length; i++)
        {
            ulong index = starts[i];
            IommuDomain? storage = areas.FirstOrDefault(area => area.First <= index && area.Last >= index).Storage;
            PfnSource source = Array.Exists(holds, hold => hold.First <= index && hold.Last >= index) ? PfnSource.Store : storage is null ? PfnSource.Memory : PfnSource.Domain;
            yield return new PfnPlace(index, starts[i + 1] - 1, source, source == PfnSource.Domain ? storage : null);
        }
    }

    private static List<PfnPlace> Merge(IEnumerable<PfnPlace> places)
    {
        var merged = new List<PfnPlace>();
        foreach (PfnPlace place in places)
        {
            if (merged is [.., var before] && before.Source == place.Source && before.Storage == place.Storage)
                merged[^1] = before with { Last = place.Last };
            else
                merged.Add(place);
        }
        return merged;
    }
}
