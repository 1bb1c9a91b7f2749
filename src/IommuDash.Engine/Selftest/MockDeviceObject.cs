using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Engine.Selftest;

/// <summary>A mock device made by a test operation (the selftest's SELFTEST object): the driver of its <see cref="Device"/>. Destroying it detaches the device, unbinds it and takes it out of the host.</summary>
public sealed class MockDeviceObject : IommufdObject
{
    internal MockDeviceObject(IommufdContext context, HostDevice hardware) : base(context, IommufdObjectType.Selftest) => Hardware = hardware;

    public HostDevice Hardware { get; }

    /// <summary>The device it is bound as.</summary>
    public Device Device => Hardware.Owner!;

    public override IEnumerable<IommufdObject> References => [];

    internal override void Destroy()
    {
        if (Hardware.Owner is { } device)
            Context.Unbind(device);
        Context.Host.RemoveMockDevice(Hardware);
    }
}
