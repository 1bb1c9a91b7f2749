using System.Collections.Concurrent;
using IommuDash.Workspaces;

namespace IommuDash.Bridge.Live;

/// <summary>The doors of a server's workspaces, opened when first asked for. Safe for use from any thread.</summary>
/// <param name="onBroken">Told what broke a door, with the workspace's id.</param>
public sealed class ProgramBridges(ProgramOptions options, Action<string, Exception> onBroken) : IDisposable
{
    private readonly ConcurrentDictionary<string, WorkspaceBridge> _open = new(StringComparer.Ordinal);
    private readonly ProgramCount _total = new();
    private readonly Lock _opening = new();
    private bool _isTidy;

    /// <summary>Processes of programs on all workspaces.</summary>
    public int Count => _total.Count;

    /// <summary>The Unix socket that programs connect to (IOMMUDASH_SOCKET); only this user's can. Null: there can be none, and why.</summary>
    /// <exception cref="WorkspaceDeletedException">The workspace is gone.</exception>
    public string? Open(Workspace workspace, out string? problem)
    {
        ArgumentNullException.ThrowIfNull(workspace);
        problem = OperatingSystem.IsLinux() ? null : "The server does not run on Linux; programs can be run on emulated hosts there only.";
        if (problem is not null)
            return null;
        lock (_opening)
        {
            if (workspace.Deleted.IsCancellationRequested)
                throw new WorkspaceDeletedException(workspace.Id);
            if (_open.TryGetValue(workspace.Id, out WorkspaceBridge? open))
                return open.SocketPath;
            if (!_isTidy)
                StaleDoors.Remove();
            _isTidy = true;
            try
            {
                open = WorkspaceBridge.Open(workspace, options, _total, broken => Ended(workspace.Id, broken));
            }
            catch (IOException noSocket)
            {
                problem = noSocket.Message;
                return null;
            }
            _open[workspace.Id] = open;
            return open.SocketPath;
        }
    }

    public void Dispose()
    {
        foreach (WorkspaceBridge bridge in _open.Values)
            bridge.Dispose();
    }

    private void Ended(string workspace, Exception? broken)
    {
        lock (_opening)
            _open.TryRemove(workspace, out _);
        if (broken is not null)
            onBroken(workspace, broken);
    }
}
