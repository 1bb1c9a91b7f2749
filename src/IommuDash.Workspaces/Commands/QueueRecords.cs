// Answers of the commands about queues and virtual IOMMUs; what a read of a queue's file gave, record by record.
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces.Commands;

/// <summary>What the commands of queues, virtual IOMMUs and mock devices give back.</summary>
public sealed record QueueOutputs : CommandOutputs
{
    /// <summary>Id of a new fault queue, or of the queue that took a page request; null = none did.</summary>
    public uint? Fault { get; init; }

    /// <summary>Page faults read.</summary>
    public IReadOnlyList<FaultRecord>? Faults { get; init; }

    /// <summary>How many entries of an array the call completed, also when it was refused.</summary>
    public uint? Done { get; init; }

    /// <summary>Id of a new vIOMMU.</summary>
    public uint? Viommu { get; init; }

    /// <summary>Id of a new virtual device.</summary>
    public uint? Vdevice { get; init; }

    /// <summary>Id of a new event queue.</summary>
    public uint? Veventq { get; init; }

    /// <summary>Events read.</summary>
    public IReadOnlyList<VeventRecord>? Events { get; init; }

    /// <summary>Id of a new hardware queue.</summary>
    public uint? HwQueue { get; init; }

    /// <summary>Id of a new mock device's own object.</summary>
    public uint? Mock { get; init; }
}

/// <summary>A page fault as its reader gets it.</summary>
/// <param name="Device">Id of the device that asked.</param>
/// <param name="Pasid">Null without PASID_VALID.</param>
/// <param name="Perm">READ 1, WRITE 2, EXEC 4, PRIV 8.</param>
/// <param name="Last">LAST_PAGE: the group ends here.</param>
/// <param name="Cookie">What the answer names; the same for all of a group.</param>
public sealed record FaultRecord(uint Device, uint? Pasid, uint Group, uint Perm, ulong Address, bool Last, uint Cookie)
{
    internal static IReadOnlyList<FaultRecord> ReadAll(ReadOnlySpan<byte> bytes)
    {
        var records = new FaultRecord[bytes.Length / PageFault.RecordBytes];
        for (int i = 0; i < records.Length; i++)
        {
            PageFault fault = PageFault.ReadRecord(bytes[(i * PageFault.RecordBytes)..], out uint device, out uint cookie);
            records[i] = new FaultRecord(device, fault.Flags.HasFlag(PageFaultFlags.PasidValid) ? fault.Pasid : null, fault.GroupId, fault.Perm, fault.Address, fault.Flags.HasFlag(PageFaultFlags.LastPage), cookie);
        }
        return records;
    }
}

/// <summary>An event as its reader gets it.</summary>
/// <param name="Lost">A header alone: events up to this number were lost.</param>
/// <param name="Hex">The driver's record, two hex digits a byte.</param>
public sealed record VeventRecord(uint Sequence, bool Lost, string Hex);
