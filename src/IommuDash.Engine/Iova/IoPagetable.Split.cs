// Cutting an area in two for VFIO type1, whose unmaps may begin and end anywhere on the alignment (iopt_area_split). Page tables are not touched: both halves keep the storage domain, and each later unpins the pages that the other does not show.
using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Iova;

public sealed partial class IoPagetable
{
    /// <summary>
    /// Cuts the area that covers <paramref name="leftLast"/> behind that address. Nothing to do where no area is, at its last byte, and, as in the reference, at its first. EBUSY: an unmap waits for it; EOPNOTSUPP: it shows a dma-buf;
    /// EINVAL: the cut is not aligned, an access holds the area, or a domain may show it with large leaves; ENOMEM at a cap.
    /// </summary>
    internal Refusal? Cut(ulong leftLast)
    {
        int slot = Areas.FirstOverlap(leftLast, leftLast);
        if (slot < 0)
            return null;
        IovaRange range = Areas.Range(slot);
        if (leftLast == range.Start || leftLast == range.Last)
            return null;
        if (CheckCut(slot, leftLast + 1) is { } refusal)
            return refusal;
        ulong rightByte = StartByte(slot, leftLast + 1);
        IopArea left = Area(slot);
        IopArea right = left with
        {
            FirstIndex = rightByte >> PhysicalMemory.FrameShift,
            PageOffset = (ushort)(rightByte % PhysicalMemory.FrameBytes),
        };
        if (left.StorageDomain is not null)
            left.Pages.RemoveHolder(this, slot);
        Areas.Remove(slot);
        left.Pages.GetArea();
        Place(new IovaRange(range.Start, leftLast), left);
        Place(new IovaRange(leftLast + 1, range.Last), right);
        Raise(EngineEventKind.AreaSplit, range, leftLast + 1);
        return null;
    }

    private void Place(IovaRange range, IopArea area)
    {
        int slot = Areas.Insert(range, area);
        if (area.StorageDomain is not null)
            area.Pages.AddHolder(this, slot);
    }

    private Refusal? CheckCut(int slot, ulong rightStart)
    {
        IovaRange range = Areas.Range(slot);
        ref IopArea area = ref Area(slot);
        if (area.PreventAccess)
            return Refuse(Errno.EBUSY, "split.waiting", "an unmap waits for it");
        if (area.Pages.IsDmabuf)
            return Refuse(Errno.EOPNOTSUPP, "split.dmabuf", "it shows a dma-buf");
        if (((rightStart | StartByte(slot, rightStart)) & (IovaAlignment - 1)) != 0)
            return Refuse(Errno.EINVAL, "split.alignment", $"the cut is not a multiple of 0x{IovaAlignment:x} here and in its memory");
        if (Host.Fails(FailurePoint.Allocation))
            return Injected.Refusal(Errno.ENOMEM, FailurePoint.Allocation);
        if (area.NumAccesses != 0)
            return Refuse(Errno.EINVAL, "split.access", $"accesses hold it {area.NumAccesses} times");
        if (area.StorageDomain is not null && !LargePagesDisabled)
            return Refuse(Errno.EINVAL, "split.large", "a page table may show it with large leaves, which cannot be cut");
        return Areas.Count < Host.Limits.AreasPerIoas ? null
            : EngineLimits.Reached(nameof(EngineLimits.AreasPerIoas), Host.Limits.AreasPerIoas, "areas in one IOAS");

        Refusal Refuse(Errno errno, string rule, string why) => new(errno, rule, $"The area {range} cannot be cut at 0x{rightStart:x}: {why}.") { Ranges = [new(RangeRole.Area, range)] };
    }
}
