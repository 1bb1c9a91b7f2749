using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Iommufd;

/// <summary>An IOMMU group as one context sees it: its bound devices all use the same hw_pagetable.</summary>
public sealed class Igroup
{
    internal Igroup(IommuGroup group) => Group = group;

    public IommuGroup Group { get; }

    /// <summary>Devices of the group bound in this context.</summary>
    internal List<Device> Bound { get; } = [];

    /// <summary>What the group's requester ids translate through, or null = blocked.</summary>
    public HwptPaging? Hwpt { get; internal set; }

    /// <summary>Bound devices that have joined <see cref="Hwpt"/>.</summary>
    internal List<Device> Attached { get; } = [];
}
