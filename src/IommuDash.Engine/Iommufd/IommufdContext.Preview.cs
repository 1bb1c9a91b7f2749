// What bind, attach and replace would answer, asked by whoever shows targets before one is chosen. Runs the same checks in the same order as the calls themselves and changes nothing.
// Leaves out what only trying can tell: frames for the new table and filling it (ENOMEM, EFAULT while pinning what the IOAS maps already).
using IommuDash.Engine.Hardware;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Iommufd;

public sealed partial class IommufdContext
{
    /// <summary>What <see cref="Bind"/> would answer.</summary>
    public Refusal? PreviewBind(HostDevice hardware) => CheckBind(hardware) ?? Objects.CheckRoom();

    /// <summary>What <see cref="Bind"/> and then <see cref="Attach"/> would answer for a device that is not bound.</summary>
    public AttachPreview PreviewBindAndAttach(HostDevice hardware, uint ptId)
    {
        if (PreviewBind(hardware) is { } unbindable)
            return new AttachPreview(unbindable, 0, false);
        // Nothing refers to it, neither the table nor its group, so it is gone with this call.
        var device = new Device(this, hardware, Groups.GetValueOrDefault(hardware.Group.Id) ?? new Igroup(hardware.Group)) { Id = Objects.NextId };
        return Preview(device, ptId, replace: false, joining: 1);
    }

    /// <summary>What <see cref="Attach"/> would answer.</summary>
    public AttachPreview PreviewAttach(uint deviceId, uint ptId) => Preview(deviceId, ptId, replace: false);

    /// <summary>What <see cref="Replace"/> would answer.</summary>
    public AttachPreview PreviewReplace(uint deviceId, uint ptId) => Preview(deviceId, ptId, replace: true);

    private AttachPreview Preview(uint deviceId, uint ptId, bool replace) =>
        Objects.Get(deviceId, "device", out Device device) is { } noDevice ? new AttachPreview(noDevice, 0, false) : Preview(device, ptId, replace, joining: 0);

    /// <param name="joining">Ids that will have been taken before.</param>
    private AttachPreview Preview(Device device, uint ptId, bool replace, int joining)
    {
        if (Objects.Get(ptId, "page table to attach to", out IommufdObject target) is { } noTarget)
            return new AttachPreview(noTarget, 0, false);
        return target switch
        {
            Hwpt hwpt => On(Check(device, hwpt, replace), hwpt),
            Ioas ioas => PreviewAutomatic(device, ioas, replace, joining),
            _ => new AttachPreview(WrongTarget(target), 0, false),
        };
    }

    private AttachPreview PreviewAutomatic(Device device, Ioas ioas, bool replace, int joining)
    {
        foreach (HwptPaging candidate in ioas.HwptList.Where(hwpt => hwpt.IsAutomatic))
        {
            Refusal? refusal = Check(device, candidate, replace);
            if (refusal is null || refusal.Errno != Errno.EINVAL)
                return On(refusal, candidate);
        }
        return PreviewNew(device, ioas, replace, joining) is { } refused ? new AttachPreview(refused, 0, false) : new AttachPreview(null, 0, true);
    }

    // A device that attaches brings its regions before the new table joins the IOAS, one that is replaced after it.
    private Refusal? PreviewNew(Device device, Ioas ioas, bool replace, int joining)
    {
        if (PlanDomain(device, out IovaRange aperture, out ulong pageSizes) is { } noDomain)
            return noDomain;
        if (Objects.CheckRoom(joining) is { } full)
            return full;
        const string Owner = "the aperture of the new hw_pagetable";
        int regions = Iova.IoPagetable.RegionCount(device);
        return replace
            ? ioas.Pagetable.CheckDomain(aperture, pageSizes, Owner) ?? CheckAttached(device, 0) ?? CheckGroupRegions(device.Igroup.Find(0)!, ioas) ?? CheckNoPasids(device)
            : CheckUnattached(device, 0, null) ?? ioas.Pagetable.CheckRegions(device) ?? CheckNoPasids(device) ?? ioas.Pagetable.CheckDomain(aperture, pageSizes, Owner, regions);
    }

    private static Refusal? CheckNoPasids(Device device) => !device.Igroup.HasPasids ? null
        : new Refusal(Errno.EINVAL, "attach.pasid", $"An automatic hw_pagetable is not made for PASIDs, and device {device.Id}'s group has some attached.");

    private Refusal? PlanDomain(Device device, out IovaRange aperture, out ulong pageSizes)
    {
        (aperture, pageSizes) = (default, 0);
        return device.Hardware.Driver.CheckPaging(device.Hardware, HwptFlags.None, GuestData.None, Host.Level, out MockTableKind kind)
            ?? DomainFactory.Plan(device.Hardware.Unit.Description, out aperture, out pageSizes, kind, Host.Level);
    }

    private static Refusal? Check(Device device, Hwpt hwpt, bool replace) => replace ? CheckReplace(device, 0, hwpt) : CheckAttach(device, 0, hwpt);

    private static AttachPreview On(Refusal? refusal, Hwpt hwpt) => new(refusal, refusal is null ? hwpt.Id : 0, false);
}
