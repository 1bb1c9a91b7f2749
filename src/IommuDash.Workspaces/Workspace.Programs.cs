// Real programs on the host. They call the engine themselves, in turns of their own; before and after a call the workspace does for it what it does for a command: limits, journal, events, version.
// Holds always: a call is journalled in a form that repeats it without the program.
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Workspaces.Calls;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Programs;

namespace IommuDash.Workspaces;

public sealed partial class Workspace
{
    private IWorkspacePrograms? _programs;
    private DateTimeOffset _callTime;
    private string _callSource = "";
    private Refusal? _callRefusal;

    /// <summary>Lets programs in, or, with null, no more. In a turn.</summary>
    public void SetPrograms(IWorkspacePrograms? programs) => _programs = programs;

    /// <summary>Waits until nobody else uses the host, and gives it; <see cref="GiveBackTurn"/> must follow, on any thread. Null: the workspace was deleted; no turn was taken.</summary>
    public EmulatedHost? TakeTurn()
    {
        _gate.Wait();
        if (_deleted.IsCancellationRequested)
        {
            _gate.Release();
            return null;
        }
        Interlocked.Exchange(ref _lastUse, _time.GetUtcNow().UtcTicks);
        return _host;
    }

    public void GiveBackTurn() => _gate.Release();

    /// <summary>Begins a call in a turn; <see cref="EndCall"/> must follow. A refusal is a limit: the engine must not be called then.</summary>
    /// <param name="source">Who calls, for journal and events, e.g. <c>run 4711 qemu</c>.</param>
    /// <param name="op">What it does, as the events name it.</param>
    public Refusal? BeginCall(string source, string op, bool onlyReleases)
    {
        (_callTime, _callSource) = (_time.GetUtcNow(), source);
        Events.Begin(_callTime, _version + 1, source, op);
        _host.Moment = _version + 1;
        return _callRefusal = onlyReleases ? null : CheckQuota();
    }

    /// <summary>Ends a call: it is journalled, if there is anything to repeat, shown, and a version of its own.</summary>
    /// <param name="repeat">What repeats it; null = it changed nothing.</param>
    /// <param name="call">The call for the log; its version and time are given here. Null for what is no call.</param>
    public void EndCall(RecordedCommand? repeat, CallRecord? call)
    {
        long version = _version + 1;
        if (repeat is not null)
            Journal.Add(new JournalEntry(version, _callTime, _callSource, repeat));
        if (call is not null)
            Events.Rename(CallText.NameOf(call));
        if ((call?.Refusal ?? _callRefusal) is { } refusal)
            Events.AddRefusal(refusal);
        if (call is not null)
            Calls.Add(call with { Version = version, Time = _callTime });
        CountWritten();
        Publish(version);
    }
}
