// What the IOAS views share: finding the IOAS a query names, and an area as a row.
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;
using IommuDash.Engine.PageTables;

namespace IommuDash.Workspaces.Views;

/// <summary>An area as tables and the inspector show it.</summary>
/// <param name="Key">Its first IOVA as hex: no two areas share one.</param>
/// <param name="Start">First IOVA.</param>
/// <param name="Last">Last IOVA, inclusive.</param>
/// <param name="Source">User address of the first byte.</param>
/// <param name="Pid">Process whose memory it is.</param>
/// <param name="Prot"><c>rw</c>, <c>r-</c> or <c>-w</c>.</param>
/// <param name="StorageHwpt">The hw_pagetable its frames are read back from; null while it is in no domain.</param>
/// <param name="SharedBy">Areas that show the same pages object, this one included.</param>
/// <param name="PinnedPages">Pages pinned of that pages object.</param>
public sealed record IoasAreaRow(string Key, ulong Start, ulong Last, ulong Source, int Pid, string Prot, uint? StorageHwpt, int SharedBy, uint PinnedPages) : IViewItem;

internal static class IoasAreas
{
    /// <summary>The IOAS a query names; null if it is gone or never was.</summary>
    public static Ioas? Find(EmulatedHost host, int context, uint ioas) => host.FindContext(context)?.Objects.Find<Ioas>(ioas);

    public static string Key(ulong address) => $"0x{address:x}";

    public static IoasAreaRow Row(Ioas ioas, int slot)
    {
        IoPagetable table = ioas.Pagetable;
        IovaRange range = table.Areas.Range(slot);
        ref IopArea area = ref table.Areas.Payload(slot);
        return new IoasAreaRow(Key(range.Start), range.Start, range.Last, Source(ref area), area.Pages.Source.Pid, Prot(area.Prot), HwptOf(ioas, area.StorageDomain), area.Pages.AreaCount, area.Pages.PinnedPages);
    }

    public static ulong Source(ref IopArea area) => area.Pages.AddressOf(area.FirstIndex) + area.PageOffset;

    public static string Prot(IommuProt prot) => $"{(prot.HasFlag(IommuProt.Read) ? 'r' : '-')}{(prot.HasFlag(IommuProt.Write) ? 'w' : '-')}";

    /// <summary>The hw_pagetable of a domain of this IOAS. An IOAS has few.</summary>
    public static uint? HwptOf(Ioas ioas, IommuDomain? domain)
    {
        foreach (HwptPaging hwpt in ioas.Hwpts)
        {
            if (hwpt.Domain == domain)
                return hwpt.Id;
        }
        return null;
    }

    /// <summary>The last area, in order, that shares an address with a range that is known to touch one. O(log areas).</summary>
    public static int LastOverlap(AreaTree<IopArea> areas, IovaRange range)
    {
        int after = areas.FirstStartingAfter(range.Last);
        return after < 0 ? areas.Last : areas.Previous(after);
    }

    /// <summary>How many areas touch a range, and the first of them. O(log areas).</summary>
    public static int Count(AreaTree<IopArea> areas, IovaRange range, out int first)
    {
        first = areas.FirstOverlap(range);
        return first < 0 ? 0 : areas.RankOf(LastOverlap(areas, range)) - areas.RankOf(first) + 1;
    }
}
