// The way into a queue and out of it: devices, what they send through, the queue, its reader. One shape for both kinds of queue; the picture draws it and the table lists it.
using IommuDash.Web.Model;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Components.Queues;

/// <summary>A box of the picture.</summary>
/// <param name="Key">What choosing it selects; null = nothing to select.</param>
public sealed record FlowBox(string Label, string Detail, SelectionKey? Key);

/// <param name="Count">What waits because of it.</param>
public sealed record FlowDevice(FlowBox Box, int Count);

/// <summary>What devices send through.</summary>
/// <param name="Count">What waits that came through it.</param>
/// <param name="MoreDevices">Devices not listed.</param>
public sealed record FlowLane(FlowBox Box, int Count, IReadOnlyList<FlowDevice> Devices, int MoreDevices);

/// <param name="Unit">What is counted: groups or events.</param>
/// <param name="IsAnswered">What is read is answered.</param>
/// <param name="ToRead">Not read yet.</param>
/// <param name="ToAnswer">Read and unanswered.</param>
public sealed record QueueFlow(string Unit, bool IsAnswered, IReadOnlyList<FlowLane> Lanes, int MoreLanes, FlowBox Queue, FlowBox Reader, int ToRead, int ToAnswer)
{
    public static QueueFlow Of(QueueRow queue, FaultQueueSnapshot faults) => new(
        "groups",
        true,
        [.. faults.Sources.Select(source => new FlowLane(Box(source.Hwpt, "faults go to the queue"), source.Pending,
            [.. source.Devices.Select(device => new FlowDevice(Box(device.Name, device.Gathering == 0 ? "" : $"{SizeFormat.Count(device.Gathering)} gathering"), device.Pending))], source.TotalDevices - source.Devices.Count))],
        queue.TotalBelongs - faults.Sources.Count,
        new FlowBox(QueueText.Name(queue), $"{SizeFormat.Count(queue.Pending)} of {SizeFormat.Count(queue.Depth)} groups", Key(queue)),
        ReaderOf(queue),
        queue.Waiting,
        queue.Unanswered);

    public static QueueFlow Of(QueueRow queue, VeventqSnapshot events) => new(
        "events",
        false,
        [.. events.Sources.Select(source => new FlowLane(
            Box(source.Vdevice, $"0x{source.VirtualId:x} in the guest"),
            events.Events.Count(item => item.VirtualId == source.VirtualId),
            [new FlowDevice(Box(source.Device, source.CanRaise ? "" : "not attached"), events.Events.Count(item => item.VirtualId == source.VirtualId))],
            0))],
        events.TotalSources - events.Sources.Count,
        new FlowBox(QueueText.Name(queue), $"{SizeFormat.Count(queue.Waiting)} of {SizeFormat.Count(queue.Depth)} events", Key(queue)),
        ReaderOf(queue),
        queue.Waiting,
        0);

    private static FlowBox ReaderOf(QueueRow queue) => new("reader", queue.IsOpen ? "file open" : "file closed", null);

    private static SelectionKey Key(QueueRow queue) => new("object", $"{queue.Id}");

    // A device's title is "device 2 · address".
    private static FlowBox Box(ObjectName name, string detail)
    {
        string[] parts = name.Title.Split(" · ");
        return new FlowBox(parts[0], string.Join(" · ", parts.Skip(1).Append(detail).Where(text => text.Length != 0)), new SelectionKey(name.Kind, name.Id));
    }
}
