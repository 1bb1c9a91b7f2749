using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Iommufd;

/// <summary>
/// A slice of a physical IOMMU that one guest sees as its own (struct iommufd_viommu). Holds a reference on the nesting parent; virtual devices, event queues, hardware queues, nested hw_pagetables and mappings
/// of its window hold one on it.
/// </summary>
public sealed class Viommu : IommufdObject
{
    internal Viommu(IommufdContext context, uint viommuType, IommuUnit unit, HwptPaging parent) : base(context, IommufdObjectType.Viommu)
    {
        ViommuType = viommuType;
        Unit = unit;
        Parent = parent;
        parent.Get();
    }

    /// <summary>The driver's type (IOMMU_VIOMMU_TYPE_*).</summary>
    public uint ViommuType { get; }

    public IommuUnit Unit { get; }

    public HwptPaging Parent { get; }

    /// <summary>By the id the guest knows them under.</summary>
    public IReadOnlyDictionary<ulong, Vdevice> Vdevices => VdeviceMap;

    /// <summary>By type.</summary>
    public IReadOnlyDictionary<uint, Veventq> Veventqs => VeventqMap;

    /// <summary>By index.</summary>
    public IReadOnlyDictionary<uint, HwQueue> HwQueues => HwQueueMap;

    /// <summary>The part of the hardware that may be mapped, or null.</summary>
    public MmapWindow? Window { get; internal set; }

    public override IEnumerable<IommufdObject> References => [Parent];

    internal SortedDictionary<ulong, Vdevice> VdeviceMap { get; } = [];

    internal SortedDictionary<uint, Veventq> VeventqMap { get; } = [];

    internal SortedDictionary<uint, HwQueue> HwQueueMap { get; } = [];

    internal override void Destroy()
    {
        if (Window is { } window)
            Context.MmapWindows.Remove(window);
        Parent.Put();
    }
}

/// <summary>A device as one guest's IOMMU knows it (struct iommufd_vdevice). A device is at most one virtual device in all.</summary>
public sealed class Vdevice : IommufdObject
{
    internal Vdevice(IommufdContext context, Viommu viommu, Device device, ulong virtualId) : base(context, IommufdObjectType.Vdevice)
    {
        Viommu = viommu;
        Device = device;
        VirtualId = virtualId;
        viommu.Get();
        device.Get();
        viommu.VdeviceMap.Add(virtualId, this);
        device.Vdevice = this;
    }

    public Viommu Viommu { get; }

    /// <summary>Its device; when its driver takes it back, this goes by force.</summary>
    public Device Device { get; }

    /// <summary>What the guest calls it: a stream or device id.</summary>
    public ulong VirtualId { get; }

    public override IEnumerable<IommufdObject> References => [Viommu, Device];

    internal override void Destroy()
    {
        Viommu.VdeviceMap.Remove(VirtualId);
        Device.Vdevice = null;
        Device.Put();
        Viommu.Put();
    }
}
