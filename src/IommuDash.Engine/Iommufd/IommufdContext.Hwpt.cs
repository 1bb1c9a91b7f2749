// Making hw_pagetables, by hand and automatically (drivers/iommu/iommufd/hw_pagetable.c).
using IommuDash.Engine.Hardware;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Iommufd;

public sealed partial class IommufdContext
{
    private HwptFlags KnownHwptFlags =>
        HwptFlags.NestParent | HwptFlags.DirtyTracking | HwptFlags.FaultIdValid | (Host.Level.HasPasids ? HwptFlags.Pasid : 0);

    /// <summary>IOMMU_HWPT_ALLOC without guest data.</summary>
    public Refusal? HwptAlloc(uint deviceId, uint ptId, HwptFlags flags, uint faultId, out uint hwptId) => HwptAlloc(deviceId, ptId, flags, faultId, GuestData.None, out hwptId);

    /// <summary>
    /// IOMMU_HWPT_ALLOC. For an IOAS: a manual hw_pagetable for what <paramref name="deviceId"/>'s unit can walk, holding everything the IOAS maps from now on. For a paging hw_pagetable or a vIOMMU: a nested one.
    /// EINVAL the data's type and length contradict each other; ENOENT no such device or fault queue; EINVAL <paramref name="ptId"/> is missing or of a wrong type, or a parent cannot be nested on;
    /// EOPNOTSUPP flags or data that are unknown, contradict each other or that the hardware lacks; then the driver's own, and the errors of filling a domain.
    /// </summary>
    public Refusal? HwptAlloc(uint deviceId, uint ptId, HwptFlags flags, uint faultId, GuestData data, out uint hwptId)
    {
        hwptId = 0;
        if ((data.Type == 0) != (data.LengthBytes == 0))
            return new Refusal(Errno.EINVAL, "hwpt.data", $"Data of type {data.Type} cannot be {data.LengthBytes} bytes long.");
        if (Objects.Get(deviceId, "device", out Device device) is { } noDevice)
            return noDevice;
        Hwpt? hwpt = null;
        Refusal? refusal = Objects.Find<IommufdObject>(ptId) switch
        {
            Ioas ioas => CreateManualHwpt(device, ioas, flags, data, out hwpt),
            HwptPaging parent => CreateNestedHwpt(device, parent, null, flags, data, out hwpt),
            Viommu viommu => CreateNestedHwpt(device, viommu.Parent, viommu, flags, data, out hwpt),
            null => new Refusal(Errno.EINVAL, "hwpt.pt.missing", $"There is no object {ptId} to make a hw_pagetable for (the reference says EINVAL here, not ENOENT)."),
            var other => new Refusal(Errno.EINVAL, "hwpt.pt.type", $"Object {ptId} is a {other.Type}; a hw_pagetable is made for an IOAS, another hw_pagetable or a vIOMMU.") { Objects = [ptId] },
        };
        if (refusal is not null)
            return refusal;
        if (flags.HasFlag(HwptFlags.FaultIdValid))
        {
            if (Objects.Get(faultId, "fault queue", out FaultQueue queue) is { } noQueue)
            {
                Drop(hwpt!);
                return noQueue;
            }
            hwpt!.UseFaultQueue(queue);
        }
        Publish(hwpt!);
        hwptId = hwpt!.Id;
        return null;
    }

    private Refusal? CreateManualHwpt(Device device, Ioas ioas, HwptFlags flags, GuestData data, out Hwpt? hwpt)
    {
        hwpt = null;
        if (CheckFlags(device, flags) is { } unsupported)
            return unsupported;
        if (device.Hardware.Driver.CheckPaging(device.Hardware, flags & ~HwptFlags.FaultIdValid, data, Host.Level, out MockTableKind kind) is { } refused)
            return refused;
        Refusal? failed = CreateHwpt(device, 0, ioas, flags, kind, isAutomatic: false, attachFirst: false, out HwptPaging? made);
        hwpt = made;
        return failed;
    }

    private Refusal? CheckFlags(Device device, HwptFlags flags)
    {
        string? why = flags switch
        {
            _ when (flags & ~KnownHwptFlags) != 0 => $"flag bits 0x{(uint)(flags & ~KnownHwptFlags):x} are unknown",
            _ when flags.HasFlag(HwptFlags.FaultIdValid) && !Host.Level.HasFaultsOnPaging => "only a nested hw_pagetable can have a fault queue",
            _ when flags.HasFlag(HwptFlags.DirtyTracking) && !device.Hardware.SupportsDirtyTracking => $"{device.Hardware.Address} cannot track dirty pages",
            _ when flags.HasFlag(HwptFlags.FaultIdValid) && flags.HasFlag(HwptFlags.NestParent) => "a nesting parent cannot have a fault queue",
            _ => null,
        };
        return why is null ? null : new Refusal(Errno.EOPNOTSUPP, "hwpt.flags", $"Not supported: {why}.");
    }

    // A device that attaches does so before its new table joins the IOAS, one that is replaced after it: the order in which the reference finds errors.
    private Refusal? CreateAutomaticHwpt(Device device, uint pasid, Ioas ioas, bool replace, out Hwpt? hwpt)
    {
        hwpt = null;
        if (device.Hardware.Driver.CheckPaging(device.Hardware, HwptFlags.None, GuestData.None, Host.Level, out MockTableKind kind) is { } unsupported)
            return unsupported;
        if (CreateHwpt(device, pasid, ioas, HwptFlags.None, kind, isAutomatic: true, attachFirst: !replace, out HwptPaging? made) is { } failed)
            return failed;
        hwpt = made;
        if (replace && ReplaceWith(device, pasid, made!) is { } refused)
        {
            Drop(made!);
            return refused;
        }
        Publish(made!);
        return null;
    }

    private Refusal? CreateHwpt(Device device, uint pasid, Ioas ioas, HwptFlags flags, MockTableKind kind, bool isAutomatic, bool attachFirst, out HwptPaging? hwpt)
    {
        hwpt = null;
        IommuUnit unit = device.Hardware.Unit;
        if (DomainFactory.Create(unit.Description, Host.Memory, out Refusal? noDomain, kind, Host.Level) is not { } domain)
            return noDomain;
        if (unit.Description.SnoopControl)
            domain.TryEnforceCoherency();
        var created = new HwptPaging(this, ioas, domain, unit, flags, isAutomatic);
        if (Objects.Reserve(created) is { } full)
        {
            created.Destroy();
            return full;
        }
        if (attachFirst && AttachFresh(device, pasid, created) is { } refused)
        {
            Drop(created);
            return refused;
        }
        if (ioas.Pagetable.AddDomain(created) is { } unfit)
        {
            if (attachFirst)
                UndoAttach(device, pasid, created);
            Drop(created);
            return unfit;
        }
        ioas.HwptList.Add(created);
        hwpt = created;
        return null;
    }

    private void Drop(Hwpt unpublished)
    {
        Objects.Abort(unpublished);
        unpublished.Destroy();
    }
}
