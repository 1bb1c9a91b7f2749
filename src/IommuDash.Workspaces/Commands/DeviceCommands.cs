using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces.Commands;

/// <summary>Hands a device to a context (VFIO_DEVICE_BIND_IOMMUFD).</summary>
public sealed record DeviceBind : ContextCommand
{
    /// <summary>As the host lists it: <c>dddd:bb:dd.f</c> on PCI.</summary>
    public required string Address { get; init; }

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context)
    {
        if (host.FindDevice(Address) is not { } hardware)
            return new Refusal(Errno.ENOENT, "device.address", $"This host has no device {Address}.");
        return context.Bind(hardware, out Device? device) is { } refusal ? refusal : new CommandOutputs { Device = device!.Id };
    }

    public override Refusal? Check() => CommandText.Check("address", Address, CommandText.MaxNameLength);
}

/// <summary>Takes a device back, detaching it first.</summary>
public sealed record DeviceUnbind : ContextCommand
{
    public required uint Device { get; init; }

    public override bool OnlyReleases => true;

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) => new(context.Unbind(Device));
}

/// <summary>Attaches a device to an IOAS or a hw_pagetable.</summary>
public sealed record DeviceAttach : ContextCommand
{
    public required uint Device { get; init; }

    /// <summary>Id of the IOAS or hw_pagetable.</summary>
    public required uint Pt { get; init; }

    /// <summary>The PASID meant; 0 = the requester id itself.</summary>
    public uint Pasid { get; init; }

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) =>
        context.AttachPasid(Device, Pasid, Pt, out uint hwpt) is { } refusal ? refusal : new CommandOutputs { Hwpt = hwpt };
}

/// <summary>Moves an attached device, and its group with it, to another IOAS or hw_pagetable.</summary>
public sealed record DeviceReplace : ContextCommand
{
    public required uint Device { get; init; }

    /// <summary>Id of the IOAS or hw_pagetable.</summary>
    public required uint Pt { get; init; }

    /// <summary>The PASID meant; 0 = the requester id itself.</summary>
    public uint Pasid { get; init; }

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) =>
        context.ReplacePasid(Device, Pasid, Pt, out uint hwpt) is { } refusal ? refusal : new CommandOutputs { Hwpt = hwpt };
}

/// <summary>Detaches a device; nothing happens if it is not attached.</summary>
public sealed record DeviceDetach : ContextCommand
{
    public required uint Device { get; init; }

    /// <summary>The PASID meant; 0 = the requester id itself.</summary>
    public uint Pasid { get; init; }

    public override bool OnlyReleases => true;

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) => new(context.DetachPasid(Device, Pasid));
}
