using IommuDash.Engine.Hardware.Drivers;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Selftest;

namespace IommuDash.Engine.Hardware;

/// <summary>An IOMMU of the running host.</summary>
public sealed class IommuUnit
{
    internal IommuUnit(IommuUnitDescription description) => Description = description;

    public IommuUnitDescription Description { get; }

    public string Name => Description.Name;

    internal IommuDriver Driver => IommuDriver.For(Description.Vendor);
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

    internal HostDevice(EmulatedHost host, DeviceDescription description, IommuUnit unit, IommuGroup group)
    {
        Host = host;
        Description = description;
        Unit = unit;
        Group = group;
        Driver = IommuDriver.For(unit.Description.Vendor);
        Mock = unit.Description.Vendor == IommuVendor.Mock ? new MockDeviceState() : null;
    }

    public EmulatedHost Host { get; }

    internal IommuDriver Driver { get; }

    /// <summary>What the selftest's mock keeps per device; null elsewhere.</summary>
    public MockDeviceState? Mock { get; }

    /// <summary>Number of PASID bits it can use; 0 = none.</summary>
    public int PasidBits => Driver.PasidBits(this, Host.Level);

    /// <summary>What IOMMU_GET_HW_INFO tells about it, which never changes: made when first asked for.</summary>
    internal HwInfo HwInfo => field ??= DescribeHardware();

    /// <summary>How many faults it has reported whose group is not complete.</summary>
    public int GatheringFaults => PartialFaults.Count;

    /// <summary>Faults reported so far of groups whose last one is yet to come.</summary>
    internal List<PageFault> PartialFaults { get; } = [];

    internal void ForgetFaults() => PartialFaults.Clear();

    public DeviceDescription Description { get; }

    public string Address => Description.Address;

    public IommuUnit Unit { get; }

    public IommuGroup Group { get; }

    /// <summary>Whether writes it makes can be recorded in its page table.</summary>
    public bool SupportsDirtyTracking => Unit.Description.Vendor == IommuVendor.Mock ? (Description.MockFlags & MockNoDirty) == 0 : Unit.Description.DirtyTracking;

    /// <summary>The iommufd object it is bound as, or null.</summary>
    public Device? Owner { get; internal set; }

    private HwInfo DescribeHardware()
    {
        (uint type, byte[] data) = Driver.HwInfo(this, Host.Level);
        HwCapabilities capabilities = (SupportsDirtyTracking ? HwCapabilities.DirtyTracking : 0) | (Host.Level.ReportsMissingAts ? HwCapabilities.PciAtsNotSupported : 0);
        return new HwInfo(type, data, (byte)PasidBits, capabilities);
    }
}
