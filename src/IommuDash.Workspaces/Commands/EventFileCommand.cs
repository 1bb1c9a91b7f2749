using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces.Commands;

/// <summary>A command to the open file of a queue.</summary>
public abstract record EventFileCommand : Command
{
    /// <summary>The file number its context has, or had.</summary>
    public int Context { get; init; } = 1;

    private protected abstract uint Id { get; }

    /// <summary>The file, whatever kind of queue it is of; null if it is not open.</summary>
    internal EventFile? FindFile(EmulatedHost host) => host.FindAnyContext(Context)?.Objects.Find<EventFile>(Id) is { IsOpen: true } file ? file : null;
}

/// <summary>A command to the open file of a fault queue or an event queue. The file may outlive its context's own.</summary>
public abstract record EventFileCommand<TFile> : EventFileCommand
    where TFile : EventFile
{
    public sealed override CommandResult Apply(EmulatedHost host) =>
        FindFile(host) is TFile file
            ? Apply(file)
            : new Refusal(Errno.EBADF, "events.file", $"Context {Context} has no open {(typeof(TFile) == typeof(FaultQueue) ? "fault queue" : "event queue")} {Id}.");

    private protected abstract CommandResult Apply(TFile file);
}
