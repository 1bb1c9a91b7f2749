// The one table from request number to handler, with the length of each structure and of its first version.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IommuDash.Abi.Layout;

namespace IommuDash.Abi;

/// <summary>An ioctl as a reader of a trace knows it.</summary>
/// <param name="Number">Whole request number.</param>
/// <param name="Name">Name without its prefix, e.g. <c>IOAS_MAP</c>.</param>
/// <param name="Structure">The structure its argument points to; null where it points to none.</param>
/// <param name="MinBytes">Length of the first version.</param>
public sealed record IoctlInfo(uint Number, string Name, Type? Structure, int KnownBytes, int MinBytes)
{
    internal IoctlHandler? Handler { get; init; }
}

public static class IoctlTable
{
    /// <summary>Type byte of every request, above the number proper.</summary>
    public const uint Type = 0x3b00;

    internal const uint NativeFirst = Type + 0x80;

    private static readonly IoctlInfo?[] s_native = Build(
        Native<IommuDestroy>(0x80, "DESTROY", ObjectCalls.Destroy),
        Native<IommuIoasAlloc>(0x81, "IOAS_ALLOC", IoasCalls.Alloc),
        Native<IommuIoasAllowIovas>(0x82, "IOAS_ALLOW_IOVAS", IoasCalls.AllowIovas),
        Native<IommuIoasCopy>(0x83, "IOAS_COPY", IoasCalls.Copy),
        Native<IommuIoasIovaRanges>(0x84, "IOAS_IOVA_RANGES", IoasCalls.IovaRanges),
        Native<IommuIoasMap>(0x85, "IOAS_MAP", IoasCalls.Map),
        Native<IommuIoasUnmap>(0x86, "IOAS_UNMAP", IoasCalls.Unmap),
        Native<IommuOption>(0x87, "OPTION", ObjectCalls.Option),
        Native<IommuVfioIoas>(0x88, "VFIO_IOAS", VfioCalls.Ioas),
        Native<IommuHwptAlloc>(0x89, "HWPT_ALLOC", HwptCalls.Alloc, min: 24),
        Native<IommuHwInfo>(0x8a, "GET_HW_INFO", HwptCalls.HwInfo, min: 32),
        Native<IommuHwptSetDirtyTracking>(0x8b, "HWPT_SET_DIRTY_TRACKING", HwptCalls.SetDirtyTracking),
        Native<IommuHwptGetDirtyBitmap>(0x8c, "HWPT_GET_DIRTY_BITMAP", HwptCalls.GetDirtyBitmap),
        Native<IommuHwptInvalidate>(0x8d, "HWPT_INVALIDATE", HwptCalls.Invalidate),
        Native<IommuFaultAlloc>(0x8e, "FAULT_QUEUE_ALLOC", HwptCalls.FaultQueueAlloc),
        Native<IommuIoasMapFile>(0x8f, "IOAS_MAP_FILE", FileCalls.MapFile),
        Native<IommuViommuAlloc>(0x90, "VIOMMU_ALLOC", ViommuCalls.Alloc, min: 24),
        Native<IommuVdeviceAlloc>(0x91, "VDEVICE_ALLOC", ViommuCalls.VdeviceAlloc),
        Native<IommuIoasChangeProcess>(0x92, "IOAS_CHANGE_PROCESS", FileCalls.ChangeProcess),
        Native<IommuVeventqAlloc>(0x93, "VEVENTQ_ALLOC", ViommuCalls.VeventqAlloc, min: 28),
        Native<IommuHwQueueAlloc>(0x94, "HW_QUEUE_ALLOC", ViommuCalls.HwQueueAlloc),
        Native<IommuTest>(0xa0, "TEST", TestCalls.Test, min: 68));

    private static readonly IoctlInfo[] s_vfio =
    [
        Vfio(VfioRequest.GetApiVersion, "VFIO_GET_API_VERSION", null),
        Vfio(VfioRequest.CheckExtension, "VFIO_CHECK_EXTENSION", null),
        Vfio(VfioRequest.SetIommu, "VFIO_SET_IOMMU", null),
        Vfio(VfioRequest.GetInfo, "VFIO_IOMMU_GET_INFO", typeof(VfioIommuInfo)),
        Vfio(VfioRequest.MapDma, "VFIO_IOMMU_MAP_DMA", typeof(VfioDmaMap)),
        Vfio(VfioRequest.UnmapDma, "VFIO_IOMMU_UNMAP_DMA", typeof(VfioDmaUnmap)),
    ];

    /// <summary>Every native ioctl by ascending number.</summary>
    public static IReadOnlyList<IoctlInfo> AllNative { get; } = [.. s_native.OfType<IoctlInfo>()];

    /// <summary>Every ioctl of the VFIO container that is answered.</summary>
    public static IReadOnlyList<IoctlInfo> AllVfio => s_vfio;

    /// <summary>The ioctl with this request number, native or of the VFIO container; null if there is none at any level.</summary>
    public static IoctlInfo? Find(uint request) => FindNative(request) ?? Array.Find(s_vfio, call => call.Number == request);

    /// <summary>The ioctl with this name, e.g. <c>IOAS_MAP</c>.</summary>
    public static IoctlInfo? FindByName(string name) => AllNative.Concat(s_vfio).FirstOrDefault(call => call.Name == name);

    internal static IoctlInfo? FindNative(uint request) => request - NativeFirst < (uint)s_native.Length ? s_native[request - NativeFirst] : null;

    private static IoctlInfo Native<T>(uint number, string name, IoctlHandler handler, int min = 0) where T : unmanaged =>
        new(Type + number, name, typeof(T), Unsafe.SizeOf<T>(), min == 0 ? Unsafe.SizeOf<T>() : min) { Handler = handler };

    private static IoctlInfo Vfio(VfioRequest request, string name, Type? structure)
    {
        int bytes = structure is null ? 0 : Marshal.SizeOf(structure);
        return new((uint)request, name, structure, bytes, bytes);
    }

    private static IoctlInfo?[] Build(params ReadOnlySpan<IoctlInfo> calls)
    {
        var slots = new IoctlInfo?[0xa1 - 0x80];
        foreach (IoctlInfo call in calls)
            slots[call.Number - NativeFirst] = call;
        return slots;
    }
}
