// Writes of a bound device to memory, as far as the page table sees them: the bytes written are those already there, and what is left behind are dirty bits, in domains that track.
// Leaves out: reads (no second-stage format here records them), a guest's own first stage, PASIDs.
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Iommufd;

/// <summary>Single bytes at places that a seed decides, instead of everything.</summary>
public readonly record struct ScatteredWrites(uint Count, ulong Seed)
{
    /// <summary>The offset of the n-th write in <paramref name="lengthBytes"/> bytes (splitmix64).</summary>
    internal ulong Offset(uint n, ulong lengthBytes)
    {
        ulong z = unchecked(Seed + ((n + 1UL) * 0x9e37_79b9_7f4a_7c15));
        z = unchecked((z ^ (z >> 30)) * 0xbf58_476d_1ce4_e5b9);
        z = unchecked((z ^ (z >> 27)) * 0x94d0_49bb_1331_11eb);
        return Math.BigMul(z ^ (z >> 31), lengthBytes, out _);
    }
}

public sealed partial class IommufdContext
{
    /// <summary>
    /// A device writes to [iova, +length), all of it or scattered single bytes. All of the range must be mapped for writing, or nothing is written.
    /// EINVAL length 0; EOVERFLOW the end wraps; ENOENT no such device; EFAULT it is not attached, or a hole or a read-only area is in the range: the unit would report a fault; EOPNOTSUPP it is attached to a nested hw_pagetable.
    /// </summary>
    /// <param name="dirtied">Bytes of the leaves that became dirty; 0 if the hw_pagetable does not track.</param>
    public Refusal? DmaWrite(uint deviceId, ulong iova, ulong length, ScatteredWrites? scattered, out ulong dirtied)
    {
        dirtied = 0;
        if (length == 0)
            return new Refusal(Errno.EINVAL, "dma.length", "The length is 0; nothing is written.");
        if (!IovaRange.TryOfLength(iova, length, out IovaRange range))
            return new Refusal(Errno.EOVERFLOW, "dma.wrap", $"0x{iova:x} + 0x{length:x} passes the end of the address space.");
        if (Objects.Get(deviceId, "device", out Device device) is { } missing)
            return missing;
        if (device.AttachedTo(0) is not { } attached)
            return new Refusal(Errno.EFAULT, "dma.blocked", $"Device {deviceId} ({device.Hardware.Address}) is not attached: its DMA is blocked.") { Objects = [deviceId] };
        if (attached is not HwptPaging hwpt)
            return new Refusal(Errno.EOPNOTSUPP, "dma.nested", $"Device {deviceId} is attached to the nested hw_pagetable {attached.Id}; where its guest's first stage leads is not modelled.") { Objects = [attached.Id] };
        if (hwpt.Ioas.Pagetable.CheckWrites(range) is { } fault)
            return fault;
        if (hwpt.IsTrackingDirty)
            dirtied = MarkDirty(hwpt.Domain, range, scattered);
        Raise(EngineEventKind.DeviceWrote, deviceId, hwpt.Id, range, dirtied);
        return null;
    }

    private static ulong MarkDirty(IommuDomain domain, IovaRange range, ScatteredWrites? scattered)
    {
        if (scattered is not { } writes)
            return domain.MarkDirty(range.Start, range.Last);
        ulong dirtied = 0;
        ulong lengthBytes = range.Last - range.Start + 1;
        for (uint i = 0; i < writes.Count; i++)
        {
            ulong at = range.Start + writes.Offset(i, lengthBytes);
            dirtied += domain.MarkDirty(at, at);
        }
        return dirtied;
    }
}
