// One emulated host with its journal and its events, driven by one writer at a time. Commands from all sources take one path: limit → journal → engine → publish.
// Holds always:
//  - the host is touched, by commands and projections alike, only while _gate is held;
//  - Version grows by one with every command that got past the limits, and with every undo; a snapshot of version v shows exactly the commands up to v;
//  - what real programs do takes the same path (Workspace.Programs.cs);
//  - a watcher that has seen version v is woken by every later one, since it waits for "newer than v" and not for the next signal.
using System.Diagnostics;
using System.Runtime.CompilerServices;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;
using IommuDash.Workspaces.Calls;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Programs;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces;

/// <summary>An emulated host that many people and programs use at once.</summary>
public sealed partial class Workspace : IDisposable
{
    // How long a batch keeps readers waiting.
    private const int TurnMilliseconds = 4;

    private const string UndoOp = "undo";

    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly HostDescription _description;
    private readonly EngineLimits _limits;
    private readonly WorkspaceOptions _options;
    private readonly TimeProvider _time;
    private readonly WrittenBytesQuota _quota;
    private readonly ViewCache _cache;
    private readonly WorkspaceLogs _logs;
    private readonly CancellationTokenSource _deleted = new();
    private EmulatedHost _host;
    private uint _countedFrames;
    private int _undoFloor;
    private long _version;
    private long _lastUse;
    private TaskCompletionSource? _changed;

    internal Workspace(string id, HostDescription description, EngineLimits limits, WorkspaceOptions options, TimeProvider time, WrittenBytesQuota quota, ReferenceLevel level)
    {
        Id = id;
        Level = level;
        _description = description;
        _limits = limits;
        _options = options;
        _time = time;
        _quota = quota;
        _cache = new ViewCache(options.CachedSnapshots);
        Journal = new Journal(options.JournalEntries, options.JournalBytes);
        Events = new EventRing(options.EventEntries);
        Calls = new CallLog(options.CallEntries, options.CallBytes);
        _logs = new WorkspaceLogs(Events, Calls);
        Created = time.GetUtcNow();
        _lastUse = Created.UtcTicks;
        _host = new EmulatedHost(description, limits, Events, level);
        CountWritten();
    }

    /// <summary>Short and safe in a URL.</summary>
    public string Id { get; }

    public HostDescription Description => _description;

    /// <summary>Which kernel the host answers as.</summary>
    public ReferenceLevel Level { get; }

    public DateTimeOffset Created { get; }

    /// <summary>When a command or a projection last ran.</summary>
    public DateTimeOffset LastUse => new(Interlocked.Read(ref _lastUse), TimeSpan.Zero);

    public long Version => Interlocked.Read(ref _version);

    /// <summary>Calls that failed since it began, of programs and of commands that stand for one.</summary>
    public long FailedCalls => Calls.Failed;

    /// <summary>Cancelled when the workspace is deleted.</summary>
    public CancellationToken Deleted => _deleted.Token;

    /// <summary>Who looks at it; those who open it say so.</summary>
    public WorkspaceWatchers Watchers { get; } = new();

    internal Journal Journal { get; }

    internal EventRing Events { get; }

    /// <summary>Touched only under the gate.</summary>
    internal CallLog Calls { get; }

    /// <summary>Runs one command. Expected failure is in the answer.</summary>
    /// <param name="source">Who asks, for journal and events: <c>page</c>, <c>api</c>, <c>hub</c>…</param>
    /// <exception cref="WorkspaceDeletedException">It is gone.</exception>
    public async ValueTask<CommandAnswer> ExecuteAsync(Command command, string source, CancellationToken cancellation = default)
    {
        await EnterAsync(cancellation).ConfigureAwait(false);
        try
        {
            return Execute(command, source);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Runs commands in order, each whether or not those before it were refused; readers and other writers get their turn in between.</summary>
    public async ValueTask<IReadOnlyList<CommandAnswer>> ExecuteBatchAsync(IReadOnlyList<Command> commands, string source, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(commands.Count, _options.BatchCommands);
        var answers = new CommandAnswer[commands.Count];
        for (int done = 0; done < commands.Count;)
        {
            await EnterAsync(cancellation).ConfigureAwait(false);
            try
            {
                long turnEnds = Environment.TickCount64 + TurnMilliseconds;
                do
                {
                    answers[done] = Execute(commands[done], source);
                    done++;
                }
                while (done < commands.Count && Environment.TickCount64 < turnEnds);
            }
            finally
            {
                _gate.Release();
            }
        }
        return answers;
    }

    /// <summary>The snapshot of a view for a query, of the present version. Projected once however many ask.</summary>
    /// <exception cref="WorkspaceDeletedException">It is gone.</exception>
    public ValueTask<ViewSnapshot<TSnapshot>> ReadAsync<TView, TQuery, TSnapshot>(TQuery query, CancellationToken cancellation = default)
        where TView : IView<TQuery, TSnapshot>
        where TQuery : notnull
        where TSnapshot : class => ReadAsync(typeof(TView), query, static (workspace, query) => TView.Project(workspace._host, query), cancellation);

    /// <summary>A window of the event log, as <see cref="ReadAsync{TView, TQuery, TSnapshot}"/> gives views.</summary>
    /// <exception cref="WorkspaceDeletedException">It is gone.</exception>
    public ValueTask<ViewSnapshot<EventsSnapshot>> ReadEventsAsync(EventsQuery query, CancellationToken cancellation = default) =>
        ReadLogAsync<EventsView, EventsQuery, EventsSnapshot>(query, cancellation);

    /// <summary>As <see cref="ReadAsync{TView, TQuery, TSnapshot}"/>, for views of what the workspace remembers.</summary>
    /// <exception cref="WorkspaceDeletedException">It is gone.</exception>
    public ValueTask<ViewSnapshot<TSnapshot>> ReadLogAsync<TView, TQuery, TSnapshot>(TQuery query, CancellationToken cancellation = default)
        where TView : ILogView<TQuery, TSnapshot>
        where TQuery : notnull
        where TSnapshot : class => ReadAsync(typeof(TView), query, static (workspace, query) => TView.Project(workspace._logs, query), cancellation);

    /// <summary>Completes when the version is, or becomes, newer than the one seen. Costs nothing while nothing changes.</summary>
    /// <exception cref="OperationCanceledException">Cancelled, or the workspace was deleted.</exception>
    public async Task WaitForChangeAsync(long seenVersion, CancellationToken cancellation = default)
    {
        while (Version <= seenVersion)
        {
            TaskCompletionSource changed = Volatile.Read(ref _changed) ?? ArmChanged();
            // A change between the check above and arming has been published already and will not complete this signal.
            if (Version > seenVersion)
                return;
            if (_deleted.IsCancellationRequested)
                throw new OperationCanceledException(_deleted.Token);
            await changed.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// The version now, then the newest version after each change, at most one per interval (null = the option's). Ends when the workspace is deleted. Read the snapshot inside the loop: none is missed.
    /// </summary>
    public async IAsyncEnumerable<long> ChangesAsync(TimeSpan? interval = null, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        TimeSpan pause = interval ?? TimeSpan.FromMilliseconds(_options.RefreshMilliseconds);
        for (long seen = -1; !_deleted.IsCancellationRequested;)
        {
            try
            {
                await WaitForChangeAsync(seen, cancellation).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_deleted.IsCancellationRequested)
            {
                yield break;
            }
            seen = Version;
            yield return seen;
            await Task.Delay(pause, _time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>A digest of the host's whole state; equal digests mean equal hosts.</summary>
    /// <exception cref="WorkspaceDeletedException">It is gone.</exception>
    public async ValueTask<string> ComputeDigestAsync(StateScope scope = StateScope.Whole, CancellationToken cancellation = default)
    {
        await EnterAsync(cancellation).ConfigureAwait(false);
        try
        {
            return StateDigest.Compute(_host, scope);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>The journal's state: how long it is, and whether it still reaches back to the host's start.</summary>
    public async ValueTask<JournalSummary> ReadJournalAsync(int newest = 0, CancellationToken cancellation = default)
    {
        await EnterAsync(cancellation).ConfigureAwait(false);
        try
        {
            return JournalSummary.Of(Journal, newest);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>
    /// Takes the newest command back by replaying all before it on a fresh host; a version of its own, so that watchers see it. EINVAL: nothing left but the command that opened the workspace;
    /// EBUSY: a real program is on the host; EIO: what one did does not repeat; EOVERFLOW: the journal has lost its beginning, or is longer than the cap.
    /// </summary>
    /// <exception cref="WorkspaceDeletedException">It is gone.</exception>
    public async ValueTask<CommandAnswer> UndoAsync(string source, CancellationToken cancellation = default)
    {
        await EnterAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (CheckUndo() is { } refusal)
                return CommandAnswer.From(refusal, _version);
            EmulatedHost before;
            try
            {
                before = JournalReplay.Run(_description, _limits, Journal.Entries.Take(Journal.Count - 1), Level);
            }
            catch (JournalReplayException differs)
            {
                return CommandAnswer.From(new Refusal(Errno.EIO, "undo.replay", differs.Message), _version);
            }
            _host.Dispose();
            _host = before;
            _host.Events = Events;
            Calls.MarkUndone(Journal.Newest(1)[0].Version);
            Journal.RemoveLast();
            CountWritten();
            Events.Begin(_time.GetUtcNow(), _version + 1, source, UndoOp);
            Events.AddMark();
            Publish(_version + 1);
            return CommandAnswer.From(new CommandResult(null), _version);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Ends the workspace: waits for the command or projection at work, then gives the machine's memory back. Later calls throw <see cref="WorkspaceDeletedException"/>.</summary>
    public void Dispose()
    {
        _gate.Wait();
        try
        {
            if (_deleted.IsCancellationRequested)
                return;
            _deleted.Cancel();
            _host.Dispose();
            _quota.Add(-BytesOf(_countedFrames));
        }
        finally
        {
            _gate.Release();
        }
        Interlocked.Exchange(ref _changed, null)?.TrySetCanceled(_deleted.Token);
    }

    /// <summary>Runs the first command while nobody else knows the workspace.</summary>
    internal void Begin(Command command, string source)
    {
        Execute(command, source);
        _undoFloor = Journal.Count;
    }

    private async ValueTask<ViewSnapshot<TSnapshot>> ReadAsync<TQuery, TSnapshot>(Type view, TQuery query, Func<Workspace, TQuery, TSnapshot> project, CancellationToken cancellation)
        where TQuery : notnull
        where TSnapshot : class
    {
        long version = Version;
        if (!_deleted.IsCancellationRequested && _cache.TryGet(view, query, version, out object? cached))
            return new(version, (TSnapshot)cached!);
        await EnterAsync(cancellation).ConfigureAwait(false);
        try
        {
            version = Version;
            if (!_cache.TryGet(view, query, version, out cached))
            {
                cached = project(this, query);
                _cache.Put(view, query, version, cached);
                ProjectionCount++;
            }
            return new(version, (TSnapshot)cached!);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Projections made so far.</summary>
    internal long ProjectionCount { get; private set; }

    private CommandAnswer Execute(Command command, string source)
    {
        if ((CheckLimits(command) ?? _programs?.Check(command)) is { } refused)
            return CommandAnswer.From(refused, _version);
        DateTimeOffset now = _time.GetUtcNow();
        long version = _version + 1;
        Journal.Add(new JournalEntry(version, now, source, command));
        Events.Begin(now, version, source, CommandOps.NameOf(command));
        _host.Moment = version;
        _programs?.BeforeCommand();
        EmulatedProcess? caller = CommandCalls.CallerOf(command, _host);
        long started = Stopwatch.GetTimestamp();
        CommandResult result = command.Apply(_host);
        if (caller is not null)
            Calls.Add(new CommandEntry(command, result, caller.Pid, caller.Name, now, Stopwatch.GetElapsedTime(started).TotalMicroseconds, version, source));
        if (_programs?.AfterCommand(command) is { } learned)
            Journal.ReplaceLast(learned);
        if (result.Refusal is { } refusal)
            Events.AddRefusal(refusal);
        CountWritten();
        Publish(version);
        return CommandAnswer.From(result, version);
    }

    private Refusal? CheckUndo()
    {
        if (_programs?.CheckUndo() is { } busy)
            return busy;
        if (!Journal.IsReplayable)
            return new Refusal(Errno.EOVERFLOW, "undo.journal", $"The journal lost its first {Journal.Dropped:N0} commands (options {WorkspaceOptions.SectionName}:{nameof(WorkspaceOptions.JournalEntries)}, {nameof(WorkspaceOptions.JournalBytes)}), so the state before cannot be rebuilt.");
        if (Journal.Count > _options.UndoCommands)
            return new Refusal(Errno.EOVERFLOW, "undo.cap", $"Undo would replay {Journal.Count - 1:N0} commands, more than {_options.UndoCommands:N0} (option {WorkspaceOptions.SectionName}:{nameof(WorkspaceOptions.UndoCommands)}).");
        return Journal.Count <= _undoFloor ? new Refusal(Errno.EINVAL, "undo.empty", "There is nothing to undo.") : null;
    }

    private Refusal? CheckLimits(Command command)
    {
        if (command.Check() is { } tooLarge)
            return tooLarge;
        return command.OnlyReleases ? null : CheckQuota();
    }

    private Refusal? CheckQuota()
    {
        if (!_quota.IsSpent)
            return null;
        return new Refusal(Errno.ENOMEM, "limit." + nameof(WorkspaceOptions.TotalWrittenBytes),
            $"All machines together have written {_quota.Bytes:N0} of {_quota.MaxBytes:N0} bytes (option {WorkspaceOptions.SectionName}:{nameof(WorkspaceOptions.TotalWrittenBytes)}); delete a workspace that is not needed.");
    }

    private void Publish(long version)
    {
        Interlocked.Exchange(ref _version, version);
        Interlocked.Exchange(ref _changed, null)?.TrySetResult();
    }

    private TaskCompletionSource ArmChanged()
    {
        var armed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return Interlocked.CompareExchange(ref _changed, armed, null) ?? armed;
    }

    private void CountWritten()
    {
        uint frames = _host.Memory.WrittenFrames;
        if (frames == _countedFrames)
            return;
        _quota.Add(BytesOf(frames) - BytesOf(_countedFrames));
        _countedFrames = frames;
    }

    private static long BytesOf(uint frames) => (long)frames << PhysicalMemory.FrameShift;

    private async ValueTask EnterAsync(CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation).ConfigureAwait(false);
        if (_deleted.IsCancellationRequested)
        {
            _gate.Release();
            throw new WorkspaceDeletedException(Id);
        }
        Interlocked.Exchange(ref _lastUse, _time.GetUtcNow().UtcTicks);
    }
}
