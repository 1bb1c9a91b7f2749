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

    /// <summary>The hw_pagetable it is attached to, or null.</summary>
    public HwptPaging? Hwpt => Igroup.Attached.Contains(this) ? Igroup.Hwpt : null;

    public override IEnumerable<IommufdObject> References => Hwpt is { } hwpt ? [hwpt] : [];

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
