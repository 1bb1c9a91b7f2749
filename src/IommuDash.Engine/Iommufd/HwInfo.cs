namespace IommuDash.Engine.Iommufd;

/// <summary>Bits of out_capabilities of IOMMU_GET_HW_INFO.</summary>
[Flags]
public enum HwCapabilities : ulong
{
    None = 0,
    DirtyTracking = 1,
    PciPasidExec = 2,
    PciPasidPriv = 4,
    PciAtsNotSupported = 8,
}

/// <summary>What IOMMU_GET_HW_INFO tells about a device and its IOMMU.</summary>
/// <param name="Type">Which structure <paramref name="Data"/> is; 0 = none.</param>
/// <param name="Data">The driver's structure, little endian.</param>
/// <param name="MaxPasidLog2">log2 of the number of PASIDs; 0 = none.</param>
public sealed record HwInfo(uint Type, byte[] Data, byte MaxPasidLog2, HwCapabilities Capabilities)
{
    /// <summary>Fills a caller's buffer: as much of the structure as fits, zeroes behind it.</summary>
    public void CopyTo(Span<byte> buffer)
    {
        buffer.Clear();
        Data.AsSpan(0, Math.Min(Data.Length, buffer.Length)).CopyTo(buffer);
    }
}
