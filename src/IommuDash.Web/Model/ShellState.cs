namespace IommuDash.Web.Model;

/// <summary>What the top bar calls the workspace.</summary>
public sealed record WorkspaceHeader(string Id, string Name, string Host);

/// <summary>Something the command palette can do, offered by the page that is open.</summary>
public sealed record PaletteEntry(string Title, string Hint, Func<Task> RunAsync);

/// <summary>
/// What pages tell the shell around them, and what the shell tells them (<see cref="Paused"/>). Scoped: one circuit shows one page at a time.
/// A page sets what it knows and clears nothing: the next page sets its own.
/// </summary>
public sealed class ShellState
{
    /// <summary>Raised on the circuit's thread after each change.</summary>
    public event Action? Changed;

    public WorkspaceHeader? Workspace { get; private set; }

    public LiveStatus Live { get; private set; }

    /// <summary>True while the reader wants the screen to hold still.</summary>
    public bool Paused { get; private set; }

    /// <summary>Actions of the open page for the command palette.</summary>
    public IReadOnlyList<PaletteEntry> Entries { get; private set; } = [];

    private IReadOnlyDictionary<string, long> _counts = new Dictionary<string, long>();

    /// <summary>Number beside a page of <see cref="NavigationPage.All"/>, by its key; null = none.</summary>
    public long? CountOf(string page) => _counts.TryGetValue(page, out long count) ? count : null;

    public void SetWorkspace(WorkspaceHeader? workspace) => Set(() => Workspace = workspace);

    public void SetLive(LiveStatus live) => Set(() => Live = live);

    public void SetPaused(bool paused) => Set(() => Paused = paused);

    public void SetCounts(IReadOnlyDictionary<string, long> counts) => Set(() => _counts = counts);

    public void SetEntries(IReadOnlyList<PaletteEntry> entries) => Set(() => Entries = entries);

    private void Set(Action change)
    {
        change();
        Changed?.Invoke();
    }
}
