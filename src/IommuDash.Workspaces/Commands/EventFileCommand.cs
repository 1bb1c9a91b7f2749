using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces.Commands;

/// <summary>A command to the open file of a fault queue or an event queue. The file may outlive its context's own.</summary>
public abstract record EventFileCommand<TFile> : Command
    where TFile : EventFile
{
    /// <summary>The file number its context has, or had.</summary>
    public int Context { get; init; } = 1;

    private protected abstract uint Id { get; }

    public sealed override CommandResult Apply(EmulatedHost host) =>
        host.Contexts.FirstOrDefault(c => c.Fd == Context)?.Objects.Find<TFile>(Id) is { IsOpen: true } file
            ? Apply(file)
            : new Refusal(Errno.EBADF, "events.file", $"Context {Context} has no open {(typeof(TFile) == typeof(FaultQueue) ? "fault queue" : "event queue")} {Id}.");

    private protected abstract CommandResult Apply(TFile file);
}
