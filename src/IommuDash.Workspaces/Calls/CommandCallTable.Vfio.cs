// VFIO's container calls, and which IOAS they are about.
using System.Runtime.InteropServices;
using IommuDash.Abi.Layout;
using IommuDash.Engine.Vfio;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Calls;

internal static partial class CommandCallTable
{
    private const ushort VfioIoasSet = 1;
    private const ushort VfioIoasClear = 2;

    private static CommandCall[] Vfio() =>
    [
        new StructureCall<VfioSetIoas, IommuVfioIoas>("VFIO_IOAS")
        {
            In = c => new IommuVfioIoas { IoasId = c.Ioas ?? 0, Op = c.Ioas is null ? VfioIoasClear : VfioIoasSet },
            Back = (s, call) => s is { Op: VfioIoasSet or VfioIoasClear, Reserved: 0 } ? new VfioSetIoas { Context = call.Context, Ioas = s.Op == VfioIoasClear ? null : s.IoasId } : null,
        },
        new ValueCall<VfioCheckExtension>("VFIO_CHECK_EXTENSION", c => c.Extension, (argument, call) => new VfioCheckExtension { Context = call.Context, Extension = (uint)argument }),
        new ValueCall<VfioSetIommu>("VFIO_SET_IOMMU", c => c.Type, (argument, call) => new VfioSetIommu { Context = call.Context, Type = (uint)argument }),
        new StructureCall<VfioGetInfo, VfioIommuInfo>("VFIO_IOMMU_GET_INFO")
        {
            In = _ => default,
            Out = (_, o) => HeadOf(new VfioInfo(o.Value ?? 0, o.Ranges ?? [])),
            Back = (_, call) => new VfioGetInfo { Context = call.Context },
        },
        new StructureCall<VfioMapDma, VfioDmaMap>("VFIO_IOMMU_MAP_DMA")
        {
            In = c => new VfioDmaMap { Flags = (uint)((c.Read ? VfioMapFlags.Read : 0) | (c.Write ? VfioMapFlags.Write : 0)), Vaddr = c.UserAddress, Iova = c.Iova, Size = c.Size },
            Back = (s, call) => (VfioMapFlags)s.Flags is var flags && (flags & ~(VfioMapFlags.Read | VfioMapFlags.Write)) == 0
                ? new VfioMapDma { Context = call.Context, UserAddress = s.Vaddr, Iova = s.Iova, Size = s.Size, Read = flags.HasFlag(VfioMapFlags.Read), Write = flags.HasFlag(VfioMapFlags.Write), Pid = call.Pid }
                : null,
        },
        new StructureCall<VfioUnmapDma, VfioDmaUnmap>("VFIO_IOMMU_UNMAP_DMA")
        {
            In = c => new VfioDmaUnmap { Flags = (uint)(c.All ? VfioUnmapFlags.All : VfioUnmapFlags.None), Iova = c.Iova, Size = c.Size },
            Out = (s, o) => s with { Size = o.UnmappedBytes ?? s.Size },
            WritesBackOnRefusal = true,
            Back = (s, call) => (s.Flags & ~(uint)VfioUnmapFlags.All) == 0 ? new VfioUnmapDma { Context = call.Context, Iova = s.Iova, Size = s.Size, All = s.Flags != 0 } : null,
        },
    ];

    // What of the information fits a structure without room for its capabilities.
    private static VfioIommuInfo HeadOf(VfioInfo info)
    {
        Span<byte> head = stackalloc byte[Marshal.SizeOf<VfioIommuInfo>()];
        head.Clear();
        foreach (VfioStore store in info.Stores((uint)head.Length))
            store.Bytes.CopyTo(head[(int)store.Offset..]);
        return MemoryMarshal.Read<VfioIommuInfo>(head);
    }
}
