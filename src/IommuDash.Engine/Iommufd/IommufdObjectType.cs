namespace IommuDash.Engine.Iommufd;

/// <summary>Types of the objects in a context's table (drivers/iommu/iommufd/iommufd_private.h). The numbers are internal to the reference too, not ABI.</summary>
public enum IommufdObjectType : byte
{
    /// <summary>In a lookup: any type.</summary>
    Any,
    Device,
    HwptPaging,
    HwptNested,
    Ioas,
    Access,
    Fault,
    Viommu,
    Vdevice,
    Veventq,
    HwQueue,
    Selftest,
}
