// The running machine: memory, processes, PCI devices with their groups and IOMMUs, and the iommufd contexts open on it. Everything the dashboard shows hangs from here.
// Holds always: state is a function of the description and the calls made since, in order; no time, no randomness, no threads. One writer at a time.
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Hardware;

/// <summary>An emulated Linux host with iommufd.</summary>
public sealed partial class EmulatedHost : IDisposable
{
    private readonly SortedDictionary<int, IommufdContext> _contexts = [];
    private readonly SortedDictionary<int, EmulatedProcess> _processes = [];

    // Those of the processes that have exited, in that order.
    private readonly List<EmulatedProcess> _exited = [];
    private readonly SortedDictionary<int, EmulatedUser> _users = [];
    private readonly SortedDictionary<string, EmulatedFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HostDevice> _devices = new(StringComparer.Ordinal);
    private readonly SortedDictionary<int, IommuGroup> _groups = [];
    private readonly Dictionary<string, IommuUnit> _units = new(StringComparer.Ordinal);

    /// <param name="description">A checked description: see <c>HostDescriptionValidator</c>.</param>
    /// <param name="limits">Caps; null = the defaults.</param>
    /// <param name="events">Receives what happens; null = nobody watches.</param>
    /// <param name="level">Which kernel it answers as; null = <see cref="ReferenceLevel.Current"/>.</param>
    /// <exception cref="ArgumentException">The description refers to what it does not have, or a process's memory cannot be mapped.</exception>
    public EmulatedHost(HostDescription description, EngineLimits? limits = null, IEngineEventSink? events = null, ReferenceLevel? level = null)
    {
        Description = description;
        Level = level ?? ReferenceLevel.Current;
        Limits = limits ?? new EngineLimits();
        Memory = new PhysicalMemory(description.MemoryBytes, Limits.MachineWrittenBytes);
        foreach (IommuUnitDescription unit in description.Units)
            _units.Add(unit.Name, new IommuUnit(unit));
        foreach (GroupDescription group in description.Groups)
            _groups.Add(group.Id, new IommuGroup(group));
        foreach (DeviceDescription device in description.Devices)
        {
            IommuGroup group = _groups[device.Group];
            var made = new HostDevice(this, device, _units[device.Unit], group);
            group.DeviceList.Add(made);
            _devices.Add(device.Address, made);
        }
        foreach (ProcessDescription process in description.Processes)
        {
            if (CreateProcess(process) is { } refusal)
                throw new ArgumentException($"Process {process.Pid}: {refusal.Reason}", nameof(description));
        }
        Events = events;
    }

    public HostDescription Description { get; }

    /// <summary>Which kernel it answers as.</summary>
    public ReferenceLevel Level { get; }

    public EngineLimits Limits { get; }

    public PhysicalMemory Memory { get; }

    public IEngineEventSink? Events { get; set; }

    /// <summary>What whoever drives the host calls the present moment, e.g. a version. Kept with what begins now for people to see; nothing is decided by it and it is no state.</summary>
    public long Moment { get; set; }

    public IReadOnlyCollection<IommuUnit> Units => _units.Values;

    /// <summary>By ascending number.</summary>
    public IReadOnlyCollection<IommuGroup> Groups => _groups.Values;

    public IReadOnlyCollection<HostDevice> Devices => _devices.Values;

    /// <summary>By ascending pid; of the exited ones, whose pages may be pinned still, those that <see cref="EngineLimits.ExitedProcesses"/> allows.</summary>
    public IReadOnlyCollection<EmulatedProcess> Processes => _processes.Values;

    public IReadOnlyCollection<EmulatedUser> Users => _users.Values;

    public IReadOnlyCollection<EmulatedFile> Files => _files.Values;

    /// <summary>By ascending fd; a closed one stays listed, and its number taken, while another file holds it.</summary>
    public IReadOnlyCollection<IommufdContext> Contexts => _contexts.Values;

    public HostDevice? FindDevice(string address) => _devices.GetValueOrDefault(address);

    public IommufdContext? FindContext(int fd) => _contexts.GetValueOrDefault(fd) is { IsClosed: false } open ? open : null;

    /// <summary>As <see cref="FindContext"/>, closed ones that another file still holds too.</summary>
    public IommufdContext? FindAnyContext(int fd) => _contexts.GetValueOrDefault(fd);

    public EmulatedProcess? FindProcess(int pid) => _processes.GetValueOrDefault(pid);

    /// <summary>Opens /dev/iommu for a process. ENOENT: no such living process; ENOMEM at the cap.</summary>
    /// <param name="accountMode">Who pays from the start: USER, or MM for a context opened as /dev/vfio/vfio.</param>
    public Refusal? OpenContext(int pid, out IommufdContext? context, AccountMode accountMode = AccountMode.User)
    {
        context = null;
        if (Living(pid, out EmulatedProcess process) is { } refusal)
            return refusal;
        if (_contexts.Count >= Limits.Contexts)
            return EngineLimits.Reached(nameof(EngineLimits.Contexts), Limits.Contexts, "open contexts");
        int fd = 1;
        while (_contexts.ContainsKey(fd))
            fd++;
        context = new IommufdContext(this, fd, process) { AccountMode = accountMode };
        _contexts.Add(fd, context);
        context.Raise(EngineEventKind.ContextOpened, (uint)fd, (uint)pid);
        return null;
    }

    /// <summary>Closes a context; everything made through it goes with the last file that holds it. EBADF: not open.</summary>
    public Refusal? CloseContext(int fd)
    {
        if (FindContext(fd) is not { } context)
            return new Refusal(Errno.EBADF, "context.fd", $"No context {fd} is open.");
        context.CloseDescriptor();
        return null;
    }

    /// <summary>Nothing refers to a closed context any more.</summary>
    internal void Release(IommufdContext context)
    {
        context.Close();
        _contexts.Remove(context.Fd);
        context.Raise(EngineEventKind.ContextClosed, (uint)context.Fd, (uint)context.Opener.Pid);
    }

    /// <summary>Starts a process. EEXIST: the pid is taken, also by an exited one that is listed; ENOMEM at the cap of living ones; the errors of mapping its memory. All or nothing.</summary>
    public Refusal? CreateProcess(ProcessDescription description)
    {
        if (CheckNewProcess(description) is { } refused)
            return refused;
        EmulatedProcess process = NewProcess(description, new EmulatedAddressSpace(Memory, Limits));
        foreach (MemoryDescription mapping in description.Memory)
        {
            if (MapInto(process, mapping) is { } refusal)
            {
                process.Memory.Exit();
                DropUnusedFiles();
                return refusal;
            }
        }
        Add(process);
        return null;
    }

    private Refusal? CheckNewProcess(ProcessDescription description) => description.Pid switch
    {
        <= 0 => new Refusal(Errno.EINVAL, "process.pid", $"Pid {description.Pid} is not positive."),
        _ when _processes.TryGetValue(description.Pid, out EmulatedProcess? other) => new Refusal(Errno.EEXIST, "process.pid", $"Pid {description.Pid} is taken by {other.Name}."),
        _ when _processes.Count - _exited.Count >= Limits.Processes => EngineLimits.Reached(nameof(EngineLimits.Processes), Limits.Processes, "living processes"),
        _ => null,
    };

    private EmulatedProcess NewProcess(ProcessDescription description, AddressSpace memory) =>
        new(description, _users.GetValueOrDefault(description.Uid) ?? new EmulatedUser(description.Uid), memory);

    private void Add(EmulatedProcess process)
    {
        _users[process.User.Uid] = process.User;
        _processes.Add(process.Pid, process);
        RaiseProcess(EngineEventKind.ProcessCreated, process);
    }

    /// <summary>Maps memory into a process. ENOENT: no such living process; the errors of <see cref="EmulatedAddressSpace.Map"/>.</summary>
    public Refusal? MapMemory(int pid, MemoryDescription mapping)
    {
        if ((Living(pid, out EmulatedProcess process) ?? MapInto(process, mapping)) is { } refusal)
            return refusal;
        RaiseProcess(EngineEventKind.MemoryMapped, process, new IovaRange(mapping.Start, mapping.Start + mapping.LengthBytes - 1));
        return null;
    }

    /// <summary>Unmaps the mapping that starts at an address; frames that are pinned stay until their last unpin.</summary>
    public Refusal? UnmapMemory(int pid, ulong start)
    {
        if (Living(pid, out EmulatedProcess process) is { } gone)
            return gone;
        if (Own(process, out EmulatedAddressSpace? space) is { } foreign)
            return foreign;
        if (space!.Unmap(start, out MemoryMapping? removed) is { } refusal)
            return refusal;
        DropUnusedFiles();
        RaiseProcess(EngineEventKind.MemoryUnmapped, process, removed!.Range);
        return null;
    }

    /// <summary>Stores bytes as the process would. EFAULT, ENOMEM; nothing is written on refusal.</summary>
    public Refusal? WriteMemory(int pid, ulong address, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return new Refusal(Errno.EINVAL, "write.length", "There are no bytes to write.");
        if ((Living(pid, out EmulatedProcess process) ?? process.Memory.Write(address, bytes)) is { } refusal)
            return refusal;
        RaiseProcess(EngineEventKind.MemoryWritten, process, new IovaRange(address, address + (ulong)bytes.Length - 1));
        return null;
    }

    /// <summary>Sets RLIMIT_MEMLOCK in bytes. What is pinned already stays pinned.</summary>
    public Refusal? SetMemlock(int pid, ulong bytes)
    {
        if (Living(pid, out EmulatedProcess process) is { } refusal)
            return refusal;
        process.MemlockBytes = bytes;
        RaiseProcess(EngineEventKind.LimitChanged, process, value: bytes);
        return null;
    }

    /// <summary>Ends a process: its contexts and access files close and its memory goes; pages that other processes' contexts have pinned stay.</summary>
    public Refusal? ExitProcess(int pid)
    {
        if (Living(pid, out EmulatedProcess process) is { } refusal)
            return refusal;
        foreach (IommufdContext context in _contexts.Values.Where(c => c.Opener == process).ToArray())
        {
            context.CloseFiles();
            if (!context.IsClosed)
                CloseContext(context.Fd);
        }
        foreach (AccessFile file in _contexts.Values.SelectMany(c => c.Objects.All.OfType<Access>()).Select(a => a.Owner).OfType<AccessFile>().Where(f => f.Opener == process).ToArray())
            file.Close();
        process.Memory.Exit();
        DropUnusedFiles();
        RaiseProcess(EngineEventKind.ProcessExited, process);
        _exited.Add(process);
        if (_exited.Count > Limits.ExitedProcesses)
        {
            _processes.Remove(_exited[0].Pid);
            _exited.RemoveAt(0);
        }
        return null;
    }

    /// <summary>Gives the machine's memory back to the operating system. The host must not be used after.</summary>
    public void Dispose() => Memory.Dispose();

    internal Refusal? Living(int pid, out EmulatedProcess process)
    {
        process = FindProcess(pid)!;
        return process switch
        {
            null => new Refusal(Errno.ENOENT, "process.lookup", $"There is no process {pid}."),
            { Memory.IsAlive: false } => new Refusal(Errno.ENOENT, "process.exited", $"Process {pid} ({process.Name}) has exited."),
            _ => null,
        };
    }

    private Refusal? MapInto(EmulatedProcess process, MemoryDescription mapping)
    {
        if (Own(process, out EmulatedAddressSpace? space) is { } foreign)
            return foreign;
        EmulatedFile? file = null;
        if (mapping.File is { } name && !_files.TryGetValue(name, out file))
            file = new EmulatedFile(name, Memory);
        if (space!.Map(mapping, file) is { } refusal)
            return refusal;
        if (file is not null)
            _files[file.Name] = file;
        return null;
    }

    private static Refusal? Own(EmulatedProcess process, out EmulatedAddressSpace? space)
    {
        space = process.Memory as EmulatedAddressSpace;
        return space is not null ? null : new Refusal(Errno.EOPNOTSUPP, "process.memory.foreign", $"Process {process.Pid} keeps its own memory; it cannot be mapped from here.");
    }

    private void RaiseProcess(EngineEventKind kind, EmulatedProcess process, IovaRange range = default, ulong value = 0) =>
        Events?.Raise(new EngineEvent(kind, 0, (uint)process.Pid, 0, range, value));
}
