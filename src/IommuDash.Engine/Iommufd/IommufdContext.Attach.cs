// Attaching, replacing and detaching devices, by requester id (PASID 0) and by PASID (drivers/iommu/iommufd/device.c). Reserved regions are the business of requester ids only.
using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Iommufd;

public sealed partial class IommufdContext
{
    /// <summary>
    /// Attaches a device to an IOAS (through an automatic hw_pagetable) or to a hw_pagetable; <paramref name="hwptId"/> says which it is now.
    /// ENOENT unknown ids, EINVAL wrong type or incompatible, EBUSY already attached, EADDRINUSE a mapping or allowed range lies where the device cannot reach, and the errors of filling a domain.
    /// </summary>
    public Refusal? Attach(uint deviceId, uint ptId, out uint hwptId) => ChangeAttachment(deviceId, 0, ptId, replace: false, out hwptId);

    /// <summary>Moves a device, and with it its group, to another IOAS or hw_pagetable without a moment in between. As <see cref="Attach"/>; EINVAL if it is not attached.</summary>
    public Refusal? Replace(uint deviceId, uint ptId, out uint hwptId) => ChangeAttachment(deviceId, 0, ptId, replace: true, out hwptId);

    /// <summary>Detaches a device; nothing happens if it is not attached. ENOENT: no such device.</summary>
    public Refusal? Detach(uint deviceId) => DetachPasid(deviceId, 0);

    /// <summary>
    /// As <see cref="Attach"/>, for the device's DMA with one PASID; 0 is the requester id's own. EINVAL also if the device has no such PASID, or the hw_pagetable, or that of the requester id, was made without the flag PASID.
    /// </summary>
    public Refusal? AttachPasid(uint deviceId, uint pasid, uint ptId, out uint hwptId) => ChangeAttachment(deviceId, pasid, ptId, replace: false, out hwptId);

    /// <summary>As <see cref="Replace"/>, for one PASID.</summary>
    public Refusal? ReplacePasid(uint deviceId, uint pasid, uint ptId, out uint hwptId) => ChangeAttachment(deviceId, pasid, ptId, replace: true, out hwptId);

    /// <summary>As <see cref="Detach"/>, for one PASID.</summary>
    public Refusal? DetachPasid(uint deviceId, uint pasid)
    {
        if (Objects.Get(deviceId, "device", out Device device) is { } refusal)
            return refusal;
        if (device.AttachedTo(pasid) is not null)
            DetachCore(device, device.Igroup.Find(pasid)!);
        return null;
    }

    private Refusal? ChangeAttachment(uint deviceId, uint pasid, uint ptId, bool replace, out uint hwptId)
    {
        hwptId = 0;
        if (Objects.Get(deviceId, "device", out Device device) is { } noDevice)
            return noDevice;
        if (Objects.Get(ptId, "page table to attach to", out IommufdObject target) is { } noTarget)
            return noTarget;
        Hwpt? current = device.AttachedTo(pasid);
        Hwpt? hwpt;
        Refusal? refusal;
        switch (target)
        {
            case Hwpt manual:
                hwpt = manual;
                refusal = AttachTo(device, pasid, manual, replace);
                break;
            case Ioas ioas:
                refusal = AttachAutomatically(device, pasid, ioas, replace, out hwpt);
                break;
            default:
                return WrongTarget(target);
        }
        if (refusal is not null)
            return refusal;
        hwptId = hwpt!.Id;
        if (current == hwpt)
            return null;
        if (!replace)
            Raise(EngineEventKind.DeviceAttached, device.Id, hwpt.Id, value: pasid);
        else
            foreach (Device member in device.Igroup.Find(pasid)!.Devices)
                Raise(EngineEventKind.DeviceReplaced, member.Id, hwpt.Id, value: pasid);
        return null;
    }

    private static Refusal WrongTarget(IommufdObject target) =>
        new(Errno.EINVAL, "attach.type", $"Object {target.Id} is a {target.Type}; a device attaches to an IOAS or a hw_pagetable.") { Objects = [target.Id] };

    // The reference's rule: EINVAL means "incompatible, try the next", any other error ends the search; if none fits, a new one is made.
    private Refusal? AttachAutomatically(Device device, uint pasid, Ioas ioas, bool replace, out Hwpt? hwpt)
    {
        foreach (HwptPaging candidate in ioas.HwptList)
        {
            if (!candidate.IsAutomatic)
                continue;
            hwpt = candidate;
            Refusal? refusal = AttachTo(device, pasid, candidate, replace);
            if (refusal is null || refusal.Errno != Errno.EINVAL)
                return refusal;
        }
        return CreateAutomaticHwpt(device, pasid, ioas, replace, out hwpt);
    }

    private Refusal? AttachTo(Device device, uint pasid, Hwpt hwpt, bool replace) => replace ? ReplaceWith(device, pasid, hwpt) : AttachFresh(device, pasid, hwpt);

    private Refusal? AttachFresh(Device device, uint pasid, Hwpt hwpt)
    {
        if (CheckAttach(device, pasid, hwpt) is { } refusal)
            return refusal;
        bool isFirst = device.Igroup.Find(pasid) is null;
        if (isFirst && (InstallSwMsi(device.Igroup, hwpt.Paging) ?? device.Hardware.Driver.Switch(device, pasid, hwpt)) is { } failed)
            return failed;
        if (pasid == 0)
            hwpt.Paging.Ioas.Pagetable.ReserveRegions(device);
        device.Igroup.Join(device, pasid, hwpt);
        hwpt.Get();
        device.Get();
        return null;
    }

    private static Refusal? CheckAttach(Device device, uint pasid, Hwpt hwpt) =>
        CheckUnattached(device, pasid, hwpt)
        ?? (pasid == 0 ? hwpt.Paging.Ioas.Pagetable.CheckRegions(device) : null)
        ?? (device.Igroup.Find(pasid) is null ? CheckFits(device, pasid, hwpt) : null);

    /// <param name="hwpt">Null = one that is yet to be made.</param>
    private static Refusal? CheckUnattached(Device device, uint pasid, Hwpt? hwpt)
    {
        if (device.Igroup.Find(pasid) is not { } attachment)
            return null;
        Hwpt other = attachment.Hwpt;
        if (attachment.DeviceList.Contains(device))
            return new Refusal(Errno.EBUSY, "attach.twice", $"Device {device.Id} is already attached to hw_pagetable {other.Id}.") { Objects = [other.Id] };
        return other == hwpt ? null
            : new Refusal(Errno.EINVAL, "attach.group", $"Group {device.Igroup.Group.Id} already uses hw_pagetable {other.Id}; all devices of a group share one.") { Objects = [other.Id] };
    }

    private Refusal? ReplaceWith(Device device, uint pasid, Hwpt hwpt)
    {
        if (CheckReplace(device, pasid, hwpt) is { } refusal)
            return refusal;
        GroupAttachment attachment = device.Igroup.Find(pasid)!;
        Hwpt old = attachment.Hwpt;
        if (old == hwpt)
            return null;
        if ((InstallSwMsi(device.Igroup, hwpt.Paging) ?? device.Hardware.Driver.Switch(device, pasid, hwpt)) is { } failed)
            return failed;
        (Ioas from, Ioas to) = (old.Paging.Ioas, hwpt.Paging.Ioas);
        if (pasid == 0 && from != to)
        {
            foreach (Device member in attachment.Devices)
            {
                to.Pagetable.ReserveRegions(member);
                from.Pagetable.RemoveReserved(member);
            }
        }
        old.FaultQueue?.AnswerInvalid(device.Igroup, old);
        attachment.Hwpt = hwpt;
        foreach (Device _ in attachment.Devices)
            hwpt.Get();
        foreach (Device _ in attachment.Devices)
            old.Put();
        return null;
    }

    private static Refusal? CheckReplace(Device device, uint pasid, Hwpt hwpt)
    {
        if (CheckAttached(device, pasid) is { } unattached)
            return unattached;
        GroupAttachment attachment = device.Igroup.Find(pasid)!;
        return attachment.Hwpt == hwpt ? null : CheckGroupRegions(attachment, hwpt.Paging.Ioas) ?? CheckFits(device, pasid, hwpt);
    }

    private static Refusal? CheckAttached(Device device, uint pasid) => device.AttachedTo(pasid) is not null ? null
        : new Refusal(Errno.EINVAL, "replace.unattached", $"Device {device.Id} is not attached to anything that could be replaced.");

    // All devices of a group move together, and each brings its regions where they are not yet.
    private static Refusal? CheckGroupRegions(GroupAttachment attachment, Ioas ioas) =>
        attachment.Pasid != 0 || attachment.Hwpt.Paging.Ioas == ioas ? null : ioas.Pagetable.CheckRegions(attachment.Devices[0], attachment.Devices.Count);

    private void DetachCore(Device device, GroupAttachment attachment)
    {
        Hwpt hwpt = attachment.Hwpt;
        UndoAttach(device, attachment.Pasid, hwpt);
        Raise(EngineEventKind.DeviceDetached, device.Id, hwpt.Id, value: attachment.Pasid);
    }

    private static void UndoAttach(Device device, uint pasid, Hwpt hwpt)
    {
        if (device.Igroup.Leave(device, pasid))
        {
            device.Hardware.Driver.Block(device, pasid);
            hwpt.FaultQueue?.AnswerInvalid(device.Igroup, hwpt);
        }
        if (pasid == 0)
            hwpt.Paging.Ioas.Pagetable.RemoveReserved(device);
        device.Put();
        hwpt.Put();
    }

    // What the core checks of PASIDs, then what the driver checks of the table.
    private static Refusal? CheckFits(Device device, uint pasid, Hwpt hwpt)
    {
        string? why = pasid switch
        {
            0 when !IsForPasids(hwpt) && device.Igroup.HasPasids => "PASIDs are attached, and it was made without the flag PASID",
            0 => null,
            _ when !IsForPasids(hwpt) => "it was made without the flag PASID",
            _ when device.Igroup.Hwpt is { } own && !IsForPasids(own) => $"the requester id uses hw_pagetable {own.Id}, which was made without the flag PASID",
            _ when pasid >> device.Hardware.PasidBits != 0 || device.Hardware.PasidBits == 0 => $"{device.Hardware.Address} has {device.Hardware.PasidBits} bits of PASID, too few for {pasid}",
            _ => null,
        };
        if (pasid != 0 && device.Igroup.Attachments.Count >= device.Context.Host.Limits.PasidsPerGroup)
            return EngineLimits.Reached(nameof(EngineLimits.PasidsPerGroup), device.Context.Host.Limits.PasidsPerGroup, "PASIDs attached in one group");
        if (why is not null)
            return new Refusal(Errno.EINVAL, "attach.pasid", $"hw_pagetable {hwpt.Id} cannot be attached: {why}.") { Objects = [hwpt.Id] };
        return CheckCompatible(device, hwpt) ?? device.Hardware.Driver.CheckAttach(device, pasid, hwpt);
    }

    private static bool IsForPasids(Hwpt hwpt) => hwpt.Flags.HasFlag(HwptFlags.Pasid);

    // The first attach, and every replace, switches the hardware of the whole group, its devices that are not bound included.
    private static Refusal? CheckCompatible(Device device, Hwpt hwpt)
    {
        foreach (HostDevice member in device.Igroup.Group.Devices)
        {
            if (WhyIncompatible(member, hwpt) is { } why)
                return new Refusal(Errno.EINVAL, "attach.incompatible", $"Device {device.Id} does not fit hw_pagetable {hwpt.Id}: {why}.") { Objects = [hwpt.Id] };
        }
        return null;
    }

    // What the driver's attach checks: same kind of table, wide enough for what the domain may hold, snooping as promised (intel/iommu.c paging_domain_compatible, amd/iommu.c attach).
    private static string? WhyIncompatible(HostDevice device, Hwpt attached)
    {
        HwptPaging hwpt = attached.Paging;
        // The mock looks at what is attached, drivers of hardware at the table that translates to memory.
        Hwpt tracked = device.Unit.Description.Vendor == IommuVendor.Mock ? attached : hwpt;
        IommuUnit unit = device.Unit;
        IommuUnitDescription own = unit.Description;
        IommuUnitDescription made = hwpt.Unit.Description;
        return own switch
        {
            _ when own.Vendor != made.Vendor => $"{unit.Name} cannot walk a {hwpt.Domain.FormatName} table",
            _ when own.Vendor == IommuVendor.Intel && own.InputBits < made.InputBits => $"{unit.Name} translates {own.InputBits} bits, the table has {made.InputBits}",
            _ when own.Vendor == IommuVendor.Intel && own.LargestLeafShift < made.LargestLeafShift => $"{unit.Name} has no leaves of 2^{made.LargestLeafShift} bytes",
            _ when hwpt.EnforcesCoherency && !own.SnoopControl => $"{unit.Name} cannot enforce snooping, which hw_pagetable {hwpt.Id} promises",
            _ when tracked.Flags.HasFlag(HwptFlags.DirtyTracking) && !device.SupportsDirtyTracking => $"{device.Address} cannot track dirty pages, which hw_pagetable {hwpt.Id} promises",
            _ => null,
        };
    }
}
