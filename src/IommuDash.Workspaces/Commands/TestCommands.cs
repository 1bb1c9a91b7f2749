// Operations of the kernel selftest's TEST ioctl that make the mock IOMMU of use without a program: devices that come and go, ranges that no area may use, and events of a guest's device.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Selftest;

namespace IommuDash.Workspaces.Commands;

/// <summary>MOCK_DOMAIN_FLAGS: a new mock device, bound and attached. Destroying its mock object takes it out of the host again.</summary>
public sealed record TestMockDomain : ContextCommand
{
    /// <summary>Id of the IOAS or hw_pagetable it attaches to.</summary>
    public required uint Pt { get; init; }

    /// <summary>NO_DIRTY 1, PASID 4.</summary>
    public uint Flags { get; init; }

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) =>
        new MockTests(context).MockDomain(Pt, Flags, out uint mock, out uint hwpt, out uint device) is { } refusal
            ? refusal
            : new QueueOutputs { Mock = mock, Hwpt = hwpt, Device = device };
}

/// <summary>ADD_RESERVED: a range no area may use, on any IOMMU, until the IOAS goes.</summary>
public sealed record TestAddReserved : ContextCommand
{
    public required uint Ioas { get; init; }

    public required ulong Start { get; init; }

    public required ulong Length { get; init; }

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) => new(new MockTests(context).AddReserved(Ioas, Start, Length));
}

/// <summary>TRIGGER_VEVENT: a mock device that is attached through a vIOMMU reports an event.</summary>
public sealed record TestTriggerVevent : ContextCommand
{
    public required uint Device { get; init; }

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context)
    {
        var tests = new MockTests(context);
        return new(tests.CheckOp((uint)MockTestOp.TriggerVevent) ?? tests.TriggerVevent(Device));
    }
}
