// Dirty tracking of paging hw_pagetables (drivers/iommu/iommufd/hw_pagetable.c). The reserved fields of the structures are the caller's to check.
using System.Numerics;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Iommufd;

/// <summary>Flags of IOMMU_HWPT_SET_DIRTY_TRACKING.</summary>
[Flags]
public enum SetDirtyFlags : uint
{
    None = 0,
    Enable = 1,
}

/// <summary>Flags of IOMMU_HWPT_GET_DIRTY_BITMAP.</summary>
[Flags]
public enum GetDirtyFlags : uint
{
    None = 0,

    /// <summary>Leave what is read dirty.</summary>
    NoClear = 1,
}

public sealed partial class IommufdContext
{
    /// <summary>
    /// IOMMU_HWPT_SET_DIRTY_TRACKING. Switching on clears all that is recorded, also when it was on. EOPNOTSUPP unknown flags; ENOENT no such paging hw_pagetable; EOPNOTSUPP it was made without DIRTY_TRACKING.
    /// </summary>
    public Refusal? HwptSetDirtyTracking(uint hwptId, SetDirtyFlags flags)
    {
        if ((flags & ~SetDirtyFlags.Enable) != 0)
            return UnknownFlags("dirty.flags", (uint)(flags & ~SetDirtyFlags.Enable));
        if (Objects.Get(hwptId, "paging hw_pagetable", out HwptPaging hwpt) is { } noHwpt)
            return noHwpt;
        if (CheckTracks(hwpt) is { } unsupported)
            return unsupported;
        bool enable = flags.HasFlag(SetDirtyFlags.Enable);
        if (enable)
            hwpt.Ioas.Pagetable.ClearDirty(hwpt.Domain);
        hwpt.IsTrackingDirty = enable;
        Raise(EngineEventKind.DirtyTrackingSet, hwpt.Id, hwpt.Ioas.Id, value: enable ? 1u : 0);
        return null;
    }

    /// <summary>
    /// IOMMU_HWPT_GET_DIRTY_BITMAP: adds a bit for every dirty page of [iova, +length) to <paramref name="bits"/>, whose bit 0 is the page at <paramref name="iova"/>, and clears them unless told not to.
    /// Reads up to the first address that is not mapped, and says nothing about the rest. Bits that do not fit are lost.
    /// EOPNOTSUPP unknown flags; ENOENT; EINVAL and EOVERFLOW for ends that wrap or are misaligned; EOPNOTSUPP the hw_pagetable was made without DIRTY_TRACKING.
    /// </summary>
    /// <param name="pageSize">Bytes one bit stands for: its lowest bit counts.</param>
    public Refusal? HwptGetDirtyBitmap(uint hwptId, GetDirtyFlags flags, ulong iova, ulong length, ulong pageSize, Span<byte> bits)
    {
        ulong before = Host.Events is null ? 0 : DirtyBitmap.Count(bits);
        if (ReadDirty(hwptId, flags, iova, length, pageSize, bits) is { } refusal)
            return refusal;
        if (Host.Events is not null)
            Raise(EngineEventKind.DirtyBitmapRead, hwptId, (uint)flags, new IovaRange(iova, iova + (length - 1)), DirtyBitmap.Count(bits) - before);
        return null;
    }

    /// <summary>What <see cref="HwptGetDirtyBitmap"/> with NO_CLEAR would answer, without anybody hearing of it.</summary>
    public Refusal? PeekDirtyBitmap(uint hwptId, ulong iova, ulong length, ulong pageSize, Span<byte> bits) => ReadDirty(hwptId, GetDirtyFlags.NoClear, iova, length, pageSize, bits);

    private Refusal? ReadDirty(uint hwptId, GetDirtyFlags flags, ulong iova, ulong length, ulong pageSize, Span<byte> bits)
    {
        if ((flags & ~GetDirtyFlags.NoClear) != 0)
            return UnknownFlags("dirty.flags", (uint)(flags & ~GetDirtyFlags.NoClear));
        if (Objects.Get(hwptId, "paging hw_pagetable", out HwptPaging hwpt) is { } noHwpt)
            return noHwpt;
        if ((hwpt.Ioas.Pagetable.CheckDirtyRequest(iova, length, pageSize) ?? CheckTracks(hwpt)) is { } refusal)
            return refusal;
        if (Host.Level.DirtyReadNeedsTracking && !hwpt.IsTrackingDirty)
            return null;
        var room = (UInt128)bits.Length * 8 << BitOperations.TrailingZeroCount(pageSize);
        hwpt.Ioas.Pagetable.ReadDirty(hwpt.Domain, iova, length < room ? length : (ulong)room, pageSize, clear: !flags.HasFlag(GetDirtyFlags.NoClear), bits);
        return null;
    }

    private static Refusal? CheckTracks(HwptPaging hwpt) => hwpt.Flags.HasFlag(HwptFlags.DirtyTracking) ? null
        : new Refusal(Errno.EOPNOTSUPP, "dirty.unsupported", $"hw_pagetable {hwpt.Id} was made without DIRTY_TRACKING.") { Objects = [hwpt.Id] };

    private static Refusal UnknownFlags(string rule, uint bits) => new(Errno.EOPNOTSUPP, rule, $"Flag bits 0x{bits:x} are unknown.");
}
