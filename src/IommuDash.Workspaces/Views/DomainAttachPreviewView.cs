// What an IOAS would be left with if a device attached to it: the ranges before and after, who takes what away, and the first mappings in the way. Reads only.
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;
using IommuDash.Engine.PageTables;

namespace IommuDash.Workspaces.Views;

/// <summary>"What if this device attached to this IOAS?"</summary>
/// <param name="Device">The device's address on the host.</param>
public sealed record AttachPreviewQuery(int Context, uint Ioas, string Device);

/// <param name="Exists">False: no such IOAS or device.</param>
/// <param name="State">One sentence: how the device stands now and what it would come to.</param>
/// <param name="Refusal">Why an attach would be refused, or null.</param>
/// <param name="Added">Rows the device would bring: the aperture of a new table, its reserved regions.</param>
/// <param name="Before">Usable ranges now.</param>
/// <param name="After">Usable ranges then.</param>
/// <param name="Outside">First areas that would fall outside.</param>
/// <param name="OutsideTotal">How many areas would.</param>
public sealed record AttachPreviewSnapshot(
    bool Exists,
    string State,
    Refusal? Refusal,
    IReadOnlyList<ApertureRow> Added,
    IReadOnlyList<IovaRange> Before,
    IReadOnlyList<IovaRange> After,
    IReadOnlyList<IovaRange> Outside,
    int OutsideTotal);

public sealed class DomainAttachPreviewView : IView<AttachPreviewQuery, AttachPreviewSnapshot>
{
    /// <summary>Most areas named; counting stops at <see cref="MaxCounted"/>.</summary>
    public const int MaxOutside = 8;
    public const int MaxCounted = 10_000;

    public static string Name => "domains.attach";

    public static AttachPreviewSnapshot Project(EmulatedHost host, AttachPreviewQuery query)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (host.FindContext(query.Context) is not { } context || context.Objects.Find<Ioas>(query.Ioas) is not { } ioas || host.FindDevice(query.Device) is not { } hardware)
            return new AttachPreviewSnapshot(false, "There is no such IOAS or device.", null, [], [], [], [], 0);

        Refusal? refusal = Outcome(context, ioas, hardware, out HwptPaging? joins, out string state);
        List<ApertureRow> added = [];
        var taken = new List<IovaRange>();
        if (joins is null && DomainFactory.Plan(hardware.Unit.Description, out IovaRange aperture, out _) is null)
        {
            added.Add(new ApertureRow("hwpt:new", ApertureKind.Domain, $"new hwpt · {hardware.Unit.Name}", "the table that would be made", [aperture]));
            if (aperture.Start != 0)
                taken.Add(new IovaRange(0, aperture.Start - 1));
            if (aperture.Last != ulong.MaxValue)
                taken.Add(new IovaRange(aperture.Last + 1, ulong.MaxValue));
        }
        ApertureRow regions = DomainAperturesView.DeviceRow(hardware);
        if (regions.Ranges.Count != 0)
            added.Add(regions);
        taken.AddRange(regions.Ranges);
        (List<IovaRange> outside, int total) = Outside(ioas.Pagetable, taken);
        return new AttachPreviewSnapshot(true, state, refusal, added, Usable(ioas.Pagetable, []), Usable(ioas.Pagetable, taken), outside, total);
    }

    private static Refusal? Outcome(IommufdContext context, Ioas ioas, HostDevice hardware, out HwptPaging? joins, out string state)
    {
        joins = null;
        if (hardware.Owner is { } owner && owner.Context != context)
        {
            state = $"It is bound to context {owner.Context.Fd}, not to this one.";
            return null;
        }
        AttachPreview preview = hardware.Owner switch
        {
            null => context.PreviewBindAndAttach(hardware, ioas.Id),
            { Hwpt: null } device => context.PreviewAttach(device.Id, ioas.Id),
            { } device => context.PreviewReplace(device.Id, ioas.Id),
        };
        joins = preview.HwptId == 0 ? null : context.Objects.Find<HwptPaging>(preview.HwptId);
        string how = hardware.Owner is not { } bound ? "It is not bound yet. Bound first, "
            : bound.Hwpt is { } from ? $"It is attached to hw_pagetable {from.Id} of IOAS {from.Ioas.Id}. Replaced, "
            : "Attached, ";
        state = how + (joins is null ? "it would get a page table of its own." : $"it would join hw_pagetable {joins.Id}.");
        return preview.Refusal;
    }

    private static List<IovaRange> Usable(IoPagetable table, List<IovaRange> taken)
    {
        var reserved = new RangeTree<object>();
        for (int slot = table.Reserved.First; slot >= 0; slot = table.Reserved.Next(slot))
            reserved.Insert(table.Reserved.Range(slot), table);
        foreach (IovaRange range in taken)
            reserved.Insert(range, table);
        var usable = new List<IovaRange>();
        for (var span = reserved.Spans(0, ulong.MaxValue); !span.IsDone && usable.Count < DomainAperturesView.MaxRanges; span.Next())
        {
            if (span.IsHole)
                usable.Add(span.Range);
        }
        return usable;
    }

    // An area may touch several of the ranges; it is listed and counted once.
    private static (List<IovaRange> First, int Total) Outside(IoPagetable table, List<IovaRange> taken)
    {
        var slots = new SortedSet<(ulong Start, int Slot)>();
        foreach (IovaRange range in taken)
        {
            for (int slot = table.Areas.FirstOverlap(range); slot >= 0 && slots.Count < MaxCounted; slot = table.Areas.NextOverlap(slot, range))
                slots.Add((table.Areas.Range(slot).Start, slot));
        }
        return ([.. slots.Take(MaxOutside).Select(found => table.Areas.Range(found.Slot))], slots.Count);
    }
}
