// Binding and unbinding devices (drivers/iommu/iommufd/device.c).
using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Iommufd;

public sealed partial class IommufdContext
{
    /// <summary>
    /// Hands a device to this context. EINVAL: a bridge, already bound, or firmware wants a direct mapping kept for it; EPERM: another context owns the group; ENOMEM at a cap.
    /// </summary>
    public Refusal? Bind(HostDevice hardware, out Device? device)
    {
        device = null;
        if (CheckBind(hardware) is { } refusal)
            return refusal;
        bool known = Groups.TryGetValue(hardware.Group.Id, out Igroup? igroup);
        igroup ??= new Igroup(hardware.Group);
        var created = new Device(this, hardware, igroup);
        if (Objects.Reserve(created) is { } full)
            return full;
        if (!known)
            Groups.Add(igroup.Group.Id, igroup);
        igroup.Bound.Add(created);
        igroup.Group.Owner = this;
        hardware.Owner = created;
        Publish(created);
        device = created;
        return null;
    }

    private Refusal? CheckBind(HostDevice hardware)
    {
        if (hardware.Description.IsBridge)
            return new Refusal(Errno.EINVAL, "bind.bridge", $"{hardware.Address} is a PCI bridge; only endpoints can be handed to user space.");
        if (hardware.Owner is { } bound)
            return new Refusal(Errno.EINVAL, "bind.twice", $"{hardware.Address} is already bound as device {bound.Id} of context {bound.Context.Fd}.") { Objects = bound.Context == this ? [bound.Id] : [] };
        if (hardware.Group.Owner is { } owner && owner != this)
            return new Refusal(Errno.EPERM, "bind.owner", $"Group {hardware.Group.Id} belongs to context {owner.Fd}; all devices of a group have one owner.");
        if (hardware.Group.Description.ReservedRegions.FirstOrDefault(r => r.Kind == ReservedRegionKind.Direct) is { } direct)
        {
            return new Refusal(Errno.EINVAL, "bind.direct", $"Firmware wants {new IovaRange(direct.Start, direct.Last)} mapped 1:1 for group {hardware.Group.Id} at all times, so it cannot be blocked and handed over.")
            {
                Ranges = [new(RangeRole.Reserved, new IovaRange(direct.Start, direct.Last))],
            };
        }
        return null;
    }

    /// <summary>Takes a device back from this context, detaching it first. ENOENT: no such device.</summary>
    public Refusal? Unbind(uint deviceId)
    {
        if (Objects.Get(deviceId, "device", out Device device) is { } refusal)
            return refusal;
        Unbind(device);
        return null;
    }

    // A virtual device goes by force and its id stays taken: whoever still knows it must not meet another object there.
    internal void Unbind(Device device)
    {
        if (device.Vdevice is { } vdevice)
            Remove(vdevice, tombstone: true);
        foreach (GroupAttachment attachment in device.Attachments.ToArray())
            DetachCore(device, attachment);
        device.Hardware.ForgetFaults();
        device.Put();
        Remove(device);
    }
}
