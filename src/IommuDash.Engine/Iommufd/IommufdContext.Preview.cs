// What attach and replace would answer, asked by whoever shows targets before one is chosen. Runs the same checks in the same order as the calls themselves and changes nothing.
// Leaves out what only trying can tell: frames for the new table and filling it (ENOMEM, EFAULT while pinning what the IOAS maps already).
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Iommufd;

public sealed partial class IommufdContext
{
    /// <summary>What <see cref="Attach"/> would answer.</summary>
    public AttachPreview PreviewAttach(uint deviceId, uint ptId) => Preview(deviceId, ptId, replace: false);

    /// <summary>What <see cref="Replace"/> would answer.</summary>
    public AttachPreview PreviewReplace(uint deviceId, uint ptId) => Preview(deviceId, ptId, replace: true);

    private AttachPreview Preview(uint deviceId, uint ptId, bool replace)
    {
        if (Objects.Get(deviceId, "device", out Device device) is { } noDevice)
            return new AttachPreview(noDevice, 0, false);
        if (Objects.Get(ptId, "page table to attach to", out IommufdObject target) is { } noTarget)
            return new AttachPreview(noTarget, 0, false);
        return target switch
        {
            HwptPaging hwpt => On(Check(device, hwpt, replace), hwpt),
            Ioas ioas => PreviewAutomatic(device, ioas, replace),
            _ => new AttachPreview(WrongTarget(target), 0, false),
        };
    }

    private AttachPreview PreviewAutomatic(Device device, Ioas ioas, bool replace)
    {
        foreach (HwptPaging candidate in ioas.HwptList.Where(hwpt => hwpt.IsAutomatic))
        {
            Refusal? refusal = Check(device, candidate, replace);
            if (refusal is null || refusal.Errno != Errno.EINVAL)
                return On(refusal, candidate);
        }
        return PreviewNew(device, ioas, replace) is { } refused ? new AttachPreview(refused, 0, false) : new AttachPreview(null, 0, true);
    }

    // A device that attaches brings its regions before the new table joins the IOAS, one that is replaced after it.
    private Refusal? PreviewNew(Device device, Ioas ioas, bool replace)
    {
        if (DomainFactory.Plan(device.Hardware.Unit.Description, out IovaRange aperture, out ulong pageSizes) is { } noDomain)
            return noDomain;
        if (Objects.CheckRoom() is { } full)
            return full;
        const string Owner = "the aperture of the new hw_pagetable";
        int regions = Iova.IoPagetable.RegionCount(device);
        return replace
            ? ioas.Pagetable.CheckDomain(aperture, pageSizes, Owner) ?? CheckAttached(device) ?? CheckGroupRegions(device, ioas)
            : CheckUnattached(device, null) ?? ioas.Pagetable.CheckRegions(device) ?? ioas.Pagetable.CheckDomain(aperture, pageSizes, Owner, regions);
    }

    private static Refusal? Check(Device device, HwptPaging hwpt, bool replace) => replace ? CheckReplace(device, hwpt) : CheckAttach(device, hwpt);

    private static AttachPreview On(Refusal? refusal, HwptPaging hwpt) => new(refusal, refusal is null ? hwpt.Id : 0, false);
}
