// Domains joining and leaving, the alignment and apertures they bring, reserved and allowed ranges: iopt_table_add_domain, iopt_table_remove_domain, iopt_reserve_iova, iopt_set_allow_iova.
using System.Numerics;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Iova;

public sealed partial class IoPagetable
{
    /// <summary>
    /// Shows all areas in a new domain and narrows the IOAS to its aperture. EINVAL: its smallest page exceeds the CPU's; EADDRINUSE: an area breaks the new alignment, or an area or allowed range lies outside the aperture;
    /// then the errors of filling. All or nothing.
    /// </summary>
    internal Refusal? AddDomain(HwptPaging hwpt)
    {
        IommuDomain domain = hwpt.Domain;
        if (CheckDomain(domain.Aperture, domain.PageSizeBitmap, hwpt) is { } unfit)
            return unfit;
        foreach (IovaRange outside in Outside(domain.Aperture))
            Reserve(outside, hwpt);
        if (FillAll(domain) is { } unfilled)
        {
            RemoveReserved(hwpt);
            return unfilled;
        }
        _domains = [.. _domains, domain];
        AdoptAlignment(Math.Max(SmallestPage(domain.PageSizeBitmap), IovaAlignment));
        Raise(EngineEventKind.DomainAdded, other: hwpt.Id);
        return null;
    }

    /// <summary>Takes everything out of a domain that leaves, and gives back its aperture's reservations. Frames stay pinned while other domains remain.</summary>
    internal void RemoveDomain(HwptPaging hwpt)
    {
        IommuDomain domain = hwpt.Domain;
        IommuDomain[] remaining = Without(domain);
        IommuDomain[] leaving = [domain];
        for (int slot = Areas.First; slot >= 0; slot = Areas.Next(slot))
        {
            ref IopArea area = ref Area(slot);
            if (remaining.Length == 0)
            {
                area.Pages.Unfill(this, slot, leaving);
                continue;
            }
            IovaRange range = Areas.Range(slot);
            domain.Unmap(range.Start, range.Last - range.Start + 1);
            if (area.StorageDomain == domain)
                area.StorageDomain = remaining[0];
        }
        _domains = remaining;
        RemoveReserved(hwpt);
        AdoptAlignment(RequiredAlignment(LargePagesDisabled));
        Raise(EngineEventKind.DomainRemoved, other: hwpt.Id);
    }

    /// <summary>The domain whose table frames would be read back from if one of the domains left; null if that is the last.</summary>
    internal IommuDomain? FirstWithout(IommuDomain domain) => Without(domain) is [var first, ..] ? first : null;

    // The last domain takes the place of one that leaves.
    private IommuDomain[] Without(IommuDomain domain)
    {
        int index = Array.IndexOf(_domains, domain);
        IommuDomain[] remaining = _domains[..^1];
        if (index < remaining.Length)
            remaining[index] = _domains[^1];
        return remaining;
    }

    /// <summary>Switches large leaves. Off: EINVAL while areas and domains both exist (their tables would have to be rebuilt), EADDRINUSE if an area is not page aligned. On: never refused.</summary>
    internal Refusal? SetLargePages(bool enabled)
    {
        if (enabled == !LargePagesDisabled)
            return null;
        if (!enabled && Areas.Count != 0 && _domains.Length != 0)
            return new Refusal(Errno.EINVAL, "option.huge.mapped", $"{Areas.Count} areas are mapped in {_domains.Length} domains; their tables would have to be rebuilt.");
        ulong alignment = RequiredAlignment(!enabled);
        if (CheckAlignment(alignment) is { } misfit)
            return misfit;
        LargePagesDisabled = !enabled;
        AdoptAlignment(alignment);
        return null;
    }

    /// <summary>Whether a domain could join, but for filling it: the refusals of <see cref="AddDomain"/> that need no table. Changes nothing.</summary>
    /// <param name="owner">Owner of its reservations, as <see cref="OwnerName"/> knows it.</param>
    /// <param name="joining">Reservations that will have been made before it joins.</param>
    internal Refusal? CheckDomain(IovaRange aperture, ulong pageSizeBitmap, object owner, int joining = 0)
    {
        ulong alignment = Math.Max(SmallestPage(pageSizeBitmap), IovaAlignment);
        if (alignment > PhysicalMemory.FrameBytes)
            return new Refusal(Errno.EINVAL, "domain.granule", $"The table's smallest page is {alignment} bytes, larger than the CPU's {PhysicalMemory.FrameBytes}.");
        return CheckAlignment(alignment) ?? CheckReserve(Outside(aperture), owner, joining);
    }

    /// <summary>
    /// Whether the regions of a device's group could be reserved once for each of <paramref name="members"/>. Changes nothing.
    /// EADDRINUSE as <see cref="CheckReserve"/>; then EINVAL for more than one software-MSI window, or one beside a hardware-MSI window.
    /// </summary>
    internal Refusal? CheckRegions(Device device, int members = 1) => Host.Fails(FailurePoint.ReservedRegions)
        ? Injected.Refusal(Errno.EINVAL, FailurePoint.ReservedRegions)
        : CheckReserve([.. Regions(device)], device, (members - 1) * Regions(device).Count()) ?? CheckMsiRegions(device);

    private static Refusal? CheckMsiRegions(Device device)
    {
        IReadOnlyList<ReservedRegion> regions = device.Hardware.Group.Description.ReservedRegions;
        ReservedRegion[] software = [.. regions.Where(r => r.Kind == ReservedRegionKind.SoftwareMsi)];
        ReservedRegion[] hardware = [.. regions.Where(r => r.Kind == ReservedRegionKind.Msi)];
        if (software.Length == 0 || (software.Length == 1 && hardware.Length == 0))
            return null;
        return new Refusal(Errno.EINVAL, "reserve.msi", $"Group {device.Hardware.Group.Id} has {software.Length} software-MSI and {hardware.Length} hardware-MSI windows; it can have one of the first or any of the second.")
        {
            Ranges = [.. software.Concat(hardware).Select(r => new RefusalRange(RangeRole.Reserved, new IovaRange(r.Start, r.Last)))],
        };
    }

    /// <summary>Reserves a device's regions. <see cref="CheckRegions"/> has allowed it.</summary>
    internal void ReserveRegions(Device device)
    {
        foreach (IovaRange region in Regions(device))
            Reserve(region, device);
    }

    /// <summary>How many ranges <see cref="ReserveRegions"/> reserves.</summary>
    internal static int RegionCount(Device device) => Regions(device).Count();

    // Relaxable ones do not count: the reference leaves them to whoever assigns the device.
    private static IEnumerable<IovaRange> Regions(Device device) =>
        device.Hardware.Group.Description.ReservedRegions.Where(r => r.Kind != ReservedRegionKind.DirectRelaxable).Select(r => new IovaRange(r.Start, r.Last));

    /// <summary>EADDRINUSE if an area or an allowed range is in one of the ranges; reserved ranges may overlap. ENOMEM at the cap, with <paramref name="joining"/> more to come.</summary>
    private Refusal? CheckReserve(IReadOnlyList<IovaRange> ranges, object owner, int joining)
    {
        if (Host.Fails(FailurePoint.Allocation))
            return Injected.Refusal(Errno.ENOMEM, FailurePoint.Allocation);
        foreach (IovaRange range in ranges)
        {
            int area = Areas.FirstOverlap(range);
            if (area >= 0)
                return InUse(range, owner, RangeRole.Area, "the mapped area", Areas.Range(area));
            int allowed = Allowed.FirstOverlap(range);
            if (allowed >= 0)
                return InUse(range, owner, RangeRole.Allowed, "the allowed range", Allowed.Range(allowed));
        }
        return Reserved.Count + joining + ranges.Count <= Host.Limits.RangesPerIoas ? null
            : EngineLimits.Reached(nameof(EngineLimits.RangesPerIoas), Host.Limits.RangesPerIoas, "reserved ranges in one IOAS");
    }

    /// <summary>Reserves a range that nothing gives back. EADDRINUSE an area or an allowed range is there; ENOMEM at the cap.</summary>
    internal Refusal? ReservePermanently(IovaRange range)
    {
        if (CheckReserve([range], PermanentOwner, 0) is { } refused)
            return refused;
        Reserve(range, PermanentOwner);
        return null;
    }

    private void Reserve(IovaRange range, object owner)
    {
        Reserved.Insert(range, owner);
        Raise(EngineEventKind.ReservedAdded, range);
    }

    internal void RemoveReserved(object owner)
    {
        if (Host.Events is not null)
        {
            for (int slot = Reserved.First; slot >= 0; slot = Reserved.Next(slot))
            {
                if (Reserved.Payload(slot) == owner)
                    Raise(EngineEventKind.ReservedRemoved, Reserved.Range(slot));
            }
        }
        Reserved.RemoveOwner(owner);
    }

    /// <summary>Replaces the allowed list. EINVAL: start not below last, or overlap in the list; EADDRINUSE: touches a reserved range. On refusal the old list stays.</summary>
    internal Refusal? SetAllowed(ReadOnlySpan<IovaRange> ranges)
    {
        if (CheckAllowed(ranges, out RangeTree<object> wanted) is { } refusal)
            return refusal;
        Allowed.Clear();
        for (int slot = wanted.First; slot >= 0; slot = wanted.Next(slot))
            Allowed.Insert(wanted.Range(slot), PermanentOwner);
        Raise(EngineEventKind.AllowedChanged, value: (ulong)ranges.Length);
        return null;
    }

    /// <summary>The checks of <see cref="SetAllowed"/>, and the list in order.</summary>
    internal Refusal? CheckAllowed(ReadOnlySpan<IovaRange> ranges, out RangeTree<object> wanted)
    {
        wanted = new RangeTree<object>();
        if (ranges.Length > Host.Limits.RangesPerIoas)
            return EngineLimits.Reached(nameof(EngineLimits.RangesPerIoas), Host.Limits.RangesPerIoas, "allowed ranges in one IOAS");
        if (Host.Fails(FailurePoint.Allocation))
            return Injected.Refusal(Errno.ENOMEM, FailurePoint.Allocation);
        foreach (IovaRange range in ranges)
        {
            if (range.Start >= range.Last)
                return new Refusal(Errno.EINVAL, "allow.order", $"Start 0x{range.Start:x} is not below last 0x{range.Last:x}; even a range of one address is refused.");
            int twice = wanted.FirstOverlap(range);
            if (twice >= 0)
            {
                return new Refusal(Errno.EINVAL, "allow.overlap", $"{range} overlaps {wanted.Range(twice)} of the same list.")
                {
                    Ranges = [new(RangeRole.Requested, range), new(RangeRole.Allowed, wanted.Range(twice))],
                };
            }
            wanted.Insert(range, PermanentOwner);
        }
        for (int slot = wanted.First; slot >= 0; slot = wanted.Next(slot))
        {
            int reserved = Reserved.FirstOverlap(wanted.Range(slot));
            if (reserved >= 0)
            {
                return new Refusal(Errno.EADDRINUSE, "allow.reserved", $"{wanted.Range(slot)} touches {Reserved.Range(reserved)}, reserved by {OwnerName(Reserved.Payload(reserved))}.")
                {
                    Ranges = [new(RangeRole.Requested, wanted.Range(slot)), new(RangeRole.Reserved, Reserved.Range(reserved))],
                };
            }
        }
        return null;
    }

    private static IReadOnlyList<IovaRange> Outside(IovaRange aperture) =>
    [
        .. aperture.Start == 0 ? [] : (IovaRange[])[new(0, aperture.Start - 1)],
        .. aperture.Last == ulong.MaxValue ? [] : (IovaRange[])[new(aperture.Last + 1, ulong.MaxValue)],
    ];

    private Refusal? FillAll(IommuDomain domain)
    {
        IommuDomain[] joining = [domain];
        for (int slot = Areas.First; slot >= 0; slot = Areas.Next(slot))
        {
            if (Area(slot).Pages.Fill(this, slot, joining) is { } refusal)
            {
                EmptyUpTo(slot, domain);
                return refusal;
            }
            if (Area(slot).StorageDomain is null)
                Area(slot).Pages.Hold(this, slot, domain);
        }
        return null;
    }

    private void EmptyUpTo(int end, IommuDomain domain)
    {
        IommuDomain[] leaving = [domain];
        for (int slot = Areas.First; slot != end; slot = Areas.Next(slot))
        {
            IovaRange range = Areas.Range(slot);
            if (Area(slot).StorageDomain == domain)
                Area(slot).Pages.Unfill(this, slot, leaving);
            else
                domain.Unmap(range.Start, range.Last - range.Start + 1);
        }
    }

    private static ulong SmallestPage(ulong pageSizeBitmap) => pageSizeBitmap & (0 - pageSizeBitmap);

    private ulong RequiredAlignment(bool largePagesDisabled)
    {
        ulong alignment = largePagesDisabled ? PhysicalMemory.FrameBytes : 1UL;
        foreach (IommuDomain domain in _domains)
            alignment = Math.Max(alignment, SmallestPage(domain.PageSizeBitmap));
        foreach (Access access in Accesses)
            alignment = Math.Max(alignment, access.IovaAlignment);
        return alignment;
    }

    private Refusal? CheckAlignment(ulong alignment)
    {
        if (alignment <= IovaAlignment)
            return null;
        for (int slot = Areas.First; slot >= 0; slot = Areas.Next(slot))
        {
            IovaRange range = Areas.Range(slot);
            if (((range.Start | (range.Last + 1) | Area(slot).PageOffset) & (alignment - 1)) != 0)
            {
                return new Refusal(Errno.EADDRINUSE, "alignment.area", $"The alignment would rise to 0x{alignment:x}, and the area {range} (page offset 0x{Area(slot).PageOffset:x}) is not a multiple of it.")
                {
                    Ranges = [new(RangeRole.Area, range)],
                };
            }
        }
        return null;
    }

    private void AdoptAlignment(ulong alignment)
    {
        if (alignment == IovaAlignment)
            return;
        IovaAlignment = alignment;
        Raise(EngineEventKind.AlignmentChanged, value: BitOperations.IsPow2(alignment) ? alignment : throw new InvalidOperationException($"Alignment {alignment} is not a power of two."));
    }

    private static Refusal InUse(IovaRange range, object owner, RangeRole role, string what, IovaRange inTheWay) =>
        new(Errno.EADDRINUSE, "reserve.inuse", $"{OwnerName(owner)} makes {range} unusable, but {what} {inTheWay} is there.")
        {
            Ranges = [new(RangeRole.Reserved, range), new(role, inTheWay)],
        };
}
