using IommuDash.Engine;
using IommuDash.Engine.Iommufd;
using IommuDash.Web.Model;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Components.Queues;

/// <summary>Queues, faults and answers in words.</summary>
public static class QueueText
{
    private static readonly string[] Permissions = ["READ", "WRITE", "EXEC", "PRIV"];

    public static string Name(QueueRow queue) => $"{(queue.Kind == QueueKind.Fault ? "fault queue" : "vEVENTQ")} {queue.Id}";

    /// <summary>What a queue is measured in.</summary>
    public static string Unit(QueueRow queue) => queue.Kind == QueueKind.Fault ? "groups" : "events";

    public static string Perm(uint perm) => (perm & 0xf) == 0 ? "none" : string.Join(" ", Permissions.Where((_, bit) => (perm >> bit & 1) != 0));

    public static string Groups(long count) => count == 1 ? "1 group" : $"{SizeFormat.Count(count)} groups";

    public static string Events(long count) => count == 1 ? "1 event" : $"{SizeFormat.Count(count)} events";

    /// <summary>Who answered a group, and why so.</summary>
    public static string WhyAnswered(EventItem answer) => answer.Op switch
    {
        "fault.answer" => "the reader of the queue",
        "device.pageRequest" => "the kernel, at once: no queue could take it",
        "device.detach" => "the kernel: the device was detached, and nobody could answer any more",
        "device.replace" => "the kernel: the device moved to another hw_pagetable",
        "device.unbind" => "the kernel: the device was unbound",
        "object.destroy" => "the kernel: what it belonged to was destroyed",
        "context.close" or "process.exit" => "the kernel: the context was closed",
        var op => op,
    };

    public static PageResponse Code(EventItem answer) => (PageResponse)answer.Other;
}
