namespace IommuDash.Bridge.Memory;

/// <summary>Every shared file whose pages have frames, every file a call mapped, and every address space of a client that lives.</summary>
internal sealed class ClientObjects(ClientFrames frames) : IDisposable
{
    private const int SmallestPrune = 64;

    private readonly Dictionary<(ulong Device, ulong Inode), SharedObject> _shared = [];
    private readonly List<ClientAddressSpace> _spaces = [];
    private readonly HashSet<ClientFile> _files = [];
    private int _pruneAt = SmallestPrune;

    public ClientFrames Frames => frames;

    /// <summary>Told of each memory file's device, inode and size in bytes when it decides about a pin: for the trace.</summary>
    public Action<ulong, ulong, ulong>? SizeObserved { get; set; }

    public SharedObject Shared(ulong device, ulong inode)
    {
        if (_shared.TryGetValue((device, inode), out SharedObject? found))
            return found;
        if (_shared.Count >= _pruneAt)
            Prune();
        _shared.Add((device, inode), found = new SharedObject(this, frames.NextObject(), device, inode));
        return found;
    }

    // Files that were looked at but never pinned, or no more.
    private void Prune()
    {
        foreach (SharedObject idle in _shared.Values.Where(s => !frames.HasFrames(s.Id)).ToArray())
            idle.Release();
        _pruneAt = Math.Max(SmallestPrune, _shared.Count * 2);
    }

    public void Add(ClientAddressSpace space) => _spaces.Add(space);

    public void Remove(ClientAddressSpace space) => _spaces.Remove(space);

    public void Add(ClientFile file) => _files.Add(file);

    public void Remove(ClientFile file) => _files.Remove(file);

    /// <summary>Lets go of every descriptor. Bytes that only they led to cannot be had any more.</summary>
    public void Dispose()
    {
        foreach (SharedObject shared in _shared.Values.ToArray())
            shared.Release();
        foreach (ClientFile file in _files.ToArray())
            file.Release();
        foreach (ClientAddressSpace space in _spaces.ToArray())
            space.Release();
    }

    public void Forget(SharedObject idle) => _shared.Remove((idle.Device, idle.Inode));

    /// <summary>A living process, and the address in it, where a byte of a shared file is mapped.</summary>
    public bool FindMapping(SharedObject shared, ulong offset, out int pid, out ulong address)
    {
        foreach (ClientAddressSpace space in _spaces)
        {
            foreach (ClientMapping mapping in space.CurrentMaps())
            {
                if (!mapping.IsShared || mapping.Inode != shared.Inode || mapping.Device != shared.Device || offset < mapping.FileOffset || offset - mapping.FileOffset > mapping.Last - mapping.Start)
                    continue;
                pid = space.Pid;
                address = mapping.Start + (offset - mapping.FileOffset);
                return true;
            }
        }
        (pid, address) = (0, 0);
        return false;
    }
}
