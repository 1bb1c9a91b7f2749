// IOMMU_GET_HW_INFO (drivers/iommu/iommufd/device.c). The reserved bytes of the structure are the caller's to check.
namespace IommuDash.Engine.Iommufd;

public sealed partial class IommufdContext
{
    /// <summary>The flag of IOMMU_GET_HW_INFO: the caller says which type it wants.</summary>
    public const uint HwInfoInputType = 1;

    /// <summary>
    /// What hardware a device is behind. EOPNOTSUPP unknown flags; ENOENT no such device; EOPNOTSUPP the driver does not have <paramref name="wantedType"/>, which counts only with the flag.
    /// </summary>
    public Refusal? GetHwInfo(uint flags, uint deviceId, uint wantedType, out HwInfo? info)
    {
        info = null;
        if ((flags & ~HwInfoInputType) != 0)
            return UnknownFlags("hwinfo.flags", flags & ~HwInfoInputType);
        if (Objects.Get(deviceId, "device", out Device device) is { } noDevice)
            return noDevice;
        HwInfo told = device.Hardware.HwInfo;
        uint wanted = flags == 0 ? 0 : wantedType;
        if (wanted != 0 && wanted != told.Type)
            return new Refusal(Errno.EOPNOTSUPP, "hwinfo.type", $"{device.Hardware.Unit.Name} tells about itself in type 0x{told.Type:x}, not 0x{wanted:x}.");
        info = told;
        return null;
    }
}
