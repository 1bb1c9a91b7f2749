using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Iommufd;

/// <summary>What a group's DMA with one PASID translates through, and the devices that have joined it.</summary>
/// <param name="pasid">0 = without a PASID, by requester id.</param>
/// <param name="hwpt">What it translates through at first.</param>
public sealed class GroupAttachment(uint pasid, Hwpt hwpt)
{
    public uint Pasid { get; } = pasid;

    public Hwpt Hwpt { get; internal set; } = hwpt;

    /// <summary>At least one.</summary>
    public IReadOnlyList<Device> Devices => DeviceList;

    internal List<Device> DeviceList { get; } = [];
}

/// <summary>An IOMMU group as one context sees it: for each PASID its bound devices all use the same hw_pagetable.</summary>
public sealed class Igroup
{
    private readonly SortedDictionary<uint, GroupAttachment> _attachments = [];

    internal Igroup(IommuGroup group) => Group = group;

    public IommuGroup Group { get; }

    /// <summary>By ascending PASID; 0 is the requester id's own.</summary>
    public IReadOnlyCollection<GroupAttachment> Attachments => _attachments.Values;

    /// <summary>What the group's requester ids translate through, or null = blocked.</summary>
    public Hwpt? Hwpt => Find(0)?.Hwpt;

    /// <summary>Devices of the group bound in this context.</summary>
    internal List<Device> Bound { get; } = [];

    /// <summary>Doorbells for message interrupts that devices of the group use, by their index in the context's list.</summary>
    internal SortedSet<int> RequiredSwMsi { get; } = [];

    public GroupAttachment? Find(uint pasid) => _attachments.GetValueOrDefault(pasid);

    internal bool HasPasids => _attachments.Count > (Find(0) is null ? 0 : 1);

    internal void Join(Device device, uint pasid, Hwpt hwpt)
    {
        if (!_attachments.TryGetValue(pasid, out GroupAttachment? attachment))
            _attachments.Add(pasid, attachment = new GroupAttachment(pasid, hwpt));
        attachment.DeviceList.Add(device);
    }

    /// <summary>True if the device was the last one.</summary>
    internal bool Leave(Device device, uint pasid)
    {
        GroupAttachment attachment = _attachments[pasid];
        attachment.DeviceList.Remove(device);
        return attachment.DeviceList.Count == 0 && _attachments.Remove(pasid);
    }
}
