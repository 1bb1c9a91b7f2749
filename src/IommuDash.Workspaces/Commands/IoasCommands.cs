using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Workspaces.Commands;

/// <summary>IOMMU_IOAS_ALLOC.</summary>
public sealed record IoasAlloc : ContextCommand
{
    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) =>
        context.IoasAlloc(out uint ioas) is { } refusal ? refusal : new CommandOutputs { Ioas = ioas };
}

/// <summary>IOMMU_IOAS_ALLOW_IOVAS: replaces the ranges automatic allocation may use; none = everywhere.</summary>
public sealed record IoasAllow : ContextCommand
{
    private const int RangeBytes = 16;

    public required uint Ioas { get; init; }

    public required IReadOnlyList<IovaRange> Ranges { get; init; }

    public override int CostBytes => FixedCostBytes + (Ranges.Count * RangeBytes);

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) => new(context.IoasAllowIovas(Ioas, Ranges as IovaRange[] ?? [.. Ranges]));
}

/// <summary>IOMMU_IOAS_IOVA_RANGES: the usable ranges and the alignment.</summary>
public sealed record IoasRanges : ContextCommand
{
    private const int MostRanges = 4_096;

    public required uint Ioas { get; init; }

    /// <summary>How many ranges to list; with more of them the answer is EMSGSIZE and their number.</summary>
    public int MaxRanges { get; init; } = MostRanges;

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context)
    {
        var ranges = new List<IovaRange>();
        Refusal? refusal = context.IoasIovaRanges(Ioas, MaxRanges, ranges, out int total, out ulong alignment);
        return new(refusal, alignment == 0 ? null : new CommandOutputs { Ranges = ranges, TotalRanges = total, Alignment = alignment });
    }

    public override Refusal? Check() =>
        MaxRanges is >= 0 and <= MostRanges ? null : new Refusal(Errno.E2BIG, "command.size", $"maxRanges is {MaxRanges}; it must be 0 to {MostRanges}.");
}

/// <summary>IOMMU_IOAS_MAP.</summary>
public sealed record IoasMap : ContextCommand
{
    public required uint Ioas { get; init; }

    public required ulong UserAddress { get; init; }

    public required ulong Length { get; init; }

    /// <summary>Where to map; null = wherever allocation finds room.</summary>
    public ulong? Iova { get; init; }

    public bool Readable { get; init; } = true;

    public bool Writeable { get; init; } = true;

    /// <summary>Whose memory and limits; null = the process that opened the context.</summary>
    public int? Pid { get; init; }

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context)
    {
        EmulatedProcess? caller = Pid is { } pid ? host.FindProcess(pid) : context.Opener;
        if (caller is null)
            return new Refusal(Errno.ENOENT, "process.lookup", $"There is no process {Pid}.");
        ulong iova = Iova ?? 0;
        return context.IoasMap(caller, Ioas, Flags(Iova, Readable, Writeable), UserAddress, Length, ref iova) is { } refusal
            ? refusal
            : new CommandOutputs { Iova = iova };
    }

    internal static MapFlags Flags(ulong? iova, bool readable, bool writeable) =>
        (iova is null ? 0 : MapFlags.FixedIova) | (readable ? MapFlags.Readable : 0) | (writeable ? MapFlags.Writeable : 0);
}

/// <summary>IOMMU_IOAS_UNMAP of the areas inside a range. What a refused call removed stays removed, and is told.</summary>
public sealed record IoasUnmap : ContextCommand
{
    public required uint Ioas { get; init; }

    public required ulong Iova { get; init; }

    public required ulong Length { get; init; }

    public override bool OnlyReleases => true;

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) =>
        new(context.IoasUnmap(Ioas, Iova, Length, out ulong unmapped), new CommandOutputs { UnmappedBytes = unmapped });
}

/// <summary>IOMMU_IOAS_UNMAP of everything.</summary>
public sealed record IoasUnmapAll : ContextCommand
{
    public required uint Ioas { get; init; }

    public override bool OnlyReleases => true;

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) =>
        new(context.IoasUnmap(Ioas, 0, ulong.MaxValue, out ulong unmapped), new CommandOutputs { UnmappedBytes = unmapped });
}

/// <summary>IOMMU_IOAS_COPY: shows what one IOAS maps in another too, or again in the same.</summary>
public sealed record IoasCopy : ContextCommand
{
    public required uint Ioas { get; init; }

    public required uint SourceIoas { get; init; }

    public required ulong SourceIova { get; init; }

    public required ulong Length { get; init; }

    /// <summary>Where to map; null = wherever allocation finds room.</summary>
    public ulong? Iova { get; init; }

    public bool Readable { get; init; } = true;

    public bool Writeable { get; init; } = true;

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context)
    {
        ulong iova = Iova ?? 0;
        return context.IoasCopy(Ioas, SourceIoas, IoasMap.Flags(Iova, Readable, Writeable), SourceIova, Length, ref iova) is { } refusal
            ? refusal
            : new CommandOutputs { Iova = iova };
    }
}
