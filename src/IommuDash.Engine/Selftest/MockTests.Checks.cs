// Test operations that look behind the scenes, and those that play hardware.
using System.Buffers.Binary;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Selftest;

public sealed partial class MockTests
{
    private const ulong PageMask = PhysicalMemory.FrameBytes - 1;

    // What one record of the flat table stands for; records are found by dividing by the page size of the request, whatever it is.
    private const ulong FlatRecordBytes = PhysicalMemory.FrameBytes / 2;
    private const ulong MaxDirtyBits = 1UL << 27;

    /// <summary>
    /// MD_CHECK_MAP: whether [iova, +length) translates to the frames behind the caller's memory at <paramref name="userAddress"/>. ENOENT no such paging hw_pagetable; EINVAL misaligned to its smallest page, wrapping,
    /// or another translation; EFAULT no such memory. Length 0 succeeds.
    /// </summary>
    public Refusal? CheckMap(EmulatedProcess caller, uint hwptId, ulong iova, ulong length, ulong userAddress)
    {
        Refusal? missing = context.Objects.Get(hwptId, "paging hw_pagetable", out HwptPaging hwpt);
        ulong page = Level.MockCheckMapAlignsFirst ? FlatRecordBytes : missing is null ? hwpt.Domain.PageSizeBitmap & (0 - hwpt.Domain.PageSizeBitmap) : 1;
        Refusal? misaligned = ((iova | length | userAddress) & (page - 1)) == 0 && userAddress + length >= userAddress ? null
            : new Refusal(Errno.EINVAL, "test.alignment", $"0x{iova:x}, 0x{length:x} and 0x{userAddress:x} must be multiples of 0x{page:x} and not wrap.");
        if ((Level.MockCheckMapAlignsFirst ? misaligned ?? missing : missing ?? misaligned) is { } bad)
            return bad;
        for (ulong done = 0; done < length; done += page)
        {
            if (caller.Memory.Peek(userAddress + done, out uint pfn, out _) is { } fault)
                return fault;
            ulong expected = ((ulong)pfn << PhysicalMemory.FrameShift) | ((userAddress + done) & PageMask);
            if (!hwpt.Domain.TryTranslate(iova + done, out ulong physical) || physical != expected)
                return new Refusal(Errno.EINVAL, "test.translation", $"0x{iova + done:x} does not lead to 0x{expected:x}, the frame of 0x{userAddress + done:x}.");
        }
        return null;
    }

    /// <summary>MD_CHECK_REFS: whether each of the caller's pages has exactly this many pins; huge pages are passed over. EINVAL misaligned or wrapping; EFAULT no such memory; EIO another count.</summary>
    public static Refusal? CheckRefs(EmulatedProcess caller, PhysicalMemory memory, ulong userAddress, ulong length, uint refs)
    {
        if (((userAddress | length) & PageMask) != 0 || userAddress + length < userAddress)
            return new Refusal(Errno.EINVAL, "test.alignment", $"0x{userAddress:x} and 0x{length:x} must be whole pages and not wrap.");
        for (ulong done = 0; done < length; done += PhysicalMemory.FrameBytes)
        {
            if (caller.Memory.Peek(userAddress + done, out uint pfn, out bool isHuge) is { } fault)
                return fault;
            uint pins = pfn == 0 ? 0 : memory.Pins(pfn);
            if (!isHuge && pins != refs)
                return new Refusal(Errno.EIO, "test.refs", $"The page at 0x{userAddress + done:x} is pinned {pins} times, not {refs}.");
        }
        return null;
    }

    /// <summary>
    /// DIRTY: plays a device that writes to the pages whose bits are set. EINVAL sizes 0 or misaligned, or no address of a bitmap; EOVERFLOW more than 2^27 bits; ENOENT no such paging hw_pagetable; EINVAL it does not track; EFAULT the bitmap is unreadable.
    /// </summary>
    /// <param name="bits">As much of the bitmap as can be read.</param>
    /// <param name="isNull">The caller gave no address.</param>
    public Refusal? Dirty(uint hwptId, ulong iova, ulong length, ulong pageSize, ReadOnlySpan<byte> bits, bool isNull, out ulong marked)
    {
        marked = 0;
        if (pageSize == 0 || length == 0 || iova % pageSize != 0 || length % pageSize != 0 || isNull)
            return new Refusal(Errno.EINVAL, "test.dirty", $"0x{iova:x} and 0x{length:x} must be multiples of the page size 0x{pageSize:x}, and there must be a bitmap.");
        ulong pages = length / pageSize;
        if (pages > MaxDirtyBits)
            return new Refusal(Errno.EOVERFLOW, "test.bits", $"{pages} bits are more than {MaxDirtyBits}.");
        if (context.Objects.Get(hwptId, "paging hw_pagetable", out HwptPaging hwpt) is { } missing)
            return missing;
        if (!hwpt.IsTrackingDirty)
            return new Refusal(Errno.EINVAL, "test.untracked", $"hw_pagetable {hwptId} is not tracking.");
        if ((ulong)bits.Length < (pages + 7) / 8)
            return GuestData.Unreadable();
        for (ulong i = 0; i < pages; i++)
        {
            if ((bits[(int)(i / 8)] >> (int)(i % 8) & 1) == 0)
                continue;
            bool isMapped = hwpt.Domain.MarkDirty(Level.MockHasRadixTable ? iova + (i * pageSize) : ((iova / pageSize) + i) * FlatRecordBytes);
            marked += isMapped || !Level.MockDirtyCountsMappedOnly ? 1UL : 0;
        }
        return null;
    }

    /// <summary>MD_CHECK_IOTLB. ENOENT no such nested hw_pagetable; EINVAL no such entry, or another value.</summary>
    public Refusal? CheckIotlb(uint hwptId, uint entry, uint expected)
    {
        if (context.Objects.Get(hwptId, "nested hw_pagetable", out HwptNested nested) is { } missing)
            return missing;
        return nested.Stage is MockStage stage ? CheckEntry(stage.Iotlb, entry, expected) : new Refusal(Errno.EINVAL, "test.mock", $"hw_pagetable {hwptId} is not the mock's.");
    }

    /// <summary>DEV_CHECK_CACHE. ENOENT no such device; EINVAL not a mock device, no such entry, or another value.</summary>
    public Refusal? CheckDeviceCache(uint deviceId, uint entry, uint expected) => FindMock(deviceId, out _, out MockDeviceState mock) ?? CheckEntry(mock.Cache, entry, expected);

    /// <summary>TRIGGER_IOPF: a group of one fault. ENOENT no such device; EINVAL not a mock device. Success says nothing about delivery.</summary>
    public Refusal? TriggerFault(uint deviceId, uint pasid, uint groupId, uint perm, ulong address)
    {
        if (FindMock(deviceId, out Device device, out _) is { } missing)
            return missing;
        PageFaultFlags flags = PageFaultFlags.LastPage | (pasid != 0 ? PageFaultFlags.PasidValid : 0);
        context.ReportFault(device, new PageFault(flags, pasid, groupId, perm, address));
        return null;
    }

    /// <summary>TRIGGER_VEVENT: an event with the device's id in the guest. ENOENT no such device, or not attached through a vIOMMU; EOPNOTSUPP no queue for it.</summary>
    public Refusal? TriggerVevent(uint deviceId)
    {
        if ((FindMock(deviceId, out Device device, out MockDeviceState mock) ?? PreviewVevent(device, out _)) is { } refusal)
            return refusal;
        (Viommu viommu, ulong virtualId) = mock.EventSource!.Value;
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, (uint)virtualId);
        return IommufdContext.ReportVevent(viommu, MockConstants.VeventqType, data);
    }

    /// <summary>What TRIGGER_VEVENT would answer, and where the event would go.</summary>
    public static Refusal? PreviewVevent(Device device, out Veventq? queue)
    {
        queue = null;
        if (device.Hardware.Mock is not { } mock)
            return NoMock(device.Id);
        return mock.EventSource is { } source ? IommufdContext.FindVeventq(source.Viommu, MockConstants.VeventqType, out queue)
            : new Refusal(Errno.ENOENT, "test.viommu", $"Device {device.Id} is not attached through a vIOMMU.");
    }

    private Refusal? FindMock(uint deviceId, out Device device, out MockDeviceState mock)
    {
        mock = null!;
        if (context.Objects.Get(deviceId, "device", out device) is { } missing)
            return missing;
        mock = device.Hardware.Mock!;
        return mock is not null ? null : NoMock(deviceId);
    }

    private static Refusal NoMock(uint deviceId) => new(Errno.EINVAL, "test.mock", $"Device {deviceId} is not a mock device.");

    private static Refusal? CheckEntry(uint[] cache, uint entry, uint expected) => entry < cache.Length && cache[entry] == expected ? null
        : new Refusal(Errno.EINVAL, "test.cache", entry < cache.Length ? $"Entry {entry} is 0x{cache[entry]:x}, not 0x{expected:x}." : $"There is no entry {entry}.");
}
