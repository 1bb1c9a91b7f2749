// Memory files and the IOAS calls about them.
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Workspaces.Commands;

/// <summary>Makes a memory file of a size (memfd_create and ftruncate).</summary>
public sealed record FileCreate : Command
{
    public required string Name { get; init; }

    public required ulong SizeBytes { get; init; }

    public FrameLayout Layout { get; init; }

    public override int CostBytes => FixedCostBytes + (2 * Name.Length);

    public override CommandResult Apply(EmulatedHost host) => new(host.CreateMemfd(Name, SizeBytes, Layout));

    public override Refusal? Check() => CommandText.Check("name", Name, CommandText.MaxNameLength);
}

/// <summary>Sets the size of a memory file.</summary>
public sealed record FileTruncate : Command
{
    public required string Name { get; init; }

    public required ulong SizeBytes { get; init; }

    public override CommandResult Apply(EmulatedHost host) => new(host.TruncateFile(Name, SizeBytes));

    public override Refusal? Check() => CommandText.Check("name", Name, CommandText.MaxNameLength);
}

/// <summary>Closes a memory file; it lives on while mapped or in use by an IOAS.</summary>
public sealed record FileClose : Command
{
    public required string Name { get; init; }

    public override bool OnlyReleases => true;

    public override CommandResult Apply(EmulatedHost host) => new(host.CloseFile(Name));

    public override Refusal? Check() => CommandText.Check("name", Name, CommandText.MaxNameLength);
}

/// <summary>IOMMU_IOAS_MAP_FILE.</summary>
public sealed record IoasMapFile : ContextCommand
{
    public required uint Ioas { get; init; }

    /// <summary>The file's name.</summary>
    public required string File { get; init; }

    /// <summary>Offset in the file of the first byte.</summary>
    public ulong Start { get; init; }

    public required ulong Length { get; init; }

    /// <summary>Where to map; null = wherever allocation finds room.</summary>
    public ulong? Iova { get; init; }

    public bool Readable { get; init; } = true;

    public bool Writeable { get; init; } = true;

    /// <summary>Who pays; null = the process that opened the context.</summary>
    public int? Pid { get; init; }

    public override int CostBytes => FixedCostBytes + (2 * File.Length);

    private protected override KernelCall Call => KernelCall.MapFile;

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context)
    {
        EmulatedProcess payer = context.Opener;
        if (Pid is { } pid && AccessCreate.Living(host, pid, out payer) is { } gone)
            return gone;
        ulong iova = Iova ?? 0;
        return context.IoasMapFile(payer, Ioas, IoasMap.Flags(Iova, Readable, Writeable), host.FindFile(File), Start, Length, ref iova) is { } refusal
            ? refusal
            : new CommandOutputs { Iova = iova };
    }

    public override Refusal? Check() => CommandText.Check("file", File, CommandText.MaxNameLength);
}

/// <summary>IOMMU_IOAS_CHANGE_PROCESS: a process takes over, and pays for, everything the context has mapped; it must all be memory files.</summary>
public sealed record IoasChangeProcess : ContextCommand
{
    public required int Pid { get; init; }

    private protected override KernelCall Call => KernelCall.ChangeProcess;

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) =>
        new(AccessCreate.Living(host, Pid, out EmulatedProcess process) ?? context.IoasChangeProcess(process));
}
