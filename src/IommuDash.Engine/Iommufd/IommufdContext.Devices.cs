// Binding, attaching, replacing and detaching devices (drivers/iommu/iommufd/device.c). PASIDs and nested hw_pagetables come with their own objects.
using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Iommufd;

public sealed partial class IommufdContext
{
    /// <summary>
    /// Hands a device to this context. EINVAL: a bridge, already bound, or firmware wants a direct mapping kept for it; EPERM: another context owns the group; ENOMEM at a cap.
    /// </summary>
    public Refusal? Bind(HostDevice hardware, out Device? device)
    {
        device = null;
        if (CheckBind(hardware) is { } refusal)
            return refusal;
        bool known = Groups.TryGetValue(hardware.Group.Id, out Igroup? igroup);
        igroup ??= new Igroup(hardware.Group);
        var created = new Device(this, hardware, igroup);
        if (Objects.Reserve(created) is { } full)
            return full;
        if (!known)
            Groups.Add(igroup.Group.Id, igroup);
        igroup.Bound.Add(created);
        igroup.Group.Owner = this;
        hardware.Owner = created;
        Publish(created);
        device = created;
        return null;
    }

    private Refusal? CheckBind(HostDevice hardware)
    {
        if (hardware.Description.IsBridge)
            return new Refusal(Errno.EINVAL, "bind.bridge", $"{hardware.Address} is a PCI bridge; only endpoints can be handed to user space.");
        if (hardware.Owner is { } bound)
            return new Refusal(Errno.EINVAL, "bind.twice", $"{hardware.Address} is already bound as device {bound.Id} of context {bound.Context.Fd}.") { Objects = bound.Context == this ? [bound.Id] : [] };
        if (hardware.Group.Owner is { } owner && owner != this)
            return new Refusal(Errno.EPERM, "bind.owner", $"Group {hardware.Group.Id} belongs to context {owner.Fd}; all devices of a group have one owner.");
        if (hardware.Group.Description.ReservedRegions.FirstOrDefault(r => r.Kind == ReservedRegionKind.Direct) is { } direct)
        {
            return new Refusal(Errno.EINVAL, "bind.direct", $"Firmware wants {new IovaRange(direct.Start, direct.Last)} mapped 1:1 for group {hardware.Group.Id} at all times, so it cannot be blocked and handed over.")
            {
                Ranges = [new(RangeRole.Reserved, new IovaRange(direct.Start, direct.Last))],
            };
        }
        return null;
    }

    /// <summary>Takes a device back from this context, detaching it first. ENOENT: no such device.</summary>
    public Refusal? Unbind(uint deviceId)
    {
        if (Objects.Get(deviceId, "device", out Device device) is { } refusal)
            return refusal;
        Unbind(device);
        return null;
    }

    private void Unbind(Device device)
    {
        DetachCore(device);
        device.Put();
        Remove(device);
    }

    /// <summary>
    /// Attaches a device to an IOAS (through an automatic hw_pagetable) or to a hw_pagetable; <paramref name="hwptId"/> says which it is now.
    /// ENOENT unknown ids, EINVAL wrong type or incompatible, EBUSY already attached, EADDRINUSE a mapping or allowed range lies where the device cannot reach, and the errors of filling a domain.
    /// </summary>
    public Refusal? Attach(uint deviceId, uint ptId, out uint hwptId) => ChangeAttachment(deviceId, ptId, replace: false, out hwptId);

    /// <summary>Moves a device, and with it its group, to another IOAS or hw_pagetable without a moment in between. As <see cref="Attach"/>; EINVAL if it is not attached.</summary>
    public Refusal? Replace(uint deviceId, uint ptId, out uint hwptId) => ChangeAttachment(deviceId, ptId, replace: true, out hwptId);

    /// <summary>Detaches a device; nothing happens if it is not attached. ENOENT: no such device.</summary>
    public Refusal? Detach(uint deviceId)
    {
        if (Objects.Get(deviceId, "device", out Device device) is { } refusal)
            return refusal;
        DetachCore(device);
        return null;
    }

    private Refusal? ChangeAttachment(uint deviceId, uint ptId, bool replace, out uint hwptId)
    {
        hwptId = 0;
        if (Objects.Get(deviceId, "device", out Device device) is { } noDevice)
            return noDevice;
        if (Objects.Get(ptId, "page table to attach to", out IommufdObject target) is { } noTarget)
            return noTarget;
        HwptPaging? current = device.Hwpt;
        HwptPaging? hwpt;
        Refusal? refusal;
        switch (target)
        {
            case HwptPaging manual:
                hwpt = manual;
                refusal = AttachTo(device, manual, replace);
                break;
            case Ioas ioas:
                refusal = AttachAutomatically(device, ioas, replace, out hwpt);
                break;
            default:
                return WrongTarget(target);
        }
        if (refusal is not null)
            return refusal;
        hwptId = hwpt!.Id;
        if (current != hwpt)
            Raise(replace ? EngineEventKind.DeviceReplaced : EngineEventKind.DeviceAttached, device.Id, hwpt.Id);
        return null;
    }

    private static Refusal WrongTarget(IommufdObject target) =>
        new(Errno.EINVAL, "attach.type", $"Object {target.Id} is a {target.Type}; a device attaches to an IOAS or a hw_pagetable.") { Objects = [target.Id] };

    // The reference's rule: EINVAL means "incompatible, try the next", any other error ends the search; if none fits, a new one is made.
    private Refusal? AttachAutomatically(Device device, Ioas ioas, bool replace, out HwptPaging? hwpt)
    {
        foreach (HwptPaging candidate in ioas.HwptList)
        {
            if (!candidate.IsAutomatic)
                continue;
            hwpt = candidate;
            Refusal? refusal = AttachTo(device, candidate, replace);
            if (refusal is null || refusal.Errno != Errno.EINVAL)
                return refusal;
        }
        return CreateAutomaticHwpt(device, ioas, replace, out hwpt);
    }

    private static Refusal? AttachTo(Device device, HwptPaging hwpt, bool replace) => replace ? ReplaceWith(device, hwpt) : AttachFresh(device, hwpt);

    private static Refusal? AttachFresh(Device device, HwptPaging hwpt)
    {
        if (CheckAttach(device, hwpt) is { } refusal)
            return refusal;
        hwpt.Ioas.Pagetable.ReserveRegions(device);
        device.Igroup.Hwpt = hwpt;
        device.Igroup.Attached.Add(device);
        hwpt.Get();
        device.Get();
        return null;
    }

    private static Refusal? CheckAttach(Device device, HwptPaging hwpt) =>
        CheckUnattached(device, hwpt) ?? hwpt.Ioas.Pagetable.CheckRegions(device) ?? (device.Igroup.Hwpt is null ? CheckCompatible(device, hwpt) : null);

    /// <param name="hwpt">Null = one that is yet to be made.</param>
    private static Refusal? CheckUnattached(Device device, HwptPaging? hwpt)
    {
        Igroup igroup = device.Igroup;
        if (igroup.Attached.Contains(device))
            return new Refusal(Errno.EBUSY, "attach.twice", $"Device {device.Id} is already attached to hw_pagetable {igroup.Hwpt!.Id}.") { Objects = [igroup.Hwpt.Id] };
        if (igroup.Hwpt is { } other && other != hwpt)
            return new Refusal(Errno.EINVAL, "attach.group", $"Group {igroup.Group.Id} already uses hw_pagetable {other.Id}; all devices of a group share one.") { Objects = [other.Id] };
        return null;
    }

    private static Refusal? ReplaceWith(Device device, HwptPaging hwpt)
    {
        if (CheckReplace(device, hwpt) is { } refusal)
            return refusal;
        Igroup igroup = device.Igroup;
        HwptPaging old = igroup.Hwpt!;
        if (old == hwpt)
            return null;
        if (old.Ioas != hwpt.Ioas)
        {
            foreach (Device member in igroup.Attached)
            {
                hwpt.Ioas.Pagetable.ReserveRegions(member);
                old.Ioas.Pagetable.RemoveReserved(member);
            }
        }
        igroup.Hwpt = hwpt;
        foreach (Device _ in igroup.Attached)
            hwpt.Get();
        foreach (Device _ in igroup.Attached)
            old.Put();
        return null;
    }

    private static Refusal? CheckReplace(Device device, HwptPaging hwpt)
    {
        if (CheckAttached(device) is { } unattached)
            return unattached;
        HwptPaging old = device.Igroup.Hwpt!;
        return old == hwpt ? null : CheckGroupRegions(device, hwpt.Ioas) ?? CheckCompatible(device, hwpt);
    }

    private static Refusal? CheckAttached(Device device) => device.Hwpt is not null ? null
        : new Refusal(Errno.EINVAL, "replace.unattached", $"Device {device.Id} is not attached to anything that could be replaced.");

    // All devices of a group move together, and each brings its regions where they are not yet.
    private static Refusal? CheckGroupRegions(Device device, Ioas ioas) =>
        device.Igroup.Hwpt!.Ioas == ioas ? null : ioas.Pagetable.CheckRegions(device, device.Igroup.Attached.Count);

    private void DetachCore(Device device)
    {
        if (device.Hwpt is not { } hwpt)
            return;
        UndoAttach(device, hwpt);
        Raise(EngineEventKind.DeviceDetached, device.Id, hwpt.Id);
    }

    private static void UndoAttach(Device device, HwptPaging hwpt)
    {
        Igroup igroup = device.Igroup;
        igroup.Attached.Remove(device);
        if (igroup.Attached.Count == 0)
            igroup.Hwpt = null;
        hwpt.Ioas.Pagetable.RemoveReserved(device);
        device.Put();
        hwpt.Put();
    }

    // The first attach, and every replace, switches the hardware of the whole group, its devices that are not bound included.
    private static Refusal? CheckCompatible(Device device, HwptPaging hwpt)
    {
        foreach (HostDevice member in device.Igroup.Group.Devices)
        {
            if (WhyIncompatible(member, hwpt) is { } why)
                return new Refusal(Errno.EINVAL, "attach.incompatible", $"Device {device.Id} does not fit hw_pagetable {hwpt.Id}: {why}.") { Objects = [hwpt.Id] };
        }
        return null;
    }

    // What the driver's attach checks: same kind of table, wide enough for what the domain may hold, snooping as promised (intel/iommu.c paging_domain_compatible, amd/iommu.c attach).
    private static string? WhyIncompatible(HostDevice device, HwptPaging hwpt)
    {
        IommuUnit unit = device.Unit;
        IommuUnitDescription own = unit.Description;
        IommuUnitDescription made = hwpt.Unit.Description;
        return own switch
        {
            _ when own.Vendor != made.Vendor => $"{unit.Name} cannot walk a {hwpt.Domain.FormatName} table",
            _ when own.Vendor == IommuVendor.Intel && own.InputBits < made.InputBits => $"{unit.Name} translates {own.InputBits} bits, the table has {made.InputBits}",
            _ when own.Vendor == IommuVendor.Intel && own.LargestLeafShift < made.LargestLeafShift => $"{unit.Name} has no leaves of 2^{made.LargestLeafShift} bytes",
            _ when hwpt.EnforcesCoherency && !own.SnoopControl => $"{unit.Name} cannot enforce snooping, which hw_pagetable {hwpt.Id} promises",
            _ when hwpt.Flags.HasFlag(HwptFlags.DirtyTracking) && !device.SupportsDirtyTracking => $"{device.Address} cannot track dirty pages, which hw_pagetable {hwpt.Id} promises",
            _ => null,
        };
    }
}
