// Virtual IOMMUs, what belongs to them, and reading their events.
using System.Text.Json.Serialization;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces.Commands;

/// <summary>IOMMU_VIOMMU_ALLOC.</summary>
public sealed record ViommuAlloc : ContextCommand
{
    public required uint Device { get; init; }

    /// <summary>The nesting parent.</summary>
    public required uint Hwpt { get; init; }

    /// <summary>The driver's type; the mock's is 0xdeadbeef.</summary>
    public required uint Type { get; init; }

    /// <summary>The driver's data, which it updates; in JSON two hex digits a byte.</summary>
    [JsonPropertyName("hex")]
    [JsonConverter(typeof(HexBytesConverter))]
    public ReadOnlyMemory<byte> Data { get; init; }

    public override int CostBytes => FixedCostBytes + Data.Length;

    private protected override KernelCall Call => KernelCall.ViommuAlloc;

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context)
    {
        byte[] data = Data.ToArray();
        return context.ViommuAlloc(0, Type, Device, Hwpt, (uint)data.Length, data, out uint viommu) is { } refusal
            ? refusal
            : new QueueOutputs { Viommu = viommu, Hex = data.Length == 0 ? null : Convert.ToHexStringLower(data) };
    }

    public override Refusal? Check() => CommandBytes.Check("hex", Data);
}

/// <summary>IOMMU_VDEVICE_ALLOC.</summary>
public sealed record VdeviceAlloc : ContextCommand
{
    public required uint Viommu { get; init; }

    public required uint Device { get; init; }

    /// <summary>What the guest calls it.</summary>
    public required ulong VirtualId { get; init; }

    private protected override KernelCall Call => KernelCall.VdeviceAlloc;

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) =>
        context.VdeviceAlloc(Viommu, Device, VirtualId, out uint vdevice) is { } refusal ? refusal : new QueueOutputs { Vdevice = vdevice };
}

/// <summary>IOMMU_HW_QUEUE_ALLOC.</summary>
public sealed record HwQueueAlloc : ContextCommand
{
    public required uint Viommu { get; init; }

    /// <summary>The driver's type; the mock's is 0xdeadbeef.</summary>
    public required uint Type { get; init; }

    public uint Index { get; init; }

    /// <summary>IOVA of the nesting parent.</summary>
    public required ulong Iova { get; init; }

    public required ulong Length { get; init; }

    private protected override KernelCall Call => KernelCall.HwQueueAlloc;

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) =>
        context.HwQueueAlloc(0, Viommu, Type, Index, Iova, Length, out uint queue) is { } refusal ? refusal : new QueueOutputs { HwQueue = queue };
}

/// <summary>IOMMU_VEVENTQ_ALLOC; its file is open from then on.</summary>
public sealed record VeventqAlloc : ContextCommand
{
    public required uint Viommu { get; init; }

    /// <summary>The driver's type of events; the mock's is 0xbeefbeef.</summary>
    public required uint Type { get; init; }

    /// <summary>Most events that wait; more are lost.</summary>
    public required uint Depth { get; init; }

    private protected override KernelCall Call => KernelCall.VeventqAlloc;

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) =>
        context.VeventqAlloc(0, Viommu, Type, Depth, out Veventq? queue) is { } refusal ? refusal : new QueueOutputs { Veventq = queue!.Id };
}

/// <summary>read() of an event queue's file: whole events, a header before each.</summary>
public sealed record VeventqRead : EventFileCommand<Veventq>
{
    /// <summary>Id of the queue.</summary>
    public required uint Veventq { get; init; }

    /// <summary>Bytes to read; null = as many as one command may have.</summary>
    public int? Count { get; init; }

    public override bool OnlyReleases => true;

    private protected override uint Id => Veventq;

    private protected override CommandResult Apply(Veventq file)
    {
        var buffer = new byte[Count ?? CommandBytes.Max];
        Vevent[] waiting = [.. file.Events.Take(buffer.Length / Engine.Iommufd.Veventq.HeaderBytes)];
        (int before, uint? lost) = (file.Events.Count, file.LostSequence);
        if (file.Read(0, (ulong)buffer.Length, buffer, out int bytes) is { } refusal)
            return refusal;
        List<VeventRecord> read = [.. waiting.Take(before - file.Events.Count).Select(e => new VeventRecord(e.Sequence, false, Convert.ToHexStringLower(e.Data)))];
        if (lost is { } sequence && file.LostSequence is null)
            read.Add(new VeventRecord(sequence, true, ""));
        return new QueueOutputs { Events = read, Hex = Convert.ToHexStringLower(buffer.AsSpan(0, bytes)) };
    }

    public override Refusal? Check() => CommandBytes.CheckCount(Count);
}

/// <summary>Closes an event queue's file; events that wait stay until the queue is destroyed.</summary>
public sealed record VeventqClose : EventFileCommand<Veventq>
{
    /// <summary>Id of the queue.</summary>
    public required uint Veventq { get; init; }

    public override bool OnlyReleases => true;

    private protected override uint Id => Veventq;

    private protected override CommandResult Apply(Veventq file)
    {
        file.Close();
        return new(null);
    }
}
