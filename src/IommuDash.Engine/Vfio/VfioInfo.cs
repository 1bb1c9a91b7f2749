// The answer of VFIO_IOMMU_GET_INFO: a fixed head, then a chain of capabilities. How much of it reaches the caller depends on the argsz he gave, piece by piece, so it is laid out as a list of stores.
using System.Buffers.Binary;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iova;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Vfio;

/// <summary>Bytes to store in the caller's buffer.</summary>
/// <param name="Offset">From the start of the structure.</param>
public readonly record struct VfioStore(uint Offset, byte[] Bytes);

/// <summary>What a container tells of its IOMMU.</summary>
/// <param name="PageSizes">Bitmap of page sizes a map can use; sizes below the CPU's page count as that.</param>
/// <param name="UsableRanges">IOVA ranges that may be mapped.</param>
public sealed record VfioInfo(ulong PageSizes, IReadOnlyList<IovaRange> UsableRanges)
{
    /// <summary>What is read of the caller's structure, and the least argsz: up to and with iova_pgsizes.</summary>
    public const uint MinArgumentBytes = 16;

    private const uint HeadBytes = 24;
    private const uint FlagPageSizes = 1;
    private const uint FlagCapabilities = 2;
    private const ushort CapabilityIovaRange = 1;
    private const ushort CapabilityDmaAvail = 3;
    private const uint DmaAvailBytes = 12;
    private const uint DmaAvailSlotBytes = 16;
    private const uint IovaHeadBytes = 16;
    private const uint RangeBytes = 16;
    private const uint IovaOffset = HeadBytes + DmaAvailSlotBytes;

    /// <summary>Size of the structure with every capability: what argsz comes back as.</summary>
    public uint TotalBytes => IovaOffset + IovaHeadBytes + ((uint)UsableRanges.Count * RangeBytes);

    internal static VfioInfo Of(IoPagetable table)
    {
        ulong sizes = ulong.MaxValue;
        foreach (IommuDomain domain in table.Domains)
            sizes &= domain.PageSizeBitmap;
        if ((sizes & (PhysicalMemory.FrameBytes - 1)) != 0)
            sizes = (sizes & ~(PhysicalMemory.FrameBytes - 1UL)) | PhysicalMemory.FrameBytes;
        return new VfioInfo(Math.Max(sizes, table.IovaAlignment), [.. table.UsableRanges()]);
    }

    /// <summary>
    /// The stores a call with this argsz makes, in order; none reaches argsz or beyond. The chain can be followed only if argsz covers all of it, else cap_offset is 0, though parts of it are stored wherever they fit.
    /// </summary>
    /// <param name="argumentBytes">The caller's argsz, at least <see cref="MinArgumentBytes"/>.</param>
    public IReadOnlyList<VfioStore> Stores(uint argumentBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(argumentBytes, MinArgumentBytes);
        var stores = new List<VfioStore>();
        if (argumentBytes >= HeadBytes + DmaAvailBytes)
            stores.Add(new VfioStore(HeadBytes, DmaAvail()));
        uint end = IovaOffset + IovaHeadBytes;
        foreach (IovaRange range in UsableRanges)
        {
            if (argumentBytes >= end + RangeBytes)
                stores.Add(new VfioStore(end, Range(range)));
            end += RangeBytes;
        }
        if (argumentBytes >= end)
            stores.Add(new VfioStore(IovaOffset, IovaHead()));
        if (argumentBytes >= IovaOffset)
            stores.Add(new VfioStore(HeadBytes + 4, Word(IovaOffset)));
        stores.Add(new VfioStore(0, Head(argumentBytes)));
        return stores;
    }

    private byte[] Head(uint argumentBytes)
    {
        var bytes = new byte[HeadBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, TotalBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), FlagPageSizes | FlagCapabilities);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), PageSizes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(16), argumentBytes >= TotalBytes ? HeadBytes : 0);
        return bytes[..(int)Math.Min(argumentBytes, HeadBytes)];
    }

    private static byte[] DmaAvail()
    {
        var bytes = new byte[DmaAvailBytes];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, CapabilityDmaAvail);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2), 1);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), uint.MaxValue);
        return bytes;
    }

    private byte[] IovaHead()
    {
        var bytes = new byte[IovaHeadBytes];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, CapabilityIovaRange);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2), 1);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), (uint)UsableRanges.Count);
        return bytes;
    }

    private static byte[] Range(IovaRange range)
    {
        var bytes = new byte[RangeBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, range.Start);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), range.Last);
        return bytes;
    }

    private static byte[] Word(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }
}
