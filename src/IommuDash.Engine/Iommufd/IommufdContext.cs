// One open /dev/iommu file: the object table, who pays for pinned pages, and the groups of the devices bound to it. One partial file per family of calls.
// Holds always: closing releases every pin, every reservation and every domain made through it.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Pages;
using IommuDash.Engine.Selftest;
using IommuDash.Engine.Vfio;

namespace IommuDash.Engine.Iommufd;

/// <summary>An iommufd context.</summary>
public sealed partial class IommufdContext
{
    internal IommufdContext(EmulatedHost host, int fd, EmulatedProcess opener)
    {
        Host = host;
        Fd = fd;
        Opener = opener;
        Vfio = new VfioContainer(this);
        Objects = new ObjectTable(host.Limits.ObjectsPerContext, host);
    }

    public EmulatedHost Host { get; }

    /// <summary>Number of the file in the host, unique among open contexts.</summary>
    public int Fd { get; }

    /// <summary>The process that opened it; the caller of a call that names no other.</summary>
    public EmulatedProcess Opener { get; }

    public ObjectTable Objects { get; }

    /// <summary>What the same file answers to VFIO's container calls.</summary>
    public VfioContainer Vfio { get; }

    /// <summary>Mode for new pages objects: User, or Mm after the RLIMIT_MODE option.</summary>
    public AccountMode AccountMode { get; internal set; } = AccountMode.User;

    /// <summary>Groups with a device bound here, by group number.</summary>
    internal SortedDictionary<int, Igroup> Groups { get; } = [];

    /// <summary>What can be mapped through the context's file.</summary>
    public MmapWindows MmapWindows { get; } = new();

    internal void Raise(EngineEventKind kind, uint obj, uint other = 0, IovaRange range = default, ulong value = 0) =>
        Host.Events?.Raise(new EngineEvent(kind, Fd, obj, other, range, value));

    /// <summary>
    /// IOMMU_DESTROY. ENOENT for an unknown id; EBUSY while anything but the table refers to the object, which then stays.
    /// </summary>
    public Refusal? Destroy(uint id)
    {
        if (Objects.Get(id, ToDestroy, out IommufdObject victim) is { } refusal)
            return refusal;
        if (CheckDestroy(victim) is { } busy)
            return busy;
        Remove(victim);
        return null;
    }

    /// <summary>
    /// Ends the context. Device files keep a context alive, so the devices go first, as a process that exits closes them; then, in ascending passes over the table,
    /// every object that nothing else refers to, until none is left.
    /// </summary>
    /// <exception cref="InvalidOperationException">A pass destroyed nothing: a reference leaked.</exception>
    internal void Close()
    {
        foreach (MockDeviceObject mock in Objects.All.OfType<MockDeviceObject>().ToArray())
            Remove(mock);
        foreach (Device device in Objects.All.OfType<Device>().ToArray())
            Unbind(device);
        while (Objects.Count != 0)
        {
            int before = Objects.Count;
            foreach (IommufdObject candidate in Objects.All.ToArray())
            {
                if (candidate.Users == 1 && Objects.Find<IommufdObject>(candidate.Id) == candidate)
                    Remove(candidate);
            }
            if (Objects.Count == before)
                throw new InvalidOperationException($"Closing context {Fd}: nothing may destroy {string.Join(", ", Objects.All.Select(o => $"{o.Type} {o.Id}"))}.");
        }
        if (Groups.Count != 0)
            throw new InvalidOperationException($"Closing context {Fd}: {Groups.Count} groups outlived their devices.");
    }

    /// <summary>Closes the event files and unmaps the windows, as the exit of the process that has them does.</summary>
    internal void CloseFiles()
    {
        foreach (MmapWindow window in MmapWindows.All.ToArray())
        {
            while (window.Mappings != 0)
                window.Unmap();
        }
        foreach (EventFile file in Objects.All.OfType<EventFile>().ToArray())
            file.Close();
    }

    internal void Remove(IommufdObject removed, bool tombstone = false)
    {
        Objects.Remove(removed, tombstone);
        removed.Destroy();
        Raise(EngineEventKind.ObjectDestroyed, removed.Id, (uint)removed.Type);
    }

    /// <summary>Makes a new object visible and tells the watchers.</summary>
    internal void Publish(IommufdObject created)
    {
        Objects.Finalize(created);
        Raise(EngineEventKind.ObjectCreated, created.Id, (uint)created.Type);
    }
}
