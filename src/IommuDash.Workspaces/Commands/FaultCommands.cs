// Page faults from the device's side (a page request) and from the hypervisor's: a queue, reading it, answering.
using System.Buffers.Binary;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces.Commands;

/// <summary>IOMMU_FAULT_QUEUE_ALLOC; its file is open from then on.</summary>
public sealed record FaultAlloc : ContextCommand
{
    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) =>
        context.FaultQueueAlloc(0, out FaultQueue? queue) is { } refusal ? refusal : new QueueOutputs { Fault = queue!.Id };
}

/// <summary>read() of a fault queue's file: whole groups, which get a cookie and wait for their answer from then on.</summary>
public sealed record FaultRead : EventFileCommand<FaultQueue>
{
    internal const int MostBytes = CommandBytes.Max / PageFault.RecordBytes * PageFault.RecordBytes;

    /// <summary>Id of the queue.</summary>
    public required uint Fault { get; init; }

    /// <summary>Bytes to read, a multiple of <see cref="PageFault.RecordBytes"/>; null = as many records as one command may have.</summary>
    public int? Count { get; init; }

    public override bool OnlyReleases => true;

    private protected override uint Id => Fault;

    private protected override CommandResult Apply(FaultQueue file)
    {
        int count = Count ?? MostBytes;
        var buffer = new byte[count];
        if (file.Read(0, (ulong)count, buffer, out int bytes) is { } refusal)
            return refusal;
        return new QueueOutputs { Faults = FaultRecord.ReadAll(buffer.AsSpan(0, bytes)), Hex = Convert.ToHexStringLower(buffer.AsSpan(0, bytes)) };
    }

    public override Refusal? Check() => CommandBytes.CheckCount(Count);
}

/// <summary>The answer to one group of faults (struct iommu_hwpt_page_response).</summary>
/// <param name="Cookie">As the read gave it.</param>
public sealed record FaultResponse(uint Cookie, PageResponse Code);

/// <summary>write() to a fault queue's file. Responses before one that cannot be taken count, and how many is told; the call is refused only if that is none.</summary>
public sealed record FaultAnswer : EventFileCommand<FaultQueue>
{
    /// <summary>Responses in one command.</summary>
    public const int MaxResponses = 4_096;

    /// <summary>Id of the queue.</summary>
    public required uint Fault { get; init; }

    public required IReadOnlyList<FaultResponse> Responses { get; init; }

    public override int CostBytes => FixedCostBytes + (32 * Responses.Count);

    public override bool OnlyReleases => true;

    private protected override uint Id => Fault;

    private protected override CommandResult Apply(FaultQueue file)
    {
        byte[] bytes = ToBytes();
        Refusal? refusal = file.Write(0, (ulong)bytes.Length, bytes, out int consumed);
        return new(refusal, new QueueOutputs { Done = (uint)(consumed / FaultQueue.ResponseBytes) });
    }

    /// <summary>What a program would write.</summary>
    internal byte[] ToBytes()
    {
        var bytes = new byte[Responses.Count * FaultQueue.ResponseBytes];
        for (int i = 0; i < Responses.Count; i++)
        {
            Span<byte> response = bytes.AsSpan(i * FaultQueue.ResponseBytes);
            BinaryPrimitives.WriteUInt32LittleEndian(response, Responses[i].Cookie);
            BinaryPrimitives.WriteUInt32LittleEndian(response[4..], (uint)Responses[i].Code);
        }
        return bytes;
    }

    public override Refusal? Check() =>
        Responses.Count <= MaxResponses ? null : new Refusal(Errno.E2BIG, "command.size", $"{Responses.Count} responses; one command may have {MaxResponses}.");
}

/// <summary>Closes a fault queue's file. Nothing is answered by it; groups that wait go on waiting until their device is detached or the queue destroyed.</summary>
public sealed record FaultClose : EventFileCommand<FaultQueue>
{
    /// <summary>Id of the queue.</summary>
    public required uint Fault { get; init; }

    public override bool OnlyReleases => true;

    private protected override uint Id => Fault;

    private protected override CommandResult Apply(FaultQueue file)
    {
        file.Close();
        return new(null);
    }
}

/// <summary>A device asks for a page it could not reach (PCI PRI; on the mock what TRIGGER_IOPF does). Faults of a group gather until one is the last.</summary>
public sealed record DevicePageRequest : ContextCommand
{
    public required uint Device { get; init; }

    /// <summary>0 = without a PASID.</summary>
    public uint Pasid { get; init; }

    /// <summary>Number of the group that one answer is for.</summary>
    public uint Group { get; init; }

    /// <summary>READ 1, WRITE 2, EXEC 4, PRIV 8.</summary>
    public uint Perm { get; init; } = 1;

    public required ulong Address { get; init; }

    /// <summary>Completes the group.</summary>
    public bool Last { get; init; } = true;

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context)
    {
        if (context.Objects.Find<Device>(Device) is not { } device)
            return new Refusal(Errno.ENOENT, "object.lookup", $"There is no device {Device}.");
        PageFaultFlags flags = (Pasid != 0 ? PageFaultFlags.PasidValid : 0) | (Last ? PageFaultFlags.LastPage : 0);
        FaultQueue? queue = context.ReportFault(device, new PageFault(flags, Pasid, Group, Perm, Address));
        return new QueueOutputs { Fault = queue?.Id };
    }
}
