// One queue of a virtual IOMMU's events, in order of their sequence numbers. Where numbers are missing events were lost; the view says how many and where.
using System.Buffers.Binary;
using System.Text.Json.Serialization;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Selftest;

namespace IommuDash.Workspaces.Views;

/// <param name="First">Index of the first event, from 0.</param>
public sealed record VeventqQuery(int Context, uint Id, int First = 0);

/// <summary>An event that waits.</summary>
/// <param name="LostBefore">Events lost between it and the one before, or the last one read.</param>
/// <param name="VirtualId">What the guest calls the device, if the record's type is known here.</param>
/// <param name="Device">That device; null if the guest has none of the id (any more).</param>
/// <param name="Hex">The record, two hex digits a byte; the first <see cref="VeventqView.MaxRecordBytes"/> bytes.</param>
public sealed record VeventItem(uint Sequence, uint LostBefore, uint? VirtualId, ObjectName? Device, string Hex) : IViewItem
{
    public string Key => $"{Sequence}";
}

/// <summary>A device as the guest knows it.</summary>
/// <param name="CanRaise">It is attached through the vIOMMU, so that the mock can have it report an event.</param>
public sealed record VeventSource(ObjectName Vdevice, ulong VirtualId, ObjectName Device, uint DeviceId, bool CanRaise);

/// <param name="Queue">Null: there is no such queue.</param>
/// <param name="EventType">The driver's number.</param>
/// <param name="Sources">The first <see cref="QueuesView.MaxBelongs"/>.</param>
/// <param name="LastRead">Sequence number the reader has seen last; null before the first.</param>
/// <param name="NextSequence">What the next report is numbered.</param>
/// <param name="LostSequence">The record of loss behind the events: up to this number they are lost. Null = there is none.</param>
/// <param name="LostAtEnd">How many events that record stands for.</param>
/// <param name="TotalEvents">Events that wait.</param>
public sealed record VeventqSnapshot(
    QueueRow? Queue,
    uint EventType,
    IReadOnlyList<VeventSource> Sources,
    int TotalSources,
    uint? LastRead,
    uint NextSequence,
    uint? LostSequence,
    uint LostAtEnd,
    [property: JsonPropertyName("items")] IReadOnlyList<VeventItem> Events,
    int First,
    int TotalEvents) : IItemSnapshot
{
    IReadOnlyList<IViewItem> IItemSnapshot.Items => Events;
}

public sealed class VeventqView : IView<VeventqQuery, VeventqSnapshot>
{
    /// <summary>Events in one snapshot.</summary>
    public const int MaxEvents = 100;

    public const int MaxRecordBytes = 64;

    private const uint SequenceMask = int.MaxValue;

    public static string Name => "queues.events";

    public static VeventqSnapshot Project(EmulatedHost host, VeventqQuery query)
    {
        if (QueuesView.Find<Veventq>(host, query.Context, query.Id) is not { } queue)
            return new VeventqSnapshot(null, 0, [], 0, null, 0, null, 0, [], 0, 0);
        int first = Math.Clamp(query.First, 0, Math.Max(queue.Events.Count - 1, 0));
        var items = new List<VeventItem>();
        uint expected = After(queue.LastRead);
        int index = 0;
        foreach (Vevent each in queue.Events)
        {
            if (index >= first && items.Count < MaxEvents)
                items.Add(Describe(queue, each, (each.Sequence - expected) & SequenceMask));
            expected = After(each.Sequence);
            index++;
        }
        return new VeventqSnapshot(
            QueuesView.Describe(queue),
            queue.EventType,
            [.. queue.Viommu.Vdevices.Values.Take(QueuesView.MaxBelongs).Select(Describe)],
            queue.Viommu.Vdevices.Count,
            queue.LastRead,
            queue.NextSequence,
            queue.LostSequence,
            queue.LostSequence is { } lost ? (After(lost) - expected) & SequenceMask : 0,
            items,
            first,
            queue.Events.Count);
    }

    private static uint After(uint? sequence) => sequence is { } number ? (number + 1) & SequenceMask : 0;

    private static VeventItem Describe(Veventq queue, Vevent each, uint lostBefore)
    {
        uint? virtualId = queue.EventType == MockConstants.VeventqType ? BinaryPrimitives.ReadUInt32LittleEndian(each.Data) : null;
        ObjectName? device = virtualId is { } id && queue.Viommu.Vdevices.TryGetValue(id, out Vdevice? vdevice) ? ObjectFactsView.NameOf(vdevice.Device) : null;
        return new VeventItem(each.Sequence, lostBefore, virtualId, device, Convert.ToHexStringLower(each.Data.AsSpan(0, Math.Min(each.Data.Length, MaxRecordBytes))));
    }

    private static VeventSource Describe(Vdevice vdevice) => new(
        ObjectFactsView.NameOf(vdevice),
        vdevice.VirtualId,
        ObjectFactsView.NameOf(vdevice.Device),
        vdevice.Device.Id,
        vdevice.Device.AttachedTo(0) is HwptNested nested && nested.Viommu == vdevice.Viommu);
}
