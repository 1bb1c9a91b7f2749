using IommuDash.Engine.Iommufd;

namespace IommuDash.Engine.Hardware;

/// <summary>An IOMMU of the running host.</summary>
public sealed class IommuUnit
{
    internal IommuUnit(IommuUnitDescription description) => Description = description;

    public IommuUnitDescription Description { get; }

    public string Name => Description.Name;
}

/// <summary>An IOMMU group of the running host: the smallest set of devices that can be isolated from the rest.</summary>
public sealed class IommuGroup
{
    internal IommuGroup(GroupDescription description) => Description = description;

    public GroupDescription Description { get; }

    public int Id => Description.Id;

    public IReadOnlyList<HostDevice> Devices => DeviceList;

    /// <summary>The context that owns DMA of the whole group, or null = the host's drivers do.</summary>
    public IommufdContext? Owner { get; internal set; }

    internal List<HostDevice> DeviceList { get; } = [];
}

/// <summary>A device of the running host.</summary>
public sealed class HostDevice
{
    private const uint MockNoDirty = 1;

    internal HostDevice(DeviceDescription description, IommuUnit unit, IommuGroup group)
    {
        Description = description;
        Unit = unit;
        Group = group;
    }

    public DeviceDescription Description { get; }

    public string Address => Description.Address;

    public IommuUnit Unit { get; }

    public IommuGroup Group { get; }

    /// <summary>Whether writes it makes can be recorded in its page table.</summary>
    public bool SupportsDirtyTracking => Unit.Description.Vendor == IommuVendor.Mock ? (Description.MockFlags & MockNoDirty) == 0 : Unit.Description.DirtyTracking;

    /// <summary>The iommufd object it is bound as, or null.</summary>
    public Device? Owner { get; internal set; }
}
