// Snapshots of the present version by view and query: whoever asks second gets what the first had made. Old versions are dropped as soon as a new one is projected.
using System.Collections.Concurrent;

namespace IommuDash.Workspaces.Views;

internal sealed class ViewCache(int capacity)
{
    private readonly ConcurrentDictionary<(Type View, object Query), (long Version, object Snapshot)> _snapshots = new();

    // Written by the projecting thread only, which holds the workspace's lock.
    private long _version;

    public bool TryGet(Type view, object query, long version, out object? snapshot)
    {
        bool found = _snapshots.TryGetValue((view, query), out (long Version, object Snapshot) entry) && entry.Version == version;
        snapshot = entry.Snapshot;
        return found;
    }

    public void Put(Type view, object query, long version, object snapshot)
    {
        if (_version != version || _snapshots.Count >= capacity)
            _snapshots.Clear();
        _version = version;
        _snapshots[(view, query)] = (version, snapshot);
    }
}
