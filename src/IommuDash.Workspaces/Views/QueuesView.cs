// The queues that a hypervisor reads: page faults that wait for an answer, and events of virtual IOMMUs. Numbers only; each queue has a view of its own for what is in it.
using System.Text.Json.Serialization;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces.Views;

/// <param name="Context">Only the queues of this context; null = of all, closed ones too whose queues are still open.</param>
/// <param name="First">Index of the first queue, from 0.</param>
/// <param name="Count">Queues at most; see <see cref="QueuesView.MaxQueues"/>.</param>
public sealed record QueuesQuery(int? Context = null, int First = 0, int Count = QueuesView.MaxQueues);

/// <summary>What is read from a queue.</summary>
public enum QueueKind
{
    /// <summary>Groups of page faults.</summary>
    Fault,

    /// <summary>Events of a virtual IOMMU.</summary>
    Vevent,
}

/// <param name="Belongs">A fault queue's hw_pagetables, an event queue's vIOMMU; the first <see cref="QueuesView.MaxBelongs"/>.</param>
/// <param name="TotalBelongs">How many there are.</param>
/// <param name="Depth">Groups or events it has room for.</param>
/// <param name="Waiting">Not read yet; for an event queue the record of loss is not counted.</param>
/// <param name="Unanswered">Read and not answered; always 0 for events, which nobody answers.</param>
/// <param name="Delivered">Read so far.</param>
/// <param name="Lost">Events lost so far; groups answered INVALID for want of room.</param>
/// <param name="IsOpen">Its file is open: somebody can read.</param>
public sealed record QueueRow(int Context, uint Id, QueueKind Kind, IReadOnlyList<ObjectName> Belongs, int TotalBelongs, long Depth, int Waiting, int Unanswered, ulong Delivered, ulong Lost, bool IsOpen) : IViewItem
{
    public string Key => $"{Context}/{Id}";

    /// <summary>What fills the queue.</summary>
    public int Pending => Waiting + Unanswered;
}

/// <param name="Contexts">All open contexts of the host.</param>
/// <param name="Total">Queues that match.</param>
/// <param name="PendingGroups">Groups of faults in all of them that nobody has answered.</param>
public sealed record QueuesSnapshot(IReadOnlyList<ContextSummary> Contexts, [property: JsonPropertyName("items")] IReadOnlyList<QueueRow> Queues, int First, int Total, long PendingGroups) : IItemSnapshot
{
    IReadOnlyList<IViewItem> IItemSnapshot.Items => Queues;
}

public sealed class QueuesView : IView<QueuesQuery, QueuesSnapshot>
{
    /// <summary>Largest window.</summary>
    public const int MaxQueues = 200;

    public const int MaxBelongs = 8;

    public static string Name => "queues.list";

    public static QueuesSnapshot Project(EmulatedHost host, QueuesQuery query)
    {
        EventFile[] queues = [.. host.Contexts.Where(context => query.Context is null || context.Fd == query.Context).SelectMany(context => context.Objects.All.OfType<EventFile>())];
        int first = Math.Clamp(query.First, 0, Math.Max(queues.Length - 1, 0));
        return new QueuesSnapshot(
            [.. host.Contexts.Where(context => !context.IsClosed).Select(AttachTargetsView.Describe)],
            [.. queues.Skip(first).Take(Math.Clamp(query.Count, 0, MaxQueues)).Select(Describe)],
            first,
            queues.Length,
            queues.OfType<FaultQueue>().Sum(queue => (long)queue.Waiting.Count + queue.Unanswered.Count));
    }

    internal static QueueRow Describe(EventFile queue)
    {
        int fd = queue.Context.Fd;
        if (queue is Veventq events)
            return new QueueRow(fd, queue.Id, QueueKind.Vevent, [ObjectFactsView.NameOf(events.Viommu)], 1, events.Room, events.Events.Count, 0, events.ReadEvents, events.LostEventCount, queue.IsOpen);
        var faults = (FaultQueue)queue;
        Hwpt[] users = [.. HwptsOf(faults)];
        return new QueueRow(fd, queue.Id, QueueKind.Fault, [.. users.Take(MaxBelongs).Select(ObjectFactsView.NameOf)], users.Length, queue.Context.Host.Limits.FaultGroupsPerQueue,
            faults.Waiting.Count, faults.Unanswered.Count, faults.ReadGroups, faults.DroppedGroups, queue.IsOpen);
    }

    internal static IEnumerable<Hwpt> HwptsOf(FaultQueue queue) => queue.Context.Objects.All.OfType<Hwpt>().Where(hwpt => hwpt.FaultQueue == queue);

    /// <summary>The queue of an id, whether or not its context's own file is open.</summary>
    internal static TFile? Find<TFile>(EmulatedHost host, int context, uint id) where TFile : EventFile =>
        host.FindAnyContext(context)?.Objects.Find<TFile>(id);
}
