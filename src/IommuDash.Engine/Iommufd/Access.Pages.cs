// Pinning, and reading and writing through an access (iommufd_access_pin_pages, _unpin_pages, _rw).
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Iommufd;

public sealed partial class Access
{
    /// <summary>
    /// Pins [iova, +length) for the access and gives its frames, page by page. EINVAL: the access was not made for pinning, length 0, a piece that does not start and end on page borders, or an unmap is waiting for the area;
    /// EOVERFLOW the end wraps; ENOENT not attached or a hole; EPERM the area does not grant it; then the errors of pinning and charging. All or nothing.
    /// </summary>
    /// <param name="frames">Room for every page touched: <see cref="PagesOf"/>.</param>
    public Refusal? PinPages(ulong iova, ulong length, AccessFlags flags, Span<uint> frames)
    {
        if (!NeedsPinPages)
            return new Refusal(Errno.EINVAL, "access.pin.kind", $"Access {Id} was not made for pinning.");
        if (CheckRange(iova, length, out IovaRange range, out Ioas? ioas) is { } bad)
            return bad;
        if ((ulong)frames.Length < PagesOf(iova, length))
            throw new ArgumentException($"Room for {frames.Length} frames is too little for 0x{length:x} bytes at 0x{iova:x}.", nameof(frames));
        if (ioas!.Pagetable.PinAccess(range, (flags & AccessFlags.Write) != 0, IsInternal, frames) is { } refusal)
            return refusal;
        PinnedRanges++;
        Context.Raise(EngineEventKind.AccessPinned, Id, ioas.Id, range);
        return null;
    }

    /// <summary>As <see cref="PinPages"/> for reading, and locks the areas: unmapping them is EBUSY until <see cref="UnpinPages"/>. For internal accesses only.</summary>
    internal Refusal? PinLocked(ulong iova, ulong length, Span<uint> frames)
    {
        if (!IsInternal)
            throw new InvalidOperationException($"Access {Id} has an owner who is told of unmaps; it locks nothing.");
        return PinPages(iova, length, AccessFlags.None, frames);
    }

    /// <summary>Gives back what one <see cref="PinPages"/> with the same iova and length took.</summary>
    /// <exception cref="InvalidOperationException">There is no such pin.</exception>
    public void UnpinPages(ulong iova, ulong length)
    {
        if (_unpinIoas is not { } ioas || PinnedRanges == 0 || !IovaRange.TryOfLength(iova, length, out IovaRange range))
            throw new InvalidOperationException($"Access {Id} has nothing pinned at 0x{iova:x}.");
        ioas.Pagetable.UnpinAccess(range, IsInternal);
        PinnedRanges--;
        Context.Raise(EngineEventKind.AccessUnpinned, Id, ioas.Id, range);
    }

    /// <summary>
    /// Copies between a buffer and [iova, +its length). EINVAL length 0, or an unmap is waiting for the area; EOVERFLOW the end wraps; ENOENT not attached, or a hole, after what lies before it was copied; EPERM the area does not grant it;
    /// then EFAULT where neither process nor pin has the page.
    /// </summary>
    /// <param name="caller">The process on whose behalf it happens; null = none, a kernel thread.</param>
    public Refusal? ReadWrite(EmulatedProcess? caller, ulong iova, Span<byte> buffer, AccessFlags flags) =>
        CheckRange(iova, (ulong)buffer.Length, out IovaRange range, out Ioas? ioas) ?? ioas!.Pagetable.ReadWrite(caller, range, buffer, flags);

    /// <summary>Pages touched by [iova, +length): the room that <see cref="PinPages"/> needs.</summary>
    public static ulong PagesOf(ulong iova, ulong length) => (((iova % PhysicalMemory.FrameBytes) + length - 1) >> PhysicalMemory.FrameShift) + 1;

    private Refusal? CheckRange(ulong iova, ulong length, out IovaRange range, out Ioas? ioas)
    {
        ioas = Ioas;
        range = default;
        if (length == 0)
            return new Refusal(Errno.EINVAL, "access.length", "The length is 0.");
        if (!IovaRange.TryOfLength(iova, length, out range))
            return new Refusal(Errno.EOVERFLOW, "access.wrap", $"0x{iova:x} + 0x{length:x} passes the end of the address space.");
        return ioas is not null ? null : new Refusal(Errno.ENOENT, "access.unattached", $"Access {Id} is not attached to an IOAS.");
    }
}
