using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Iommufd;

/// <summary>A physical device bound to a context. Its driver holds a second reference, so that user space can never destroy it.</summary>
public sealed class Device : IommufdObject
{
    internal Device(IommufdContext context, HostDevice hardware, Igroup igroup) : base(context, IommufdObjectType.Device)
    {
        Hardware = hardware;
        Igroup = igroup;
        Get();
    }

    public HostDevice Hardware { get; }

    public Igroup Igroup { get; }

    /// <summary>The paging hw_pagetable its requester id's DMA ends in (behind a nested one, the parent), or null.</summary>
    public HwptPaging? Hwpt => AttachedTo(0)?.Paging;

    /// <summary>The one virtual device it is in a guest, or null.</summary>
    public Vdevice? Vdevice { get; internal set; }

    /// <summary>Its attachments, by ascending PASID; 0 is the requester id's own.</summary>
    public IEnumerable<GroupAttachment> Attachments => Igroup.Attachments.Where(a => a.Devices.Contains(this));

    public override IEnumerable<IommufdObject> References => Attachments.Select(a => a.Hwpt);

    /// <summary>The hw_pagetable it is attached to with a PASID, 0 meaning its requester id; or null.</summary>
    public Hwpt? AttachedTo(uint pasid) => Igroup.Find(pasid) is { } attachment && attachment.DeviceList.Contains(this) ? attachment.Hwpt : null;

    internal override void Destroy()
    {
        Igroup.Bound.Remove(this);
        Hardware.Owner = null;
        if (Igroup.Bound.Count != 0)
            return;
        Context.Groups.Remove(Igroup.Group.Id);
        Igroup.Group.Owner = null;
    }
}
