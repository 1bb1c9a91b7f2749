namespace IommuDash.Workspaces;

/// <summary>Settings of the workspaces, section <c>Workspaces</c>. Caps of what is inside one host are <see cref="Engine.EngineLimits"/>, section <c>Limits</c>.</summary>
public sealed class WorkspaceOptions
{
    public const string SectionName = "Workspaces";

    /// <summary>Workspaces at a time, default 64.</summary>
    public int MaxWorkspaces { get; set; } = 64;

    /// <summary>Real bytes written by all machines together, default 4 GiB; above it commands that may write more are refused.</summary>
    public long TotalWrittenBytes { get; set; } = 4L << 30;

    /// <summary>Commands kept in a workspace's journal, default 100,000. Once the oldest go, undo and replay end.</summary>
    public int JournalEntries { get; set; } = 100_000;

    /// <summary>Bytes kept in a workspace's journal, default 64 MiB.</summary>
    public long JournalBytes { get; set; } = 64L << 20;

    /// <summary>Events kept in a workspace, default 16,384.</summary>
    public int EventEntries { get; set; } = 16_384;

    /// <summary>Calls kept in a workspace, default 20,000.</summary>
    public int CallEntries { get; set; } = 20_000;

    /// <summary>Bytes kept of a workspace's calls, default 32 MiB.</summary>
    public long CallBytes { get; set; } = 32L << 20;

    /// <summary>Commands in one batch, default 10,000.</summary>
    public int BatchCommands { get; set; } = 10_000;

    /// <summary>Longest journal that undo replays, default 20,000 commands.</summary>
    public int UndoCommands { get; set; } = 20_000;

    /// <summary>Snapshots of one version kept for further watchers, default 64.</summary>
    public int CachedSnapshots { get; set; } = 64;

    /// <summary>Least time between two refreshes of one watcher, default 100 ms.</summary>
    public int RefreshMilliseconds { get; set; } = 100;

    /// <summary>One sentence per value that cannot be.</summary>
    public IReadOnlyList<string> Faults()
    {
        List<string> faults = [];
        Check(nameof(MaxWorkspaces), MaxWorkspaces, 1, 10_000);
        Check(nameof(TotalWrittenBytes), TotalWrittenBytes, 1 << 20, 1L << 40);
        Check(nameof(JournalEntries), JournalEntries, 1, 10_000_000);
        Check(nameof(JournalBytes), JournalBytes, 1 << 20, 16L << 30);
        Check(nameof(EventEntries), EventEntries, 16, 1 << 20);
        Check(nameof(CallEntries), CallEntries, 16, 1 << 20);
        Check(nameof(CallBytes), CallBytes, 1 << 20, 16L << 30);
        Check(nameof(BatchCommands), BatchCommands, 1, 1_000_000);
        Check(nameof(UndoCommands), UndoCommands, 0, 10_000_000);
        Check(nameof(CachedSnapshots), CachedSnapshots, 1, 10_000);
        Check(nameof(RefreshMilliseconds), RefreshMilliseconds, 10, 10_000);
        return faults;

        void Check(string option, long value, long least, long most)
        {
            if (value < least || value > most)
                faults.Add($"{SectionName}:{option} is {value}; it must be {least} to {most}.");
        }
    }
}
