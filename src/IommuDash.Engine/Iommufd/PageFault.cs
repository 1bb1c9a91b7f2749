using System.Buffers.Binary;

namespace IommuDash.Engine.Iommufd;

/// <summary>Flags of a page fault record.</summary>
[Flags]
public enum PageFaultFlags : uint
{
    None = 0,
    PasidValid = 1,
    LastPage = 2,
}

/// <summary>A page a device asks for (struct iommu_hwpt_pgfault).</summary>
/// <param name="Pasid">Valid only with <see cref="PageFaultFlags.PasidValid"/>.</param>
/// <param name="GroupId">Faults of one group are answered together.</param>
/// <param name="Perm">Access wanted: READ 1, WRITE 2, EXEC 4, PRIV 8.</param>
/// <param name="Address">IOVA that missed.</param>
public readonly record struct PageFault(PageFaultFlags Flags, uint Pasid, uint GroupId, uint Perm, ulong Address)
{
    /// <summary>Bytes of a record as a reader gets it.</summary>
    public const int RecordBytes = 40;

    /// <summary>The PASID that counts: 0 without the flag.</summary>
    public uint EffectivePasid => Flags.HasFlag(PageFaultFlags.PasidValid) ? Pasid : 0;

    /// <summary>A record as a reader gets it, back as a fault.</summary>
    /// <param name="record">At least <see cref="RecordBytes"/>.</param>
    public static PageFault ReadRecord(ReadOnlySpan<byte> record, out uint deviceId, out uint cookie)
    {
        deviceId = BinaryPrimitives.ReadUInt32LittleEndian(record[4..]);
        cookie = BinaryPrimitives.ReadUInt32LittleEndian(record[36..]);
        return new PageFault((PageFaultFlags)BinaryPrimitives.ReadUInt32LittleEndian(record), BinaryPrimitives.ReadUInt32LittleEndian(record[8..]), BinaryPrimitives.ReadUInt32LittleEndian(record[12..]),
            BinaryPrimitives.ReadUInt32LittleEndian(record[16..]), BinaryPrimitives.ReadUInt64LittleEndian(record[24..]));
    }

    internal void WriteRecord(Span<byte> record, uint deviceId, uint cookie)
    {
        record.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)Flags);
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], deviceId);
        BinaryPrimitives.WriteUInt32LittleEndian(record[8..], Pasid);
        BinaryPrimitives.WriteUInt32LittleEndian(record[12..], GroupId);
        BinaryPrimitives.WriteUInt32LittleEndian(record[16..], Perm);
        BinaryPrimitives.WriteUInt64LittleEndian(record[24..], Address);
        BinaryPrimitives.WriteUInt32LittleEndian(record[36..], cookie);
    }
}

/// <summary>How a group of faults is answered.</summary>
public enum PageResponse : uint
{
    Success = 0,
    Invalid = 1,
}

/// <summary>Faults that wait for one answer, in order of arrival.</summary>
/// <param name="device">The device that asked.</param>
/// <param name="hwpt">The hw_pagetable they were delivered for.</param>
/// <param name="faults">At least one; the last one has LAST_PAGE.</param>
/// <param name="since"><see cref="Hardware.EmulatedHost.Moment"/> of its arrival.</param>
public sealed class FaultGroup(Device device, Hwpt hwpt, IReadOnlyList<PageFault> faults, long since)
{
    public Device Device { get; } = device;

    public Hwpt Hwpt { get; } = hwpt;

    public IReadOnlyList<PageFault> Faults { get; } = faults;

    public uint GroupId => Faults[^1].GroupId;

    public long Since { get; } = since;

    /// <summary>Its number among the groups its queue has taken, from 1.</summary>
    public ulong Number { get; internal set; }
}
