// One pages object: which areas show it, which accesses pin parts of it, where its frames are found now, and where they would be if the area's storage domain went.
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;
using IommuDash.Engine.PageTables;
using IommuDash.Engine.Pages;

namespace IommuDash.Workspaces.Views;

/// <param name="Address">Any address of the area whose pages object is shown.</param>
public sealed record IoasSharingQuery(uint Ioas, ulong Address, int Context = 1);

/// <summary>An area of the pages object. Page indexes are inclusive.</summary>
/// <param name="Hwpts">Hw_pagetables that show it.</param>
/// <param name="StorageHwpt">The one its frames are read back from; null while it is in none.</param>
/// <param name="Pins">Pins that accesses hold on it.</param>
public sealed record SharingArea(uint Ioas, ulong Start, ulong Last, ulong FirstPage, ulong LastPage, string Prot, IReadOnlyList<uint> Hwpts, uint? StorageHwpt, int Pins, bool IsSelected);

/// <summary>A range that an access keeps pinned, as far as it lies in one area.</summary>
/// <param name="Access">Id of the access object.</param>
/// <param name="Item">What unpins it; null for a hardware queue's.</param>
/// <param name="Holder">Who asked for it.</param>
public sealed record SharingPin(uint Access, uint? Item, string Holder, uint Ioas, ulong Start, ulong Last, ulong FirstPage, ulong LastPage);

/// <summary>Where frames are found.</summary>
public enum SharingPlaceKind
{
    /// <summary>In the PFN store of the pages object, which accesses fill.</summary>
    Store,

    /// <summary>In a page table.</summary>
    Domain,

    /// <summary>Nowhere: the pages are not pinned.</summary>
    Unpinned,
}

/// <summary>Pages whose frames are found in one place.</summary>
/// <param name="Hwpt">Whose page table it is; null elsewhere.</param>
public sealed record SharingPlace(ulong FirstPage, ulong LastPage, SharingPlaceKind Kind, uint? Hwpt)
{
    public ulong Pages => LastPage - FirstPage + 1;
}

/// <summary>What comes of the pages if a hw_pagetable goes.</summary>
/// <param name="Hwpt">The one that goes: the selected area's storage.</param>
/// <param name="Refusal">Why destroying it would be refused now; null if it would not.</param>
/// <param name="UnpinnedPages">Pages unpinned by it.</param>
/// <param name="MovedPages">Pages whose frames are found elsewhere afterwards.</param>
/// <param name="TotalPlaces">Places there are, listed or not.</param>
public sealed record SharingMove(uint Hwpt, Refusal? Refusal, IReadOnlyList<SharingPlace> Places, int TotalPlaces, ulong UnpinnedPages, ulong MovedPages);

public sealed record IoasSharingSnapshot
{
    /// <summary>False if nothing is mapped at the address.</summary>
    public bool Exists { get; init; }

    /// <summary>The process that pays, and whose memory it is unless <see cref="File"/> is given.</summary>
    public int Pid { get; init; }

    public string Process { get; init; } = "";

    /// <summary>The file whose pages they are, or null.</summary>
    public string? File { get; init; }

    /// <summary>Whether they belong to the exporter of a dma-buf: never pinned, no access may use them.</summary>
    public bool IsDmabuf { get; init; }

    /// <summary>User address, or offset in the file, of the first byte.</summary>
    public ulong FirstByte { get; init; }

    public ulong LengthBytes { get; init; }

    public ulong Pages { get; init; }

    public uint PinnedPages { get; init; }

    public bool IsWritable { get; init; }

    /// <summary>Against whom pins count.</summary>
    public AccountMode Mode { get; init; }

    /// <summary>The first <see cref="IoasSharingView.MostUsers"/>, the selected one among them.</summary>
    public IReadOnlyList<SharingArea> Areas { get; init; } = [];

    public int TotalAreas { get; init; }

    /// <summary>The first <see cref="IoasSharingView.MostUsers"/>.</summary>
    public IReadOnlyList<SharingPin> Pins { get; init; } = [];

    public int TotalPins { get; init; }

    /// <summary>Where frames are found now, by page, the first <see cref="IoasSharingView.MostPlaces"/>.</summary>
    public IReadOnlyList<SharingPlace> Places { get; init; } = [];

    public int TotalPlaces { get; init; }

    /// <summary>Null while the area is in no domain, or where too many use the pages to tell.</summary>
    public SharingMove? Move { get; init; }
}

public sealed class IoasSharingView : IView<IoasSharingQuery, IoasSharingSnapshot>
{
    /// <summary>Areas, and pins, listed.</summary>
    public const int MostUsers = 32;

    public const int MostPlaces = 64;

    public static string Name => "ioas.sharing";

    public static IoasSharingSnapshot Project(EmulatedHost host, IoasSharingQuery query)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (IoasAreas.Find(host, query.Context, query.Ioas) is not { } ioas)
            return new IoasSharingSnapshot();
        int slot = ioas.Pagetable.Areas.FirstOverlap(query.Address, query.Address);
        if (slot < 0)
            return new IoasSharingSnapshot();
        IoptPages pages = ioas.Pagetable.Areas.Payload(slot).Pages;
        (Ioas Ioas, int Slot)[] users = [.. Users(ioas, slot, pages)];
        SharingPin[] pins = [.. users.SelectMany(static user => Pins(user.Ioas, user.Slot))];
        Dictionary<IommuDomain, uint> hwpts = ioas.Context.Objects.All.OfType<HwptPaging>().ToDictionary(static hwpt => hwpt.Domain, static hwpt => hwpt.Id);
        SharingPlace[] places = [.. pages.Places().Select(place => Place(hwpts, place))];
        return new IoasSharingSnapshot
        {
            Exists = true,
            Pid = pages.Source.Pid,
            Process = pages.Source.Name,
            File = pages.File?.Name,
            IsDmabuf = pages.IsDmabuf,
            FirstByte = pages.FirstByte,
            LengthBytes = pages.LengthBytes,
            Pages = pages.PageCount,
            PinnedPages = pages.PinnedPages,
            IsWritable = pages.IsWritable,
            Mode = pages.Mode,
            Areas = [.. users.Select((user, index) => Area(user.Ioas, user.Slot, isSelected: index == 0)).OrderBy(static area => area.Ioas).ThenBy(static area => area.Start)],
            TotalAreas = pages.AreaCount,
            Pins = [.. pins.Take(MostUsers)],
            TotalPins = pins.Length,
            Places = [.. places.Take(MostPlaces)],
            TotalPlaces = places.Length,
            Move = Move(ioas, slot, pages, places, hwpts),
        };
    }

    // The selected area first. A copy stays in its context, so other contexts need no search.
    private static IEnumerable<(Ioas Ioas, int Slot)> Users(Ioas own, int ownSlot, IoptPages pages)
    {
        yield return (own, ownSlot);
        int left = Math.Min(MostUsers, pages.AreaCount) - 1;
        foreach (Ioas ioas in own.Context.Objects.All.OfType<Ioas>())
        {
            AreaTree<IopArea> areas = ioas.Pagetable.Areas;
            for (int slot = areas.First; slot >= 0 && left > 0; slot = areas.Next(slot))
            {
                if (areas.Payload(slot).Pages != pages || (ioas == own && slot == ownSlot))
                    continue;
                left--;
                yield return (ioas, slot);
            }
        }
    }

    private static SharingArea Area(Ioas ioas, int slot, bool isSelected)
    {
        IoasAreaRow row = IoasAreas.Row(ioas, slot);
        (ulong first, ulong last) = ioas.Pagetable.PageIndexes(slot);
        return new SharingArea(ioas.Id, row.Start, row.Last, first, last, row.Prot, [.. ioas.Hwpts.Select(static hwpt => hwpt.Id).Order()], row.StorageHwpt, ioas.Pagetable.Areas.Payload(slot).NumAccesses, isSelected);
    }

    private static IEnumerable<SharingPin> Pins(Ioas ioas, int slot)
    {
        IovaRange area = ioas.Pagetable.Areas.Range(slot);
        foreach ((uint access, uint? item, string holder, IovaRange range) in IoasAccessesView.PinsOf(ioas))
        {
            if (range.Start > area.Last || range.Last < area.Start)
                continue;
            var part = new IovaRange(Math.Max(range.Start, area.Start), Math.Min(range.Last, area.Last));
            ulong PageAt(ulong iova) => (iova - area.Start + ioas.Pagetable.Areas.Payload(slot).PageOffset >> PhysicalMemory.FrameShift) + ioas.Pagetable.Areas.Payload(slot).FirstIndex;
            yield return new SharingPin(access, item, holder, ioas.Id, part.Start, part.Last, PageAt(part.Start), PageAt(part.Last));
        }
    }

    private static SharingPlace Place(Dictionary<IommuDomain, uint> hwpts, PfnPlace place) => new(place.First, place.Last, place.Source switch
    {
        PfnSource.Store => SharingPlaceKind.Store,
        PfnSource.Domain => SharingPlaceKind.Domain,
        _ => SharingPlaceKind.Unpinned,
    }, place.Storage is null ? null : hwpts[place.Storage]);

    private static SharingMove? Move(Ioas ioas, int slot, IoptPages pages, SharingPlace[] now, Dictionary<IommuDomain, uint> hwpts)
    {
        if (ioas.Pagetable.Areas.Payload(slot).StorageDomain is not { } storage)
            return null;
        HwptPaging leaving = ioas.Hwpts.First(hwpt => hwpt.Domain == storage);
        if (pages.PlacesWithout(leaving) is not { } after)
            return null;
        SharingPlace[] places = [.. after.Select(place => Place(hwpts, place))];
        ulong moved = now.Where(place => place.Hwpt == leaving.Id).Aggregate(0UL, static (sum, place) => sum + place.Pages);
        ulong unpinned = Unpinned(places) - Unpinned(now);
        return new SharingMove(leaving.Id, ioas.Context.PreviewDestroy(leaving.Id), [.. places.Take(MostPlaces)], places.Length, unpinned, moved > unpinned ? moved - unpinned : 0);
    }

    private static ulong Unpinned(SharingPlace[] places) => places.Where(static place => place.Kind == SharingPlaceKind.Unpinned).Aggregate(0UL, static (sum, place) => sum + place.Pages);
}
