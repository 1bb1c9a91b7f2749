// The test operations of the kernel's selftest ioctl (drivers/iommu/iommufd/selftest.c, iommufd_test): devices that come and go, and looks behind the scenes. This part makes devices and moves them.
// The 6.12 differences are named properties of ReferenceLevel. Not here: SYZ forms of addresses for fuzzers.
using IommuDash.Engine.Iommufd;

namespace IommuDash.Engine.Selftest;

/// <summary>Numbers of the test operations.</summary>
public enum MockTestOp : uint
{
    AddReserved = 1,
    MockDomain = 2,
    CheckMap = 3,
    CheckRefs = 4,
    CreateAccess = 5,
    DestroyAccessPages = 6,
    AccessPages = 7,
    AccessRw = 8,
    SetTemporaryMemoryLimit = 9,
    MockDomainReplace = 10,
    AccessReplaceIoas = 11,
    MockDomainFlags = 12,
    Dirty = 13,
    CheckIotlb = 14,
    TriggerFault = 15,
    CheckDeviceCache = 16,
    TriggerVevent = 17,
    PasidAttach = 18,
    PasidReplace = 19,
    PasidDetach = 20,
    PasidCheckHwpt = 21,
    DmabufGet = 22,
    DmabufRevoke = 23,
}

/// <summary>Test operations on one context.</summary>
public sealed partial class MockTests(IommufdContext context)
{
    private ReferenceLevel Level => context.Host.Level;

    /// <summary>EOPNOTSUPP for operations the reference level does not have.</summary>
    public Refusal? CheckOp(uint op) => op >= 1 && op <= (uint)Level.MockLastOp ? null
        : new Refusal(Errno.EOPNOTSUPP, "test.op", $"Test operation {op} is unknown at level {Level}.");

    /// <summary>ADD_RESERVED: a range no area may use, until the IOAS goes. EINVAL length 0; EOVERFLOW; ENOENT no such IOAS; EADDRINUSE.</summary>
    public Refusal? AddReserved(uint ioasId, ulong start, ulong length)
    {
        if (length == 0)
            return new Refusal(Errno.EINVAL, "test.length", "The length is 0; there is nothing to reserve.");
        if (!IovaRange.TryOfLength(start, length, out IovaRange range))
            return new Refusal(Errno.EOVERFLOW, "test.wrap", $"0x{start:x} + 0x{length:x} passes the end of the address space.");
        return context.Objects.Get(ioasId, "IOAS", out Ioas ioas) ?? ioas.Pagetable.ReservePermanently(range);
    }

    /// <summary>MOCK_DOMAIN and MOCK_DOMAIN_FLAGS: a new mock device, bound and attached. EINVAL unknown flags; the errors of bind and attach, after which nothing is left of it.</summary>
    public Refusal? MockDomain(uint ptId, uint deviceFlags, out uint mockId, out uint hwptId, out uint deviceId)
    {
        (mockId, hwptId, deviceId) = (0, 0, 0);
        uint known = MockConstants.NoDirtyFlag | Level.MockPasidFlag | Level.MockHugeFlag;
        if ((deviceFlags & ~known) != 0)
            return new Refusal(Errno.EINVAL, "test.deviceflags", $"Device flag bits 0x{deviceFlags & ~known:x} are unknown at level {Level}.");
        if (context.Host.AddMockDevice(deviceFlags, out Hardware.HostDevice? hardware) is { } full)
            return full;
        var mock = new MockDeviceObject(context, hardware!);
        if (context.Objects.Reserve(mock) is { } noId)
        {
            mock.Destroy();
            return noId;
        }
        Device? device = null;
        if ((context.Bind(hardware!, out device) ?? context.Attach(device!.Id, ptId, out hwptId)) is { } refused)
        {
            context.Objects.Abort(mock);
            mock.Destroy();
            return refused;
        }
        context.Publish(mock);
        (mockId, deviceId) = (mock.Id, device!.Id);
        return null;
    }

    /// <summary>MOCK_DOMAIN_REPLACE. ENOENT no such mock device; then the errors of replace.</summary>
    public Refusal? Replace(uint mockId, uint ptId, out uint hwptId) => PasidReplace(mockId, 0, ptId, out hwptId);

    public Refusal? PasidAttach(uint mockId, uint pasid, uint ptId, out uint hwptId)
    {
        hwptId = 0;
        return Find(mockId, out MockDeviceObject mock) ?? context.AttachPasid(mock.Device.Id, pasid, ptId, out hwptId);
    }

    public Refusal? PasidReplace(uint mockId, uint pasid, uint ptId, out uint hwptId)
    {
        hwptId = 0;
        return Find(mockId, out MockDeviceObject mock) ?? context.ReplacePasid(mock.Device.Id, pasid, ptId, out hwptId);
    }

    public Refusal? PasidDetach(uint mockId, uint pasid) => Find(mockId, out MockDeviceObject mock) ?? context.DetachPasid(mock.Device.Id, pasid);

    /// <summary>PASID_CHECK_HWPT: 0 = expect nothing attached. ENOENT no such mock device or hw_pagetable; EINVAL something else is attached.</summary>
    public Refusal? PasidCheckHwpt(uint mockId, uint pasid, uint hwptId)
    {
        if (Find(mockId, out MockDeviceObject mock) is { } missing)
            return missing;
        Hwpt? expected = context.Objects.Find<Hwpt>(hwptId);
        if (hwptId != 0 && expected is null)
            return new Refusal(Errno.ENOENT, "object.lookup", $"There is no hw_pagetable {hwptId}.");
        Hwpt? attached = mock.Device.AttachedTo(pasid);
        return attached == expected ? null
            : new Refusal(Errno.EINVAL, "test.pasid", $"PASID {pasid} of device {mock.Device.Id} is on {attached?.Id.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "nothing"}, not {hwptId}.");
    }

    private Refusal? Find(uint mockId, out MockDeviceObject mock) => context.Objects.Get(mockId, "mock device", out mock);
}
