using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Selftest;
using static IommuDash.Engine.Tests.Selftest.MockRig;

namespace IommuDash.Engine.Tests.Selftest;

/// <summary>The selftest's iommufd_viommu, but for hardware queues.</summary>
public sealed class ViommuTests
{
    private const uint VirtualId = 0x99;

    [Fact]
    public void ViommuAlloc_BadArguments_AnswerInTheReferencesOrder()
    {
        using var rig = new MockRig();
        (_, uint automatic, uint device) = rig.Attached();
        Refusal? Alloc(uint flags, uint type, uint dev, uint hwpt, byte[]? data = null) => rig.Context.ViommuAlloc(flags, type, dev, hwpt, (uint)(data?.Length ?? 0), data, out _);
        const uint Type = MockConstants.ViommuType;
        uint parent = rig.Hwpt(device, HwptFlags.NestParent);
        rig.Refused(Errno.EOPNOTSUPP, () => Alloc(1, Type, 0, 0));
        rig.Refused(Errno.EOPNOTSUPP, () => Alloc(0, 0, 0, 0));
        rig.Refused(Errno.ENOENT, () => Alloc(0, Type, 0, parent));
        rig.Refused(Errno.EOPNOTSUPP, () => Alloc(0, 0xdead, device, 0));
        rig.Refused(Errno.ENOENT, () => Alloc(0, Type, device, rig.Ioas));
        rig.Refused(Errno.EINVAL, () => Alloc(0, Type, device, automatic));
        rig.Refused(Errno.EINVAL, () => Alloc(0, Type, device, parent, new byte[4]));
        rig.Refused(Errno.EFAULT, () => rig.Context.ViommuAlloc(0, Type, device, parent, 24, new byte[4], out _));
        uint viommu = rig.Viommu(device, parent);
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(parent));
        uint nested = rig.Nested(device, viommu);
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(viommu));
        rig.Destroyed(nested, viommu, parent);
    }

    [Fact]
    public void ViommuAlloc_WithData_OffersAWindowToMap()
    {
        using var rig = new MockRig();
        (_, _, uint device) = rig.Attached();
        uint parent = rig.Hwpt(device, HwptFlags.NestParent);
        byte[] data = new byte[24];
        Words(0xbeef).CopyTo(data, 0);
        Assert.Null(rig.Context.ViommuAlloc(0, MockConstants.ViommuType, device, parent, 24, data, out uint viommu));
        Assert.Equal([0xbeefu, 0xbeefu, 4096u, 0u, 8192u, 0u], Enumerable.Range(0, 6).Select(i => Word(data, i)));
        MmapWindows windows = rig.Context.MmapWindows;
        Assert.Equal(Errno.EINVAL, windows.Map(4096, 8191, true, false, out _)?.Errno);
        Assert.Equal(Errno.EINVAL, windows.Map(4096, 8192, false, false, out _)?.Errno);
        Assert.Equal(Errno.EPERM, windows.Map(4096, 8192, true, true, out _)?.Errno);
        Assert.Equal(Errno.ENXIO, windows.Map(4096, 4096, true, false, out _)?.Errno);
        Assert.Equal(Errno.ENXIO, windows.Map(8192, 8192, true, false, out _)?.Errno);
        Assert.Null(windows.Map(4096, 8192, true, false, out MmapWindow? window));
        Assert.Equal(0xbeefu, Word(window!.Content, 0));
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(viommu));
        Assert.Null(rig.Context.ViommuAlloc(0, MockConstants.ViommuType, device, parent, 24, data, out uint second));
        Assert.Equal(0x3000u, Word(data, 2));
        window.Unmap();
        rig.Destroyed(viommu, second);
        Assert.Empty(windows.All);
    }

    [Fact]
    public void AttachNested_WithoutVdevice_IsEnoentAndWithItFaultsArrive()
    {
        using var rig = new MockRig();
        (uint mock, _, uint device) = rig.Attached();
        uint viommu = rig.Viommu(device, rig.Hwpt(device, HwptFlags.NestParent));
        FaultQueue queue = rig.FaultQueue();
        rig.Refused(Errno.ENOENT, () => rig.Context.HwptAlloc(device, viommu, HwptFlags.FaultIdValid, uint.MaxValue, Data(), out _));
        rig.Refused(Errno.EOPNOTSUPP, () => rig.Context.HwptAlloc(device, viommu, (HwptFlags)0x80, 0, Data(), out _));
        uint nested = rig.Nested(device, viommu, HwptFlags.FaultIdValid, queue.Id);
        rig.Refused(Errno.ENOENT, () => rig.Tests.Replace(mock, nested, out _));
        Assert.Null(rig.Context.VdeviceAlloc(viommu, device, VirtualId, out uint vdevice));
        Assert.Null(rig.Tests.Replace(mock, nested, out _));
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(queue.Id));
        Assert.Null(rig.Tests.TriggerFault(device, 0, 2, 3, 0xdeadbeaf));
        Assert.Null(queue.Read(0, PageFault.RecordBytes, new byte[PageFault.RecordBytes], out int bytes));
        Assert.Equal(PageFault.RecordBytes, bytes);
        Assert.Null(queue.Write(0, 8, Words(1, 0), out _));
        Assert.Null(rig.Tests.Replace(mock, rig.Ioas, out _));
        rig.Destroyed(vdevice, nested, viommu);
    }

    [Fact]
    public void VdeviceAlloc_TwiceOrElsewhere_IsRefused()
    {
        using var rig = new MockRig();
        (_, _, uint device) = rig.Attached();
        (_, _, uint second) = rig.Attached();
        Device other = rig.Rig.Bound("mock0");
        uint parent = rig.Hwpt(device, HwptFlags.NestParent);
        uint viommu = rig.Viommu(device, parent);
        uint sibling = rig.Viommu(device, parent);
        rig.Refused(Errno.ENOENT, () => rig.Context.VdeviceAlloc(0, 0, VirtualId, out _));
        rig.Refused(Errno.ENOENT, () => rig.Context.VdeviceAlloc(viommu, 0, VirtualId, out _));
        rig.Refused(Errno.EINVAL, () => rig.Context.VdeviceAlloc(viommu, other.Id, VirtualId, out _));
        rig.Refused(Errno.EINVAL, () => rig.Context.HwptAlloc(other.Id, viommu, (HwptFlags)0x80, 0, Data(), out _));
        Assert.Null(rig.Context.VdeviceAlloc(viommu, device, VirtualId, out uint vdevice));
        rig.Refused(Errno.EEXIST, () => rig.Context.VdeviceAlloc(sibling, device, 0x88, out _));
        rig.Refused(Errno.EEXIST, () => rig.Context.VdeviceAlloc(viommu, second, VirtualId, out _));
        Assert.Null(rig.Context.VdeviceAlloc(sibling, second, VirtualId, out _));
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(viommu));
        rig.Destroyed(vdevice, viommu);
    }

    [Fact]
    public void Veventq_MoreEventsThanDepth_MarksTheLossOnceAtItsPlace()
    {
        using var rig = new MockRig();
        (uint mock, _, uint device) = rig.Attached();
        uint viommu = rig.Viommu(device, rig.Hwpt(device, HwptFlags.NestParent));
        const uint Type = MockConstants.VeventqType;
        rig.Refused(Errno.EOPNOTSUPP, () => rig.Context.VeventqAlloc(1, viommu, Type, 2, out _));
        rig.Refused(Errno.EOPNOTSUPP, () => rig.Context.VeventqAlloc(0, viommu, 0, 2, out _));
        rig.Refused(Errno.EINVAL, () => rig.Context.VeventqAlloc(0, 0, Type, 0, out _));
        rig.Refused(Errno.EINVAL, () => rig.Context.VeventqAlloc(0, 0, Type, (1 << 19) + 1, out _));
        rig.Refused(Errno.ENOENT, () => rig.Context.VeventqAlloc(0, 0, Type, 2, out _));
        rig.Refused(Errno.ENOENT, () => rig.Tests.TriggerVevent(device));
        Assert.Null(rig.Context.VdeviceAlloc(viommu, device, VirtualId, out _));
        uint nested = rig.Nested(device, viommu);
        Assert.Null(rig.Tests.Replace(mock, nested, out _));
        rig.Refused(Errno.EOPNOTSUPP, () => rig.Tests.TriggerVevent(device));
        Assert.Null(rig.Context.VeventqAlloc(0, viommu, Type, 2, out Veventq? queue));
        rig.Refused(Errno.EEXIST, () => rig.Context.VeventqAlloc(0, viommu, Type, 2, out _));
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(queue!.Id));

        for (int i = 0; i < 4; i++)
            Assert.Null(rig.Tests.TriggerVevent(device));
        byte[] buffer = new byte[64];
        Assert.Equal(Errno.ESPIPE, queue!.Read(4, 64, buffer, out _)?.Errno);
        Assert.Equal(Errno.EINVAL, queue.Read(0, 7, buffer, out _)?.Errno);
        Assert.Equal(Errno.EINVAL, queue.Read(0, 8, buffer, out _)?.Errno);
        Assert.Equal(Errno.EFAULT, queue.Read(0, 64, [], out _)?.Errno);
        Assert.Null(queue.Read(0, 12, buffer, out int bytes));
        Assert.Equal((12, 0u, 0u, VirtualId), (bytes, Word(buffer, 0), Word(buffer, 1), Word(buffer, 2)));
        // Room again: the mark of loss, number 3, gives way to event 4.
        Assert.Null(rig.Tests.TriggerVevent(device));
        Assert.Null(rig.Tests.TriggerVevent(device));
        Assert.Null(queue.Read(0, 64, buffer, out bytes));
        Assert.Equal(12 + 12 + 8, bytes);
        Assert.Equal([0u, 1u, VirtualId, 0u, 4u, VirtualId, 1u, 5u], Enumerable.Range(0, 8).Select(i => Word(buffer, i)));
        Assert.False(queue.IsReadable);
        Assert.Null(queue.Read(0, 8, buffer, out bytes));
        Assert.Equal(0, bytes);
        queue.Close();
        rig.Destroyed(queue.Id);
    }

    [Fact]
    public void Invalidate_DeviceCache_CountsAsTheMockDoes()
    {
        using var rig = new MockRig();
        (_, _, uint device) = rig.Attached();
        uint viommu = rig.Viommu(device, rig.Hwpt(device, HwptFlags.NestParent));
        Assert.Null(rig.Context.VdeviceAlloc(viommu, device, VirtualId, out _));
        const uint Type = MockConstants.ViommuInvalidateType;
        void Expect(Errno? errno, uint expected, GuestArray array)
        {
            Refusal? refusal = rig.Context.HwptInvalidate(viommu, array, out uint done);
            Assert.Equal(errno, refusal?.Errno);
            Assert.Equal(expected, done);
        }

        Assert.Equal(Errno.ENOENT, rig.Tests.CheckDeviceCache(viommu, 0, 0)?.Errno);
        Expect(null, 0, new GuestArray(Type, 0, 0, [], isNull: true));
        Expect(Errno.EINVAL, 0, new GuestArray(BadType, 12, 0, []));
        Expect(Errno.EINVAL, 0, new GuestArray(Type, 12, 1, [], isNull: true));
        Expect(Errno.EFAULT, 0, new GuestArray(Type, 12, 2, Words(0, VirtualId, 0)));
        Expect(Errno.E2BIG, 0, GuestArray.Of(Type, 16, Words(0, VirtualId, 0, 0, 0, VirtualId, 1, 1)));
        Expect(Errno.EOPNOTSUPP, 1, GuestArray.Of(Type, 12, Words(0, VirtualId, 0, 2, VirtualId, 1)));
        Expect(Errno.EINVAL, 1, GuestArray.Of(Type, 12, Words(0, VirtualId, 0, 0, VirtualId, 4)));
        Expect(Errno.EINVAL, 0, GuestArray.Of(Type, 12, Words(1, VirtualId, 4)));
        Expect(Errno.EINVAL, 0, GuestArray.Of(Type, 12, Words(1, 0x9, 0)));
        uint[] values = [0, MockConstants.DeviceCacheDefault, MockConstants.DeviceCacheDefault, MockConstants.DeviceCacheDefault];
        for (uint i = 0; i < 4; i++)
            Assert.Null(rig.Tests.CheckDeviceCache(device, i, values[i]));
        Expect(null, 2, GuestArray.Of(Type, 16, Words(0, VirtualId, 1, 0, 0, VirtualId, 2, 0)));
        Assert.Null(rig.Tests.CheckDeviceCache(device, 2, 0));
        Expect(null, 1, GuestArray.Of(Type, 12, Words(1, VirtualId, 0)));
        Assert.Null(rig.Tests.CheckDeviceCache(device, 3, 0));
    }

    [Fact]
    public void Vdevice_DeviceGoes_LeavesATombstone()
    {
        using var rig = new MockRig();
        (_, _, uint keeper) = rig.Attached();
        (uint mock, _, uint device) = rig.Attached();
        uint viommu = rig.Viommu(keeper, rig.Hwpt(keeper, HwptFlags.NestParent));
        Assert.Null(rig.Context.VdeviceAlloc(viommu, device, VirtualId, out uint vdevice));
        rig.Destroyed(mock);
        rig.Refused(Errno.ENOENT, () => rig.Context.Destroy(vdevice));
        // The ids of mock and device are free, the virtual device's is not.
        (uint newMock, _, uint newDevice) = rig.Attached();
        Assert.Equal((mock, device), (newMock, newDevice));
        Assert.Null(rig.Context.VdeviceAlloc(viommu, newDevice, VirtualId, out uint again));
        Assert.Equal(vdevice + 1, again);
    }

    [Fact]
    public void GetHwInfo_Buffers_AreFilledAndZeroed()
    {
        foreach (ReferenceLevel level in ReferenceLevel.All)
        {
            bool current = level == ReferenceLevel.Current;
            using var rig = new MockRig(level);
            (_, _, uint device) = rig.Attached(flags: 4);
            rig.Refused(Errno.EOPNOTSUPP, () => rig.Context.GetHwInfo(2, 0, 0, out _));
            rig.Refused(Errno.ENOENT, () => rig.Context.GetHwInfo(0, 0, 0, out _));
            rig.Refused(Errno.EOPNOTSUPP, () => rig.Context.GetHwInfo(1, device, MockConstants.HwInfoType + 1, out _));
            Assert.Null(rig.Context.GetHwInfo(1, device, MockConstants.HwInfoType, out _));
            Assert.Null(rig.Context.GetHwInfo(0, device, MockConstants.HwInfoType + 1, out HwInfo? info));
            Assert.Equal((MockConstants.HwInfoType, 8, 20), (info!.Type, info.Data.Length, (int)info.MaxPasidLog2));
            Assert.Equal(current ? HwCapabilities.DirtyTracking | HwCapabilities.PciAtsNotSupported : HwCapabilities.DirtyTracking, info.Capabilities);
            byte[] buffer = new byte[12];
            Array.Fill(buffer, (byte)0xff);
            info.CopyTo(buffer);
            Assert.Equal(Words(0, MockConstants.HwInfoRegister, 0), buffer);
            info.CopyTo(buffer.AsSpan(0, 4));
        }
    }

    [Fact]
    public void MapSwMsi_TwoDevicesAndDomains_GiveOneIovaEverywhere()
    {
        using var rig = new MockRig();
        Device device = rig.Rig.Attached("softmsi");
        const ulong Doorbell = 0x0800_0040;
        Assert.Null(rig.Context.MapSwMsi(device.Id, Doorbell, out ulong iova));
        Assert.Equal(0x1800_0040UL, iova);
        Assert.Null(rig.Context.MapSwMsi(device.Id, 0x0801_0000, out ulong second));
        Assert.Equal(0x1800_1000UL, second);
        Assert.Null(rig.Context.MapSwMsi(device.Id, Doorbell, out ulong again));
        Assert.Equal(iova, again);
        uint hwpt = rig.Rig.NewHwpt(device);
        Assert.False(rig.Context.Objects.Find<HwptPaging>(hwpt)!.Domain.TryTranslate(iova, out _));
        Assert.Null(rig.Context.Replace(device.Id, hwpt, out _));
        Assert.True(rig.Context.Objects.Find<HwptPaging>(hwpt)!.Domain.TryTranslate(iova, out ulong physical));
        Assert.Equal(Doorbell, physical);
        (_, _, uint plain) = rig.Attached();
        Assert.Null(rig.Context.MapSwMsi(plain, Doorbell, out ulong none));
        Assert.Equal(0UL, none);
        for (ulong i = 2; i < 16; i++)
            Assert.Null(rig.Context.MapSwMsi(device.Id, 0x1_0000_0000 + (i << 12), out _));
        rig.Refused(Errno.EOVERFLOW, () => rig.Context.MapSwMsi(device.Id, 0x2_0000_0000, out _));
    }

    [Fact]
    public void CheckMapAndRefs_RightAndWrong_AnswerAsTheMock()
    {
        foreach (ReferenceLevel level in ReferenceLevel.All)
        {
            using var rig = new MockRig(level);
            (_, uint hwpt, _) = rig.Attached();
            const ulong Base = 1UL << 24;
            rig.Rig.Mapped(TestHosts.Buffer, 8192, Base);
            Assert.Null(rig.Tests.CheckMap(rig.Rig.Process, hwpt, Base, 8192, TestHosts.Buffer));
            Assert.Null(rig.Tests.CheckMap(rig.Rig.Process, hwpt, 0, 0, 0));
            rig.Refused(Errno.EINVAL, () => rig.Tests.CheckMap(rig.Rig.Process, hwpt, Base, 4096, TestHosts.Buffer + 4096));
            rig.Refused(Errno.EINVAL, () => rig.Tests.CheckMap(rig.Rig.Process, hwpt, Base, 12288, TestHosts.Buffer));
            rig.Refused(Errno.EFAULT, () => rig.Tests.CheckMap(rig.Rig.Process, hwpt, Base, 4096, 0x1000));
            rig.Refused(Errno.EINVAL, () => rig.Tests.CheckMap(rig.Rig.Process, hwpt, Base, 4096, ulong.MaxValue - 2047));
            rig.Refused(Errno.ENOENT, () => rig.Tests.CheckMap(rig.Rig.Process, rig.Ioas, Base, 4096, TestHosts.Buffer));
            rig.Refused(level == ReferenceLevel.Current ? Errno.ENOENT : Errno.EINVAL, () => rig.Tests.CheckMap(rig.Rig.Process, rig.Ioas, Base, 1, TestHosts.Buffer));
            PhysicalMemory memory = rig.Rig.Host.Memory;
            Assert.Null(MockTests.CheckRefs(rig.Rig.Process, memory, TestHosts.Buffer, 8192, 1));
            rig.Refused(Errno.EIO, () => MockTests.CheckRefs(rig.Rig.Process, memory, TestHosts.Buffer, 8192, 0));
            rig.Refused(Errno.EINVAL, () => MockTests.CheckRefs(rig.Rig.Process, memory, TestHosts.Buffer, 1, 0));
            rig.Refused(Errno.EFAULT, () => MockTests.CheckRefs(rig.Rig.Process, memory, 0x1000, 4096, 0));
            rig.Refused(Errno.EINVAL, () => rig.Tests.AddReserved(999, 0, 0));
            rig.Refused(Errno.EOVERFLOW, () => rig.Tests.AddReserved(999, 6, ulong.MaxValue));
            rig.Refused(Errno.ENOENT, () => rig.Tests.AddReserved(999, 6, 1));
            rig.Refused(Errno.EADDRINUSE, () => rig.Tests.AddReserved(rig.Ioas, Base, 4096));
            Assert.Null(rig.Tests.AddReserved(rig.Ioas, 0x1000, 4096));
            Assert.Equal(level.MockLastOp == 23, rig.Tests.CheckOp(16) is null);
        }
    }
}
