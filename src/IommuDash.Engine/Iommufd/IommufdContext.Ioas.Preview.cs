// The IOAS calls as previews: what would be answered, with nothing changed. Each takes the same way through the same checks as the call itself.
using System.Runtime.InteropServices;
using IommuDash.Engine.Iova;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Iommufd;

public sealed partial class IommufdContext
{
    /// <summary>What <see cref="IoasMap"/> would do now.</summary>
    public MapPreview PreviewIoasMap(EmulatedProcess caller, uint ioasId, MapFlags flags, ulong userAddress, ulong length, ulong iova)
    {
        if (ResolveMap(caller, ioasId, flags, userAddress, length, iova, out Ioas ioas, out PagesSlice slice) is { } refusal)
            return new MapPreview(refusal, Meant(flags, iova, length), null, null, 0);
        return ioas.Pagetable.PreviewMap(new ReadOnlySpan<PagesSlice>(in slice), userAddress, flags, iova);
    }

    /// <summary>What <see cref="IoasCopy"/> would do now.</summary>
    public MapPreview PreviewIoasCopy(uint destinationIoasId, uint sourceIoasId, MapFlags flags, ulong sourceIova, ulong length, ulong destinationIova)
    {
        List<PagesSlice> slices = [];
        if (ResolveCopy(destinationIoasId, sourceIoasId, flags, sourceIova, length, destinationIova, out Ioas destination, slices, out ulong sourceAddress) is { } refusal)
            return new MapPreview(refusal, Meant(flags, destinationIova, length), null, null, 0);
        return destination.Pagetable.PreviewMap(CollectionsMarshal.AsSpan(slices), sourceAddress, flags, destinationIova);
    }

    /// <summary>What <see cref="IoasUnmap"/> would do now.</summary>
    public UnmapPreview PreviewIoasUnmap(uint ioasId, ulong iova, ulong length)
    {
        if (ResolveUnmap(ioasId, iova, length, out Ioas ioas, out IovaRange window) is { } refusal)
            return new UnmapPreview(refusal, window, 0, null, null);
        UnmapPreview preview = ioas.Pagetable.PreviewUnmap(window);
        return preview is { Refusal: null, Areas: 0 } && window != IovaRange.Whole ? preview with { Refusal = NothingMapped(window) } : preview;
    }

    /// <summary>The answer <see cref="IoasAllowIovas"/> would give now; null = success.</summary>
    public Refusal? PreviewIoasAllowIovas(uint ioasId, ReadOnlySpan<IovaRange> ranges) =>
        Objects.Get(ioasId, "IOAS", out Ioas ioas) ?? ioas.Pagetable.CheckAllowed(ranges, out _);

    private static IovaRange? Meant(MapFlags flags, ulong iova, ulong length) =>
        flags.HasFlag(MapFlags.FixedIova) && IovaRange.TryOfLength(iova, length, out IovaRange range) ? range : null;
}
