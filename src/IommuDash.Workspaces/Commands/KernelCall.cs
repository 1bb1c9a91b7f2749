using IommuDash.Engine;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces.Commands;

/// <summary>Calls that not every kernel has.</summary>
/// <param name="Number">The ioctl's number, counted from IOMMU_DESTROY.</param>
internal sealed record KernelCall(uint Number, string Name)
{
    public static KernelCall MapFile { get; } = new(0x0f, "IOMMU_IOAS_MAP_FILE");

    public static KernelCall ViommuAlloc { get; } = new(0x10, "IOMMU_VIOMMU_ALLOC");

    public static KernelCall VdeviceAlloc { get; } = new(0x11, "IOMMU_VDEVICE_ALLOC");

    public static KernelCall ChangeProcess { get; } = new(0x12, "IOMMU_IOAS_CHANGE_PROCESS");

    public static KernelCall VeventqAlloc { get; } = new(0x13, "IOMMU_VEVENTQ_ALLOC");

    public static KernelCall HwQueueAlloc { get; } = new(0x14, "IOMMU_HW_QUEUE_ALLOC");

    /// <summary>ENOTTY: a kernel of the level does not know the request.</summary>
    public Refusal? Check(ReferenceLevel level) => Number <= level.LastIoctl ? null : new Refusal(Errno.ENOTTY, "ioctl.level", $"Linux {level} has no {Name}.");
}
