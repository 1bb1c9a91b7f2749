using System.Collections.Concurrent;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces;

/// <summary>The workspaces of this server, in memory only. Safe for use from any thread.</summary>
/// <param name="newId">Makes short URL-safe ids that nobody can guess; injected so that tests know them.</param>
public sealed class WorkspaceRegistry(WorkspaceOptions options, EngineLimits limits, TimeProvider time, Func<string> newId) : IDisposable
{
    private readonly ConcurrentDictionary<string, Workspace> _workspaces = new(StringComparer.Ordinal);
    private readonly WrittenBytesQuota _quota = new(options.TotalWrittenBytes);
    private readonly Lock _creating = new();

    /// <summary>A workspace was made or deleted; raised on the thread that did it.</summary>
    public event Action? Changed;

    /// <summary>Newest first.</summary>
    public IReadOnlyList<Workspace> All => [.. _workspaces.Values.OrderByDescending(w => w.Created).ThenBy(w => w.Id, StringComparer.Ordinal)];

    public int Count => _workspaces.Count;

    /// <summary>Real bytes that all machines have written.</summary>
    public long WrittenBytes => _quota.Bytes;

    public Workspace? Find(string id) => _workspaces.GetValueOrDefault(id);

    /// <summary>Builds the host and opens context 1 for its first process. EINVAL: the description is not sound; ENOMEM: a cap is reached. Nothing is kept on refusal.</summary>
    /// <param name="level">Which kernel it answers as; null = <see cref="ReferenceLevel.Current"/>.</param>
    public Refusal? Create(HostDescription description, string source, out Workspace? workspace, ReferenceLevel? level = null)
    {
        workspace = null;
        if (HostDescriptionValidator.Validate(description) is [var problem, ..])
            return new Refusal(Errno.EINVAL, "workspace.host", $"{problem.Path}: {problem.Reason}");
        lock (_creating)
        {
            if (_workspaces.Count >= options.MaxWorkspaces)
                return Full(nameof(WorkspaceOptions.MaxWorkspaces), $"{options.MaxWorkspaces} workspaces are open");
            if (_quota.IsSpent)
                return Full(nameof(WorkspaceOptions.TotalWrittenBytes), $"all machines together have written {_quota.Bytes:N0} bytes");
            Workspace made;
            try
            {
                made = new Workspace(FreshId(), description, limits, options, time, _quota, level ?? ReferenceLevel.Current);
            }
            catch (ArgumentException unsound)
            {
                return new Refusal(Errno.EINVAL, "workspace.host", unsound.Message);
            }
            if (description.Processes is [var first, ..])
                made.Begin(new ContextOpen { Pid = first.Pid }, source);
            _workspaces[made.Id] = made;
            workspace = made;
        }
        Changed?.Invoke();
        return null;
    }

    /// <summary>Ends a workspace; false if there is none of that id. Whoever still reads it gets <see cref="WorkspaceDeletedException"/>.</summary>
    public bool Delete(string id)
    {
        if (!_workspaces.TryRemove(id, out Workspace? workspace))
            return false;
        workspace.Dispose();
        Changed?.Invoke();
        return true;
    }

    public void Dispose()
    {
        foreach (string id in _workspaces.Keys)
            Delete(id);
    }

    private string FreshId()
    {
        string id;
        do
            id = newId();
        while (_workspaces.ContainsKey(id));
        return id;
    }

    private static Refusal Full(string option, string what) =>
        new(Errno.ENOMEM, "limit." + option, $"No more workspaces: {what} (option {WorkspaceOptions.SectionName}:{option}).");
}
