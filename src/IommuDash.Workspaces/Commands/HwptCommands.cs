// Making hw_pagetables, nested ones too, and invalidating what hardware caches of a guest's.
using System.Text.Json.Serialization;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces.Commands;

/// <summary>IOMMU_HWPT_ALLOC: a manual hw_pagetable for an IOAS, or a nested one on a hw_pagetable or a vIOMMU.</summary>
public sealed record HwptAlloc : ContextCommand
{
    /// <summary>The device whose unit must be able to walk it.</summary>
    public required uint Device { get; init; }

    /// <summary>Id of the IOAS it shows, or of the hw_pagetable or vIOMMU it is nested on.</summary>
    public required uint Pt { get; init; }

    public bool NestParent { get; init; }

    public bool DirtyTracking { get; init; }

    public bool Pasid { get; init; }

    /// <summary>Id of the fault queue its page faults go to; null = none.</summary>
    public uint? Fault { get; init; }

    /// <summary>Type of the driver's data; 0 = none.</summary>
    public uint DataType { get; init; }

    /// <summary>The driver's data; in JSON two hex digits a byte.</summary>
    [JsonPropertyName("hex")]
    [JsonConverter(typeof(HexBytesConverter))]
    public ReadOnlyMemory<byte> Data { get; init; }

    public override int CostBytes => FixedCostBytes + Data.Length;

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context)
    {
        HwptFlags flags = (NestParent ? HwptFlags.NestParent : 0) | (DirtyTracking ? HwptFlags.DirtyTracking : 0) | (Pasid ? HwptFlags.Pasid : 0) | (Fault is null ? 0 : HwptFlags.FaultIdValid);
        return context.HwptAlloc(Device, Pt, flags, Fault ?? 0, GuestData.Of(DataType, Data.Span), out uint hwpt) is { } refusal ? refusal : new CommandOutputs { Hwpt = hwpt };
    }

    public override Refusal? Check() => CommandBytes.Check("hex", Data);
}

/// <summary>IOMMU_HWPT_INVALIDATE of a nested hw_pagetable or a vIOMMU. Entries done before a refused one stay done, and are told.</summary>
public sealed record HwptInvalidate : ContextCommand
{
    /// <summary>The nested hw_pagetable or vIOMMU.</summary>
    public required uint Id { get; init; }

    public required uint DataType { get; init; }

    public required uint EntryBytes { get; init; }

    /// <summary>The entries, one behind the other; in JSON two hex digits a byte.</summary>
    [JsonPropertyName("hex")]
    [JsonConverter(typeof(HexBytesConverter))]
    public ReadOnlyMemory<byte> Entries { get; init; }

    public override int CostBytes => FixedCostBytes + Entries.Length;

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) =>
        new(context.HwptInvalidate(Id, GuestArray.Of(DataType, EntryBytes, Entries.Span), out uint done), new QueueOutputs { Done = done });

    public override Refusal? Check() => CommandBytes.Check("hex", Entries);
}
