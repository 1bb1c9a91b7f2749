// What an iommufd context answers to the container calls of VFIO type1 (drivers/iommu/iommufd/vfio_compat.c), on the one IOAS that is set for it.
// Leaves out: no-IOMMU mode, as in a kernel built without it; attaching groups, which is the business of their files; nesting, dirty pages and vaddr updates, which the reference refuses too.
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Vfio;

/// <summary>Extensions and IOMMU types of VFIO (include/uapi/linux/vfio.h).</summary>
public enum VfioExtension : uint
{
    Type1 = 1,
    Type1V2 = 3,
    DmaCc = 4,
    NoIommu = 8,
    UnmapAll = 9,
}

/// <summary>Flags of VFIO_IOMMU_MAP_DMA.</summary>
[Flags]
public enum VfioMapFlags : uint
{
    None = 0,
    Read = 1,
    Write = 2,
}

/// <summary>Flags of VFIO_IOMMU_UNMAP_DMA that the reference's emulation knows.</summary>
[Flags]
public enum VfioUnmapFlags : uint
{
    None = 0,
    All = 2,
}

/// <summary>The container side of a context.</summary>
public sealed class VfioContainer
{
    /// <summary>Sizes of the structures, and what a call's <c>argsz</c> must at least be.</summary>
    public const uint MapArgumentBytes = 32;
    public const uint UnmapArgumentBytes = 24;

    /// <summary>VFIO_API_VERSION.</summary>
    public const int ApiVersion = 0;

    private readonly IommufdContext _context;

    internal VfioContainer(IommufdContext context) => _context = context;

    /// <summary>The IOAS the calls are about; null = none is set. It holds no reference.</summary>
    public Ioas? Ioas { get; private set; }

    /// <summary>IOMMU_VFIO_IOAS, getting. ENODEV: none is set.</summary>
    public Refusal? GetIoas(out uint ioasId)
    {
        ioasId = Ioas?.Id ?? 0;
        return Resolve(out _);
    }

    /// <summary>IOMMU_VFIO_IOAS, setting. ENOENT: no such IOAS.</summary>
    public Refusal? SetIoas(uint ioasId)
    {
        if (_context.Objects.Get(ioasId, "IOAS", out Ioas ioas) is { } refusal)
            return refusal;
        Ioas = ioas;
        return null;
    }

    /// <summary>IOMMU_VFIO_IOAS, clearing; never refused.</summary>
    public void ClearIoas() => Ioas = null;

    /// <summary>Makes and sets an IOAS if none is, as attaching the first group to a container does. ENOMEM at a cap.</summary>
    public Refusal? EnsureIoas() => Ioas is not null ? null : _context.IoasAlloc(out uint id) ?? SetIoas(id);

    /// <summary>VFIO_CHECK_EXTENSION. ENODEV for DMA_CC without an IOAS.</summary>
    public Refusal? CheckExtension(VfioExtension extension, out int value)
    {
        value = extension is VfioExtension.Type1 or VfioExtension.Type1V2 or VfioExtension.UnmapAll ? 1 : 0;
        if (extension != VfioExtension.DmaCc)
            return null;
        if (Resolve(out Ioas ioas) is { } refusal)
            return refusal;
        value = ioas.Hwpts.All(static hwpt => hwpt.EnforcesCoherency) ? 1 : 0;
        return null;
    }

    /// <summary>VFIO_SET_IOMMU; may be called again. EINVAL: neither type1 nor type1v2; ENODEV; for type1, which needs 4 KiB leaves throughout, the errors of switching large pages off.</summary>
    public Refusal? SetIommu(VfioExtension type)
    {
        if (type is not (VfioExtension.Type1 or VfioExtension.Type1V2))
            return new Refusal(Errno.EINVAL, "vfio.type", $"IOMMU type {(uint)type} is neither type1 nor type1v2.");
        return Resolve(out Ioas ioas) ?? (type == VfioExtension.Type1 ? ioas.Pagetable.SetLargePages(enabled: false) : null);
    }

    /// <summary>VFIO_IOMMU_GET_INFO, as data; <see cref="VfioInfo.Stores"/> gives its bytes. EINVAL <paramref name="argumentBytes"/> below <see cref="VfioInfo.MinArgumentBytes"/>; ENODEV.</summary>
    public Refusal? GetInfo(uint argumentBytes, out VfioInfo? info)
    {
        info = null;
        if (argumentBytes < VfioInfo.MinArgumentBytes)
            return TooShort(argumentBytes, VfioInfo.MinArgumentBytes);
        if (Resolve(out Ioas ioas) is { } refusal)
            return refusal;
        info = VfioInfo.Of(ioas.Pagetable);
        return null;
    }

    /// <summary>VFIO_IOMMU_MAP_DMA: a fixed map; unlike the native call it takes any flags, none too. EINVAL short structure or unknown flags; ENODEV; then as <see cref="IommufdContext.IoasMap"/>.</summary>
    public Refusal? MapDma(EmulatedProcess caller, uint argumentBytes, VfioMapFlags flags, ulong userAddress, ulong iova, ulong size)
    {
        if (argumentBytes < MapArgumentBytes)
            return TooShort(argumentBytes, MapArgumentBytes);
        if ((flags & ~(VfioMapFlags.Read | VfioMapFlags.Write)) != 0)
            return UnknownFlags((uint)flags);
        if (Resolve(out Ioas ioas) is { } noIoas)
            return noIoas;
        bool writable = (flags & VfioMapFlags.Write) != 0;
        if (IoptPages.FromUser(_context, caller, userAddress, size, writable, out IoptPages? pages) is { } badSource)
            return badSource;
        var slice = new PagesSlice(pages!, userAddress % Hardware.PhysicalMemory.FrameBytes, size);
        MapFlags native = MapFlags.FixedIova | (writable ? MapFlags.Writeable : 0) | ((flags & VfioMapFlags.Read) != 0 ? MapFlags.Readable : 0);
        return ioas.Pagetable.Map(new ReadOnlySpan<PagesSlice>(in slice), userAddress, native, ref iova);
    }

    /// <summary>
    /// VFIO_IOMMU_UNMAP_DMA. Type1 (large pages off) first cuts the areas at both ends; v2 answers ENOENT where an area is only partly inside. Removing nothing succeeds.
    /// EINVAL short structure, unknown flags, a range given with ALL, size 0 or a cut the reference refuses; ENODEV; EOVERFLOW.
    /// </summary>
    /// <param name="unmappedBytes">Bytes removed, also by a call that is refused half way.</param>
    /// <param name="writesBack">Whether the structure goes back to the caller with that size: whenever the unmap itself was reached.</param>
    public Refusal? UnmapDma(uint argumentBytes, VfioUnmapFlags flags, ulong iova, ulong size, out ulong unmappedBytes, out bool writesBack)
    {
        unmappedBytes = 0;
        writesBack = false;
        if (argumentBytes < UnmapArgumentBytes)
            return TooShort(argumentBytes, UnmapArgumentBytes);
        if ((flags & ~VfioUnmapFlags.All) != 0)
            return UnknownFlags((uint)flags);
        if (Resolve(out Ioas ioas) is { } noIoas)
            return noIoas;
        IoPagetable table = ioas.Pagetable;
        if (flags == VfioUnmapFlags.All)
        {
            if (iova != 0 || size != 0)
                return new Refusal(Errno.EINVAL, "vfio.unmap.all", "Unmapping all takes no range; iova and size must be 0.");
            writesBack = true;
            return table.Unmap(IovaRange.Whole, out unmappedBytes);
        }
        if (table.LargePagesDisabled && (table.Cut(unchecked(iova + size - 1)) ?? (iova == 0 ? null : table.Cut(iova - 1))) is { } uncut)
            return uncut;
        writesBack = true;
        if (size == 0)
            return new Refusal(Errno.EINVAL, "unmap.length", "The length is 0; there is nothing to unmap.");
        return IovaRange.TryOfLength(iova, size, out IovaRange window)
            ? table.Unmap(window, out unmappedBytes)
            : new Refusal(Errno.EOVERFLOW, "unmap.wrap", $"0x{iova:x} + 0x{size:x} passes the end of the address space.");
    }

    /// <summary>An IOAS is destroyed; if it is the one that is set, none is any more.</summary>
    internal void Forget(Ioas destroyed)
    {
        if (Ioas == destroyed)
            Ioas = null;
    }

    private Refusal? Resolve(out Ioas ioas)
    {
        ioas = Ioas!;
        return ioas is not null ? null : new Refusal(Errno.ENODEV, "vfio.ioas", "No IOAS is set for the container calls of this context.");
    }

    private static Refusal TooShort(uint argumentBytes, uint needed) =>
        new(Errno.EINVAL, "vfio.argsz", $"argsz is {argumentBytes}; this call needs {needed}.");

    private static Refusal UnknownFlags(uint flags) => new(Errno.EINVAL, "vfio.flags", $"Flags 0x{flags:x} are not all known.");
}
