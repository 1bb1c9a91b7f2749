// Making hw_pagetables, by hand and automatically (drivers/iommu/iommufd/hw_pagetable.c). Nested ones need guest page-table data and come with it.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Iommufd;

public sealed partial class IommufdContext
{
    private const HwptFlags KnownHwptFlags = HwptFlags.NestParent | HwptFlags.DirtyTracking | HwptFlags.FaultIdValid | HwptFlags.Pasid;

    /// <summary>
    /// IOMMU_HWPT_ALLOC without guest data: a manual hw_pagetable for what <paramref name="deviceId"/>'s unit can walk, holding everything the IOAS maps from now on.
    /// ENOENT no such device or fault queue; EINVAL <paramref name="ptId"/> is missing or of a wrong type; EOPNOTSUPP flags that are unknown, contradict each other or that the hardware lacks; then the errors of filling a domain.
    /// </summary>
    public Refusal? HwptAlloc(uint deviceId, uint ptId, HwptFlags flags, uint faultId, out uint hwptId)
    {
        hwptId = 0;
        if (Objects.Get(deviceId, "device", out Device device) is { } noDevice)
            return noDevice;
        switch (Objects.Find<IommufdObject>(ptId))
        {
            case Ioas ioas:
                if (CheckFlags(device, flags) is { } unsupported)
                    return unsupported;
                if (CreateHwpt(device, ioas, flags, isAutomatic: false, attachFirst: false, out HwptPaging? hwpt) is { } failed)
                    return failed;
                if (flags.HasFlag(HwptFlags.FaultIdValid))
                {
                    Drop(hwpt!);
                    return new Refusal(Errno.ENOENT, "hwpt.fault", $"There is no fault queue {faultId}.");
                }
                Publish(hwpt!);
                hwptId = hwpt!.Id;
                return null;
            case HwptPaging parent:
                return new Refusal(Errno.EOPNOTSUPP, "hwpt.nested.data", $"A hw_pagetable nested in {parent.Id} needs the guest's page-table data, and none was given.") { Objects = [parent.Id] };
            case null:
                return new Refusal(Errno.EINVAL, "hwpt.pt.missing", $"There is no object {ptId} to make a hw_pagetable for (the reference says EINVAL here, not ENOENT).");
            case var other:
                return new Refusal(Errno.EINVAL, "hwpt.pt.type", $"Object {ptId} is a {other.Type}; a hw_pagetable is made for an IOAS or another hw_pagetable.") { Objects = [ptId] };
        }
    }

    private static Refusal? CheckFlags(Device device, HwptFlags flags)
    {
        IommuUnitDescription unit = device.Hardware.Unit.Description;
        bool mock = unit.Vendor == IommuVendor.Mock;
        string? why = flags switch
        {
            _ when (flags & ~KnownHwptFlags) != 0 => $"flag bits 0x{(uint)(flags & ~KnownHwptFlags):x} are unknown",
            _ when flags.HasFlag(HwptFlags.DirtyTracking) && !device.Hardware.SupportsDirtyTracking => $"{device.Hardware.Address} cannot track dirty pages",
            _ when flags.HasFlag(HwptFlags.FaultIdValid) && flags.HasFlag(HwptFlags.NestParent) => "a nesting parent cannot have a fault queue",
            _ when flags.HasFlag(HwptFlags.NestParent) && !mock && !unit.Nesting => $"{unit.Name} cannot nest page tables",
            _ when flags.HasFlag(HwptFlags.Pasid) && !mock && !unit.Pasid => $"{unit.Name} has no PASIDs",
            _ => null,
        };
        return why is null ? null : new Refusal(Errno.EOPNOTSUPP, "hwpt.flags", $"Not supported: {why}.");
    }

    // A device that attaches does so before its new table joins the IOAS, one that is replaced after it: the order in which the reference finds errors.
    private Refusal? CreateAutomaticHwpt(Device device, Ioas ioas, bool replace, out HwptPaging? hwpt)
    {
        if (CreateHwpt(device, ioas, HwptFlags.None, isAutomatic: true, attachFirst: !replace, out hwpt) is { } failed)
            return failed;
        if (replace && ReplaceWith(device, hwpt!) is { } refused)
        {
            Drop(hwpt!);
            return refused;
        }
        Publish(hwpt!);
        return null;
    }

    private Refusal? CreateHwpt(Device device, Ioas ioas, HwptFlags flags, bool isAutomatic, bool attachFirst, out HwptPaging? hwpt)
    {
        hwpt = null;
        IommuUnit unit = device.Hardware.Unit;
        if (DomainFactory.Create(unit.Description, Host.Memory, out Refusal? noDomain) is not { } domain)
            return noDomain;
        if (unit.Description.SnoopControl)
            domain.TryEnforceCoherency();
        var created = new HwptPaging(this, ioas, domain, unit, flags, isAutomatic);
        if (Objects.Reserve(created) is { } full)
        {
            created.Destroy();
            return full;
        }
        if (attachFirst && AttachFresh(device, created) is { } refused)
        {
            Drop(created);
            return refused;
        }
        if (ioas.Pagetable.AddDomain(created) is { } unfit)
        {
            if (attachFirst)
                UndoAttach(device, created);
            Drop(created);
            return unfit;
        }
        ioas.HwptList.Add(created);
        hwpt = created;
        return null;
    }

    private void Drop(HwptPaging unpublished)
    {
        Objects.Abort(unpublished);
        unpublished.Destroy();
    }
}
