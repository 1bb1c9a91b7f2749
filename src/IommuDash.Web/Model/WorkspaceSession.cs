using IommuDash.Workspaces;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Model;

/// <summary>
/// The workspace that one tab looks at: pages read its views and send it commands through this, and are told when there is something new to read, at most once per refresh interval and not while the
/// reader has paused. Scoped, as a circuit is one tab. Opened by each page; stays open from page to page.
/// </summary>
public sealed partial class WorkspaceSession : IDisposable
{
    private readonly WorkspaceRegistry _registry;
    private readonly ShellState _shell;
    private readonly ILogger<WorkspaceSession> _log;
    private CancellationTokenSource _following = new();
    private IDisposable? _watching;
    private long _seen;

    public WorkspaceSession(WorkspaceRegistry registry, ShellState shell, ILogger<WorkspaceSession> log)
    {
        _log = log;
        _registry = registry;
        _shell = shell;
        _shell.Changed += OnShellChanged;
    }

    /// <summary>There is a newer version to read, or the workspace is gone. Raised on the circuit's thread, one listener after the other; the next comes when all are done.</summary>
    public event Func<Task>? Changed;

    /// <summary>There is a newer version, paused or not: for what only counts what came meanwhile. Raised before <see cref="Changed"/>, on the circuit's thread.</summary>
    public event Func<Task>? Arrived;

    /// <summary>Null before <see cref="Open"/> and when there is no such workspace.</summary>
    public Workspace? Workspace { get; private set; }

    /// <summary>Version that listeners were told about last.</summary>
    public long Version { get; private set; }

    /// <summary>The workspace was deleted while it was looked at.</summary>
    public bool IsDeleted => Workspace?.Deleted.IsCancellationRequested ?? false;

    /// <summary>Looks at a workspace from now on; call on the circuit's thread. False if there is none of this id.</summary>
    public bool Open(string id)
    {
        if (Workspace?.Id == id && !IsDeleted)
            return true;
        Stop();
        Workspace = _registry.Find(id);
        _shell.SetWorkspace(Workspace is { } found ? new WorkspaceHeader(found.Id, found.Description.Name, $"{SizeFormat.Count(found.Description.Devices.Count)} devices") : null);
        if (Workspace is null)
        {
            _shell.SetLive(default);
            return false;
        }
        _watching = Workspace.Watchers.Add();
        _seen = Version = Workspace.Version;
        _shell.SetLive(new LiveStatus(LiveState.Live, Version, 0));
        _ = FollowAsync(Workspace, _following.Token);
        return true;
    }

    /// <summary>Looks at no workspace any more; call on the circuit's thread.</summary>
    public void Leave()
    {
        Stop();
        _shell.SetWorkspace(null);
        _shell.SetLive(default);
        _shell.SetCounts(new Dictionary<string, long>());
        _shell.SetEntries([]);
    }

    /// <summary>A snapshot of a view at the present version.</summary>
    /// <exception cref="WorkspaceDeletedException">It is gone.</exception>
    /// <exception cref="InvalidOperationException">No workspace is open.</exception>
    public ValueTask<ViewSnapshot<TSnapshot>> ReadAsync<TView, TQuery, TSnapshot>(TQuery query)
        where TView : IView<TQuery, TSnapshot>
        where TQuery : notnull
        where TSnapshot : class => Opened().ReadAsync<TView, TQuery, TSnapshot>(query);

    /// <summary>Runs a command in the reader's name. Expected failure is in the answer.</summary>
    /// <exception cref="WorkspaceDeletedException">It is gone.</exception>
    /// <exception cref="InvalidOperationException">No workspace is open.</exception>
    public ValueTask<CommandAnswer> ExecuteAsync(Command command) => Opened().ExecuteAsync(command, "page");

    public void Dispose()
    {
        _shell.Changed -= OnShellChanged;
        Stop();
        _following.Dispose();
    }

    private Workspace Opened() => Workspace ?? throw new InvalidOperationException("No workspace is open.");

    private void Stop()
    {
        _watching?.Dispose();
        _watching = null;
        _following.Cancel();
        _following.Dispose();
        _following = new CancellationTokenSource();
        Workspace = null;
    }

    private async Task FollowAsync(Workspace workspace, CancellationToken cancellation)
    {
        try
        {
            await foreach (long version in workspace.ChangesAsync(cancellation: cancellation))
            {
                _seen = version;
                await RaiseAsync(Arrived);
                if (!_shell.Paused)
                    await TellAsync(version);
            }
            await RaiseAsync(Arrived);
            await TellAsync(workspace.Version);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The tab looks elsewhere, or has closed.
        }
        catch (Exception error)
        {
            // A page failed to show a version. The lamp says that the view stands still; the log says why.
            LogStopped(_log, workspace.Id, error);
            _shell.SetLive(new LiveStatus(LiveState.Reconnecting, Version, 0));
        }
    }

    private async Task TellAsync(long version)
    {
        long started = Environment.TickCount64;
        Version = version;
        await CountAsync();
        await RaiseAsync(Changed);
        _shell.SetLive(new LiveStatus(LiveState.Live, version, (int)(Environment.TickCount64 - started)));
    }

    // What waits for somebody, and what went wrong, is in the navigation of every page.
    private async Task CountAsync()
    {
        if (Workspace is not { } workspace || IsDeleted)
            return;
        try
        {
            long pending = (await workspace.ReadAsync<QueuesView, QueuesQuery, QueuesSnapshot>(new(Count: 0))).Data.PendingGroups;
            var counts = new Dictionary<string, long>();
            if (pending != 0)
                counts["queues"] = pending;
            if (workspace.FailedCalls is not 0 and var failed)
                counts["calls"] = failed;
            _shell.SetCounts(counts);
        }
        catch (WorkspaceDeletedException)
        {
            // The end of the changes tells the listeners, and then they know.
        }
    }

    private static async Task RaiseAsync(Func<Task>? listeners)
    {
        try
        {
            foreach (Func<Task> listener in listeners?.GetInvocationList().Cast<Func<Task>>() ?? [])
                await listener();
        }
        catch (WorkspaceDeletedException)
        {
            // Deleted while it was read; the end of the changes tells the listeners once more, and then they know.
        }
    }

    // What came while the reader had paused is shown as soon as they resume.
    private void OnShellChanged()
    {
        if (!_shell.Paused && Workspace is not null && _seen != Version)
            _ = TellAsync(_seen);
    }

    [LoggerMessage(LogLevel.Error, "Following workspace {Id} ended by an error.")]
    private static partial void LogStopped(ILogger log, string id, Exception error);
}
