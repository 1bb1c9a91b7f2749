using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces.Commands;

/// <summary>Opens /dev/iommu for a process.</summary>
public sealed record ContextOpen : Command
{
    public required int Pid { get; init; }

    public override CommandResult Apply(EmulatedHost host) =>
        host.OpenContext(Pid, out IommufdContext? context) is { } refusal ? refusal : new CommandOutputs { Context = context!.Fd };
}

/// <summary>Closes a context and everything made through it.</summary>
public sealed record ContextClose : Command
{
    public required int Fd { get; init; }

    public override bool OnlyReleases => true;

    public override CommandResult Apply(EmulatedHost host) => new(host.CloseContext(Fd));
}

/// <summary>IOMMU_DESTROY.</summary>
public sealed record ObjectDestroy : ContextCommand
{
    public required uint Id { get; init; }

    public override bool OnlyReleases => true;

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) => new(context.Destroy(Id));
}

/// <summary>IOMMU_OPTION, setting.</summary>
public sealed record OptionSet : ContextCommand
{
    public required IommufdOption Option { get; init; }

    /// <summary>Id of the object the option belongs to; 0 = the context.</summary>
    public uint Object { get; init; }

    public required ulong Value { get; init; }

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) => new(context.OptionSet(context.Opener, Option, Object, Value));
}

/// <summary>IOMMU_OPTION, reading.</summary>
public sealed record OptionGet : ContextCommand
{
    public required IommufdOption Option { get; init; }

    /// <summary>Id of the object the option belongs to; 0 = the context.</summary>
    public uint Object { get; init; }

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) =>
        context.OptionGet(Option, Object, out ulong value) is { } refusal ? refusal : new CommandOutputs { Value = value };
}
