// Mapping and unmapping: iopt_map_pages, iopt_unmap_iova and what IOAS_COPY needs. Checks come in the reference's order, since the first that fails is the answer.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Iova;

public sealed partial class IoPagetable
{
    /// <summary>
    /// Maps slices of pages objects one behind the other, at <paramref name="iova"/> if fixed, else where allocation finds room for them together. All or nothing.
    /// EINVAL alignment or a reserved range; EEXIST an area; EOVERFLOW; ENOSPC no room; EPERM write access to pages that are not writable; then the errors of filling the domains.
    /// </summary>
    /// <param name="sourceAddress">Address of the first byte at its source; allocation keeps its low bits.</param>
    /// <param name="iova">The place asked for; on success the place given, on refusal as it was.</param>
    internal Refusal? Map(ReadOnlySpan<PagesSlice> slices, ulong sourceAddress, MapFlags flags, ref ulong iova)
    {
        ulong length = LengthOf(slices);
        ulong start = iova;
        if (CheckMap(slices, length, sourceAddress, flags, ref start) is { } unfit)
            return unfit;
        IommuProt prot = IommuProt.Cache | ((flags & MapFlags.Readable) != 0 ? IommuProt.Read : 0) | ((flags & MapFlags.Writeable) != 0 ? IommuProt.Write : 0);
        ulong at = start;
        foreach (PagesSlice slice in slices)
        {
            if (MapSlice(slice, at, prot) is { } refusal)
            {
                if (at != start)
                    Erase(new IovaRange(start, at - 1));
                return refusal;
            }
            at += slice.LengthBytes;
        }
        MappedBytes += length;
        iova = start;
        if (Host.Events is null)
            return null;
        for (int slot = Areas.FirstOverlap(iova, iova), left = slices.Length; left != 0; slot = Areas.Next(slot), left--)
            Raise(EngineEventKind.AreaMapped, Areas.Range(slot), Area(slot).Pages.AddressOf(Area(slot).FirstIndex) + Area(slot).PageOffset);
        return null;
    }

    // Everything a map call checks before it changes anything.
    private Refusal? CheckMap(ReadOnlySpan<PagesSlice> slices, ulong length, ulong sourceAddress, MapFlags flags, ref ulong iova)
    {
        if (Place(length, sourceAddress, (flags & MapFlags.FixedIova) != 0, ref iova) is { } noPlace)
            return noPlace;
        if (CheckSlices(slices, flags) is { } unfit)
            return unfit;
        if (Host.Fails(FailurePoint.Allocation))
            return Injected.Refusal(Errno.ENOMEM, FailurePoint.Allocation);
        return Areas.Count + slices.Length > Host.Limits.AreasPerIoas
            ? EngineLimits.Reached(nameof(EngineLimits.AreasPerIoas), Host.Limits.AreasPerIoas, "areas in one IOAS")
            : null;
    }

    private static ulong LengthOf(ReadOnlySpan<PagesSlice> slices)
    {
        ulong length = 0;
        foreach (PagesSlice slice in slices)
            length += slice.LengthBytes;
        return length;
    }

    /// <summary>Where a map call would land or why not: the checks of <see cref="Map"/> that depend on the IOVA space, without mapping anything.</summary>
    internal Refusal? Place(ulong length, ulong sourceAddress, bool isFixed, ref ulong iova)
    {
        if (length == 0 || length % IovaAlignment != 0)
            return Misaligned("length", length);
        if (!isFixed)
            return IovaAllocator.TryAllocate(Areas, Reserved, Allowed, length, sourceAddress, IovaAlignment, LargePageBytes, out iova);
        if (iova % IovaAlignment != 0)
            return Misaligned("IOVA", iova);
        if (!IovaRange.TryOfLength(iova, length, out IovaRange range))
            return new Refusal(Errno.EOVERFLOW, "map.wrap", $"0x{iova:x} + 0x{length:x} passes the end of the address space.");
        int reserved = Reserved.FirstOverlap(range);
        if (reserved >= 0)
        {
            return new Refusal(Errno.EINVAL, "map.fixed.reserved", $"{range} touches {Reserved.Range(reserved)}, reserved by {OwnerName(Reserved.Payload(reserved))}.")
            {
                Ranges = [new(RangeRole.Requested, range), new(RangeRole.Reserved, Reserved.Range(reserved))],
            };
        }
        int area = Areas.FirstOverlap(range);
        if (area < 0)
            return null;
        return new Refusal(Errno.EEXIST, "map.fixed.area", $"{range} overlaps the area {Areas.Range(area)}; a fixed map may not touch one.")
        {
            Ranges = [new(RangeRole.Requested, range), new(RangeRole.Area, Areas.Range(area))],
        };
    }

    /// <summary>
    /// Removes every area inside the window, lowest first. EBUSY at an area that a hardware queue locks, ENOENT at one that is only partly inside, EDEADLOCK at one whose accesses do not let go; areas removed before it stay removed and count in <paramref name="unmappedBytes"/>, which 2^64 bytes wrap to 0 as the reference's does.
    /// Finding nothing is no error here.
    /// </summary>
    internal Refusal? Unmap(IovaRange window, out ulong unmappedBytes)
    {
        unmappedBytes = 0;
        if (window == IovaRange.Whole && _accesses.Length == 0)
        {
            unmappedBytes = UnmapAll();
            return null;
        }
        IovaRange wanted = window;
        for (int slot = Areas.FirstOverlap(window); slot >= 0; slot = Areas.FirstOverlap(window))
        {
            IovaRange range = Areas.Range(slot);
            if (Area(slot).NumLocks != 0)
                return Locked(range);
            if (!window.Contains(range))
                return Cut(wanted, range);
            if (Area(slot).NumAccesses != 0)
            {
                if (ClearAccesses(window, slot) is { } held)
                    return held;
                continue;
            }
            Release(slot);
            Areas.Remove(slot);
            unmappedBytes += range.Last - range.Start + 1;
            if (range.Last == window.Last)
                break;
            window = window with { Start = range.Last + 1 };
        }
        return null;
    }

    // Every area is inside the window, so none can be refused, and the tree is emptied at once instead of being rebalanced 100,000 times.
    private ulong UnmapAll()
    {
        ulong unmapped = 0;
        for (int slot = Areas.First; slot >= 0; slot = Areas.Next(slot))
        {
            IovaRange range = Areas.Range(slot);
            unmapped += range.Last - range.Start + 1;
            Release(slot);
        }
        Areas.Clear();
        return unmapped;
    }

    private static Refusal Locked(IovaRange area) =>
        new(Errno.EBUSY, "unmap.locked", $"A hardware queue keeps its memory in the area {area}; destroy the queue first.") { Ranges = [new(RangeRole.Area, area)] };

    private static Refusal Cut(IovaRange window, IovaRange area) =>
        new(Errno.ENOENT, "unmap.partial", $"The area {area} is only partly inside {window}; areas are unmapped whole.")
        {
            Ranges = [new(RangeRole.Requested, window), new(RangeRole.Area, area)],
        };

    /// <summary>What covers [iova, +length) without a hole, as slices to map elsewhere, and the source address of its first byte. EINVAL length 0, EOVERFLOW wrapping, ENOENT a hole.</summary>
    internal Refusal? Slices(ulong iova, ulong length, List<PagesSlice> slices, out ulong sourceAddress)
    {
        sourceAddress = 0;
        if (length == 0)
            return new Refusal(Errno.EINVAL, "copy.length", "The length is 0; there is nothing to copy.");
        if (!IovaRange.TryOfLength(iova, length, out IovaRange wanted))
            return new Refusal(Errno.EOVERFLOW, "copy.wrap", $"0x{iova:x} + 0x{length:x} passes the end of the address space.");
        ulong next = wanted.Start;
        for (int slot = Areas.FirstOverlap(wanted); slot >= 0; slot = Areas.Next(slot))
        {
            IovaRange range = Areas.Range(slot);
            if (range.Start > next)
                break;
            ulong last = Math.Min(range.Last, wanted.Last);
            ref IopArea area = ref Area(slot);
            ulong startByte = (area.FirstIndex << PhysicalMemory.FrameShift) + area.PageOffset + (next - range.Start);
            if (slices.Count == 0)
                sourceAddress = area.Pages.AddressOf(0) + startByte;
            slices.Add(new PagesSlice(area.Pages, startByte, last - next + 1));
            if (last == wanted.Last)
                return null;
            next = last + 1;
        }
        return new Refusal(Errno.ENOENT, "copy.hole", $"Nothing is mapped at 0x{next:x}; a copy needs all of {wanted} mapped.")
        {
            Ranges = [new(RangeRole.Requested, wanted)],
        };
    }

    private Refusal? CheckSlices(ReadOnlySpan<PagesSlice> slices, MapFlags flags)
    {
        foreach (PagesSlice slice in slices)
        {
            if ((flags & MapFlags.Writeable) != 0 && !slice.Pages.IsWritable)
                return new Refusal(Errno.EPERM, "map.write", "The pages were first mapped without WRITEABLE; a copy cannot add it.");
            ulong pageOffset = slice.StartByte % PhysicalMemory.FrameBytes;
            if (pageOffset % IovaAlignment != 0)
                return Misaligned("offset in the page of the source", pageOffset);
        }
        return null;
    }

    private Refusal? MapSlice(PagesSlice slice, ulong iova, IommuProt prot)
    {
        int slot = Areas.Insert(new IovaRange(iova, iova + slice.LengthBytes - 1), new IopArea
        {
            Pages = slice.Pages,
            FirstIndex = slice.StartByte >> PhysicalMemory.FrameShift,
            PageOffset = (ushort)(slice.StartByte % PhysicalMemory.FrameBytes),
            Prot = prot,
        });
        slice.Pages.GetArea();
        if (_domains.Length == 0)
            return null;
        if (slice.Pages.Fill(this, slot, _domains) is { } refusal)
        {
            slice.Pages.PutArea();
            Areas.Remove(slot);
            return refusal;
        }
        slice.Pages.Hold(this, slot, _domains[0]);
        return null;
    }

    private void Erase(IovaRange window)
    {
        for (int slot = Areas.FirstOverlap(window); slot >= 0; slot = Areas.FirstOverlap(window))
        {
            TakeOut(slot);
            Areas.Remove(slot);
        }
    }

    // Everything an unmapped area leaves behind but its node in the tree.
    private void Release(int slot)
    {
        IovaRange range = Areas.Range(slot);
        IoptPages pages = Area(slot).Pages;
        ulong source = pages.AddressOf(Area(slot).FirstIndex) + Area(slot).PageOffset;
        TakeOut(slot);
        MappedBytes -= range.Last - range.Start + 1;
        Raise(EngineEventKind.AreaUnmapped, range, source);
    }

    private void TakeOut(int slot)
    {
        IoptPages pages = Area(slot).Pages;
        pages.Unfill(this, slot, _domains);
        pages.PutArea();
    }

    private Refusal Misaligned(string what, ulong value) => new(Errno.EINVAL, "map.alignment",
        value == 0 ? $"The {what} is 0." : $"The {what} 0x{value:x} is not a multiple of 0x{IovaAlignment:x}, the IOAS's alignment.");

    /// <summary>The owner of a reserved range in words.</summary>
    public static string OwnerName(object owner) => owner switch
    {
        HwptPaging hwpt => $"the aperture of hw_pagetable {hwpt.Id}",
        Device device => $"device {device.Id} ({device.Hardware.Address})",
        string name => name,
        _ => "the test operation ADD_RESERVED",
    };
}
