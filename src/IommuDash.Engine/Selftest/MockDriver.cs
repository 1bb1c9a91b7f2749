// The driver of the kernel selftest's mock IOMMU (drivers/iommu/iommufd/selftest.c). It nests, has PASIDs, virtual IOMMUs and hardware queues, and one PASID that fails on purpose.
using System.Buffers.Binary;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Hardware.Drivers;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Selftest;

internal sealed class MockDriver : IommuDriver
{
    private const int InvalidateBytes = 8;
    private const int ViommuInvalidateBytes = 12;
    private const uint InvalidateAll = 1;
    private const int OldestStageBytes = 4;
    private const int OldestViommuBytes = 8;
    private const int ViommuBytes = 24;
    private const int WindowPages = 2;

    public override int PasidBits(HostDevice device, ReferenceLevel level) => (device.Description.MockFlags & level.MockPasidFlag) != 0 ? MockConstants.PasidBits : 0;

    public override (uint Type, byte[] Data) HwInfo(HostDevice device, ReferenceLevel level)
    {
        byte[] data = new byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(4), MockConstants.HwInfoRegister);
        return (MockConstants.HwInfoType, data);
    }

    public override Refusal? CheckPaging(HostDevice device, HwptFlags flags, GuestData data, ReferenceLevel level, out MockTableKind kind)
    {
        kind = (device.Description.MockFlags & level.MockHugeFlag) != 0 ? MockTableKind.Huge : MockTableKind.Default;
        if (data.LengthBytes == 0)
            return null;
        if (!level.MockHasRadixTable || data.Type != MockConstants.HwptDataType)
            return Unsupported($"the mock takes no data of type 0x{data.Type:x} for a paging hw_pagetable");
        Span<byte> bytes = stackalloc byte[level.MockDataMaxBytes];
        if (data.Read(OldestStageBytes, bytes) is { } unread)
            return unread;
        uint wanted = GuestData.U32(bytes, 4);
        if (wanted > (uint)MockTableKind.Huge)
            return Unsupported($"the mock has no page tables of kind {wanted}");
        kind = (MockTableKind)wanted;
        return null;
    }

    public override bool CanNest(IommuUnitDescription unit) => true;

    public override Refusal? CreateStage(HwptFlags flags, GuestData data, ReferenceLevel level, out NestedStage? stage)
    {
        stage = null;
        if (data.Type != MockConstants.HwptDataType)
            return Unsupported($"the mock takes guest data of type 0x{MockConstants.HwptDataType:x}, not 0x{data.Type:x}");
        Span<byte> bytes = stackalloc byte[level.MockDataMaxBytes];
        if (data.Read(OldestStageBytes, bytes) is { } unread)
            return unread;
        stage = new MockStage(GuestData.U32(bytes, 0));
        return null;
    }

    public override Refusal? CheckAttach(Device device, uint pasid, Hwpt hwpt) =>
        pasid != 0 || hwpt is not HwptNested { Viommu: { } viommu } || device.Vdevice?.Viommu == viommu ? null
            : new Refusal(Errno.ENOENT, "attach.vdevice", $"Device {device.Id} is no virtual device of vIOMMU {viommu.Id}.") { Objects = [viommu.Id] };

    public override Refusal? Switch(Device device, uint pasid, Hwpt hwpt)
    {
        MockDeviceState mock = device.Hardware.Mock!;
        if (pasid == 0)
            mock.EventSource = hwpt is HwptNested { Viommu: { } viommu } ? (viommu, device.Vdevice!.VirtualId) : null;
        if (pasid != MockConstants.FailingPasid)
            return null;
        mock.WillFailPasid = !mock.WillFailPasid;
        return mock.WillFailPasid ? null : new Refusal(Errno.ENOMEM, "attach.pasid1024", $"The mock refuses the second attach of PASID {pasid}, to have undoing tested.");
    }

    public override void Block(Device device, uint pasid)
    {
        MockDeviceState mock = device.Hardware.Mock!;
        if (pasid == 0)
            mock.EventSource = null;
        if (pasid == MockConstants.FailingPasid)
            mock.WillFailPasid = false;
    }

    public override Refusal? Invalidate(HwptNested nested, GuestArray array, out uint done)
    {
        done = 0;
        if (array.Type != MockConstants.HwptInvalidateType)
            return WrongType(MockConstants.HwptInvalidateType, array.Type);
        Span<byte> entry = stackalloc byte[InvalidateBytes];
        for (; done < array.Count; done++)
        {
            if (array.Read(done, InvalidateBytes, entry) is { } unread)
                return unread;
            (uint flags, uint id) = (GuestData.U32(entry, 0), GuestData.U32(entry, 4));
            if (CheckEntry(done, flags, id) is { } bad)
                return bad;
            Drop(((MockStage)nested.Stage).Iotlb, flags, id);
        }
        return null;
    }

    public override bool HasViommu(uint type) => type == MockConstants.ViommuType;

    public override Refusal? InitViommu(Viommu viommu, uint lengthBytes, Span<byte> data)
    {
        if (lengthBytes == 0)
            return null;
        Span<byte> bytes = stackalloc byte[ViommuBytes];
        if (new GuestData(viommu.ViommuType, lengthBytes, data).Read(OldestViommuBytes, bytes) is { } unread)
            return unread;
        MmapWindow window = viommu.Context.MmapWindows.Add(viommu, WindowPages);
        viommu.Window = window;
        bytes[..4].CopyTo(window.Content);
        bytes[..4].CopyTo(bytes[4..]);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], window.Offset);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], (ulong)window.Content.Length);
        bytes[..(int)lengthBytes].CopyTo(data);
        return null;
    }

    // Unlike a hw_pagetable's, the whole array is read before anything is done; an entry may be shorter than the layout, or longer with zeroes.
    public override Refusal? InvalidateViommu(Viommu viommu, GuestArray array, out uint done)
    {
        done = 0;
        if (array.Type != MockConstants.ViommuInvalidateType)
            return WrongType(MockConstants.ViommuInvalidateType, array.Type);
        if ((ulong)array.Readable.Length < (ulong)array.Count * array.EntryBytes)
            return GuestData.Unreadable();
        for (uint i = 0; i < array.Count; i++)
        {
            if (array.EntryBytes > ViommuInvalidateBytes && Entry(array, i)[ViommuInvalidateBytes..].ContainsAnyExcept((byte)0))
                return new Refusal(Errno.E2BIG, "invalidate.tail", $"Entry {i} has something behind its {ViommuInvalidateBytes} bytes that the mock does not know.");
        }
        Span<byte> entry = stackalloc byte[ViommuInvalidateBytes];
        for (; done < array.Count; done++)
        {
            entry.Clear();
            Entry(array, done)[..(int)Math.Min(array.EntryBytes, ViommuInvalidateBytes)].CopyTo(entry);
            (uint flags, uint virtualId, uint id) = (GuestData.U32(entry, 0), GuestData.U32(entry, 4), GuestData.U32(entry, 8));
            if (CheckEntry(done, flags, id) is { } bad)
                return bad;
            if (!viommu.Vdevices.TryGetValue(virtualId, out Vdevice? vdevice))
                return new Refusal(Errno.EINVAL, "invalidate.vdevice", $"Entry {done} names device 0x{virtualId:x}, which vIOMMU {viommu.Id} does not have.");
            Drop(vdevice.Device.Hardware.Mock!.Cache, flags, id);
        }
        return null;
    }

    public override bool HasHwQueue(uint type) => type == MockConstants.HwQueueType;

    public override Refusal? CheckHwQueue(HwQueue queue)
    {
        IReadOnlyDictionary<uint, HwQueue> queues = queue.Viommu.HwQueues;
        if (queue.Index >= MockConstants.HwQueues)
            return new Refusal(Errno.EINVAL, "hwqueue.index", $"Index {queue.Index} is above {MockConstants.HwQueues - 1}, the mock's last.");
        if (queues.TryGetValue(queue.Index, out HwQueue? other))
            return new Refusal(Errno.EEXIST, "hwqueue.taken", $"Queue {queue.Index} of vIOMMU {queue.Viommu.Id} is object {other.Id}.") { Objects = [other.Id] };
        if (queue.Index != 0 && !queues.ContainsKey(queue.Index - 1))
            return new Refusal(Errno.EIO, "hwqueue.order", $"Queue {queue.Index} needs queue {queue.Index - 1} before it.");
        return queue.Viommu.Parent.Domain.TryTranslate(queue.Range.Start, out ulong physical) && physical == queue.BasePhysical ? null
            : new Refusal(Errno.EFAULT, "hwqueue.base", $"The parent does not translate 0x{queue.Range.Start:x} to the queue's memory at 0x{queue.BasePhysical:x}.");
    }

    private static ReadOnlySpan<byte> Entry(GuestArray array, uint index) => array.Readable.Slice((int)(index * array.EntryBytes), (int)array.EntryBytes);

    private static Refusal? CheckEntry(uint index, uint flags, uint id)
    {
        if ((flags & ~InvalidateAll) != 0)
            return Unsupported($"entry {index} has unknown flag bits 0x{flags & ~InvalidateAll:x}");
        return id < MockConstants.CacheEntries ? null : new Refusal(Errno.EINVAL, "invalidate.id", $"Entry {index} names cache entry {id}; there are {MockConstants.CacheEntries}.");
    }

    private static void Drop(uint[] cache, uint flags, uint id)
    {
        if ((flags & InvalidateAll) != 0)
            cache.AsSpan().Clear();
        else
            cache[id] = 0;
    }

    private static Refusal WrongType(uint wanted, uint given) =>
        new(Errno.EINVAL, "invalidate.type", $"The mock invalidates with entries of type 0x{wanted:x}, not 0x{given:x}.");
}
