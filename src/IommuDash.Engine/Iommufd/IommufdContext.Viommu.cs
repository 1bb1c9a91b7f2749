// Virtual IOMMUs and what belongs to them (drivers/iommu/iommufd/viommu.c, eventq.c). Reserved fields are the caller's to check.
using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Iommufd;

public sealed partial class IommufdContext
{
    private const uint MaxVeventqDepth = 1 << 19;

    /// <summary>
    /// IOMMU_VIOMMU_ALLOC on a nesting parent. <paramref name="data"/>, the driver's own structure, is updated in place; empty = none was given.
    /// EOPNOTSUPP any flags or type DEFAULT; ENOENT no such device; EOPNOTSUPP its driver has no vIOMMU of the type; ENOENT no such paging hw_pagetable; EINVAL it was not made with NEST_PARENT; then the driver's.
    /// </summary>
    /// <param name="lengthBytes">Length of the driver's structure as the caller claims it.</param>
    public Refusal? ViommuAlloc(uint flags, uint type, uint deviceId, uint hwptId, uint lengthBytes, Span<byte> data, out uint viommuId)
    {
        viommuId = 0;
        if (flags != 0)
            return UnknownFlags("viommu.flags", flags);
        if (type == 0)
            return NoDefault("viommu.type");
        if (Objects.Get(deviceId, "device", out Device device) is { } noDevice)
            return noDevice;
        if (PreviewViommu(device.Hardware, type) is { } unsupported)
            return unsupported;
        if (Objects.Get(hwptId, "paging hw_pagetable", out HwptPaging parent) is { } noHwpt)
            return noHwpt;
        if (!parent.Flags.HasFlag(HwptFlags.NestParent))
            return new Refusal(Errno.EINVAL, "viommu.parent", $"hw_pagetable {hwptId} was not made with NEST_PARENT.") { Objects = [hwptId] };
        var created = new Viommu(this, type, device.Hardware.Unit, parent);
        if ((Objects.Reserve(created) ?? InitViommu(created, lengthBytes, data)) is { } refused)
        {
            created.Destroy();
            return refused;
        }
        Publish(created);
        viommuId = created.Id;
        return null;
    }

    /// <summary>Whether a device's IOMMU has virtual ones of a type at all: EOPNOTSUPP if not.</summary>
    public static Refusal? PreviewViommu(HostDevice hardware, uint type)
    {
        IommuUnit unit = hardware.Unit;
        return unit.Driver.HasViommu(type) ? null : new Refusal(Errno.EOPNOTSUPP, "viommu.type", $"{unit.Name} has no virtual IOMMU of type 0x{type:x}.");
    }

    /// <summary>
    /// IOMMU_VDEVICE_ALLOC: says which device a guest's id means. ENOENT no such vIOMMU or device; EINVAL they are of different IOMMUs; EEXIST the device is a virtual device already, or the id is taken in this vIOMMU.
    /// </summary>
    public Refusal? VdeviceAlloc(uint viommuId, uint deviceId, ulong virtualId, out uint vdeviceId)
    {
        vdeviceId = 0;
        if (Objects.Get(viommuId, "vIOMMU", out Viommu viommu) is { } noViommu)
            return noViommu;
        if (Objects.Get(deviceId, "device", out Device device) is { } noDevice)
            return noDevice;
        if (viommu.Unit != device.Hardware.Unit)
            return OtherUnit(device, viommu);
        if (device.Vdevice is { } other)
            return new Refusal(Errno.EEXIST, "vdevice.device", $"Device {deviceId} is virtual device {other.Id} already.") { Objects = [other.Id] };
        if (viommu.Vdevices.TryGetValue(virtualId, out Vdevice? taken))
            return new Refusal(Errno.EEXIST, "vdevice.id", $"In vIOMMU {viommuId}, 0x{virtualId:x} is virtual device {taken.Id}.") { Objects = [taken.Id] };
        var created = new Vdevice(this, viommu, device, virtualId);
        if (Objects.Reserve(created) is { } full)
        {
            created.Destroy();
            return full;
        }
        Publish(created);
        vdeviceId = created.Id;
        return null;
    }

    /// <summary>
    /// IOMMU_VEVENTQ_ALLOC: a queue for events of one type, with its file open. EOPNOTSUPP any flags or type DEFAULT; EINVAL depth 0 or above 2^19; ENOENT no such vIOMMU; EEXIST it has a queue of the type.
    /// </summary>
    public Refusal? VeventqAlloc(uint flags, uint viommuId, uint type, uint depth, out Veventq? queue)
    {
        queue = null;
        if (flags != 0)
            return UnknownFlags("veventq.flags", flags);
        if (type == 0)
            return NoDefault("veventq.type");
        if (depth is 0 or > MaxVeventqDepth)
            return new Refusal(Errno.EINVAL, "veventq.depth", $"A depth of {depth} is not between 1 and {MaxVeventqDepth}.");
        if (Objects.Get(viommuId, "vIOMMU", out Viommu viommu) is { } noViommu)
            return noViommu;
        if (viommu.Veventqs.TryGetValue(type, out Veventq? other))
            return new Refusal(Errno.EEXIST, "veventq.type", $"Events of type 0x{type:x} go to queue {other.Id} already.") { Objects = [other.Id] };
        var created = new Veventq(this, viommu, type, depth);
        if (Objects.Reserve(created) is { } full)
        {
            created.Destroy();
            return full;
        }
        Publish(created);
        created.Open();
        queue = created;
        return null;
    }

    /// <summary>A driver reports an event of a vIOMMU. EOPNOTSUPP: nobody made a queue of the type; an event that is lost for lack of room is no refusal.</summary>
    public static Refusal? ReportVevent(Viommu viommu, uint type, ReadOnlySpan<byte> data)
    {
        if (FindVeventq(viommu, type, out Veventq? queue) is { } none)
            return none;
        queue!.Report(data);
        return null;
    }

    internal static Refusal? FindVeventq(Viommu viommu, uint type, out Veventq? queue) => viommu.Veventqs.TryGetValue(type, out queue) ? null
        : new Refusal(Errno.EOPNOTSUPP, "veventq.none", $"vIOMMU {viommu.Id} has no queue for events of type 0x{type:x}.") { Objects = [viommu.Id] };

    private Refusal? InitViommu(Viommu created, uint lengthBytes, Span<byte> data)
    {
        if (created.Unit.Driver.InitViommu(created, lengthBytes, data) is not { } refused)
            return null;
        Objects.Abort(created);
        return refused;
    }

    private static Refusal NoDefault(string rule) => new(Errno.EOPNOTSUPP, rule, "Type DEFAULT 0 is never supported; name a driver's own.");
}
