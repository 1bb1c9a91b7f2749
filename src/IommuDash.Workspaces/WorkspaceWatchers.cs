namespace IommuDash.Workspaces;

/// <summary>Who looks at a workspace now: browser tabs and programs on the hub, each once. Safe from any thread.</summary>
public sealed class WorkspaceWatchers
{
    private int _count;

    /// <summary>Raised after one came or went, on its thread.</summary>
    public event Action? Changed;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Counts one more, until the answer is disposed; disposing twice counts once.</summary>
    public IDisposable Add()
    {
        Interlocked.Increment(ref _count);
        Changed?.Invoke();
        return new Watcher(this);
    }

    private sealed class Watcher(WorkspaceWatchers watchers) : IDisposable
    {
        private WorkspaceWatchers? _watchers = watchers;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _watchers, null) is not { } left)
                return;
            Interlocked.Decrement(ref left._count);
            left.Changed?.Invoke();
        }
    }
}
