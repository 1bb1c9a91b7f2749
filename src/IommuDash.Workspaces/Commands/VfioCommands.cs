// The calls of VFIO's type1 container, as an iommufd context answers them.
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;
using IommuDash.Engine.Vfio;

namespace IommuDash.Workspaces.Commands;

/// <summary>IOMMU_VFIO_IOAS: sets the IOAS the container calls are about, or clears it.</summary>
public sealed record VfioSetIoas : ContextCommand
{
    /// <summary>Null = clear.</summary>
    public uint? Ioas { get; init; }

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context)
    {
        if (Ioas is { } ioas)
            return new(context.Vfio.SetIoas(ioas));
        context.Vfio.ClearIoas();
        return new(null);
    }
}

/// <summary>VFIO_CHECK_EXTENSION.</summary>
public sealed record VfioCheckExtension : ContextCommand
{
    public required uint Extension { get; init; }

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) =>
        context.Vfio.CheckExtension((VfioExtension)Extension, out int value) is { } refusal ? refusal : new CommandOutputs { Value = (ulong)value };
}

/// <summary>VFIO_SET_IOMMU.</summary>
public sealed record VfioSetIommu : ContextCommand
{
    /// <summary>1 = type1, 3 = type1v2.</summary>
    public required uint Type { get; init; }

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) => new(context.Vfio.SetIommu((VfioExtension)Type));
}

/// <summary>VFIO_IOMMU_GET_INFO: page sizes as the value, and usable ranges.</summary>
public sealed record VfioGetInfo : ContextCommand
{
    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) =>
        context.Vfio.GetInfo(VfioInfo.MinArgumentBytes, out VfioInfo? info) is { } refusal
            ? refusal
            : new CommandOutputs { Value = info!.PageSizes, Ranges = info.UsableRanges, TotalRanges = info.UsableRanges.Count };
}

/// <summary>VFIO_IOMMU_MAP_DMA.</summary>
public sealed record VfioMapDma : ContextCommand
{
    public required ulong UserAddress { get; init; }

    public required ulong Iova { get; init; }

    public required ulong Size { get; init; }

    public bool Read { get; init; } = true;

    public bool Write { get; init; } = true;

    /// <summary>Whose memory and limits; null = the process that opened the context.</summary>
    public int? Pid { get; init; }

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context)
    {
        EmulatedProcess caller = context.Opener;
        if (Pid is { } pid && AccessCreate.Living(host, pid, out caller) is { } gone)
            return gone;
        VfioMapFlags flags = (Read ? VfioMapFlags.Read : 0) | (Write ? VfioMapFlags.Write : 0);
        return new(context.Vfio.MapDma(caller, VfioContainer.MapArgumentBytes, flags, UserAddress, Iova, Size));
    }
}

/// <summary>VFIO_IOMMU_UNMAP_DMA. Type1 cuts areas at the ends of the range; cuts made before a refusal stay.</summary>
public sealed record VfioUnmapDma : ContextCommand
{
    public ulong Iova { get; init; }

    public ulong Size { get; init; }

    /// <summary>Everything; <see cref="Iova"/> and <see cref="Size"/> must then be 0.</summary>
    public bool All { get; init; }

    public override bool OnlyReleases => true;

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context)
    {
        Refusal? refusal = context.Vfio.UnmapDma(VfioContainer.UnmapArgumentBytes, All ? VfioUnmapFlags.All : VfioUnmapFlags.None, Iova, Size, out ulong unmapped, out bool writesBack);
        return new(refusal, writesBack ? new CommandOutputs { UnmappedBytes = unmapped } : null);
    }
}
