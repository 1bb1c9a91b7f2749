// The address space of a real process: /proc/PID/maps says which pages can be pinned, their bytes are read and written in the process itself.
// Holds always: frames come from ClientFrames, so a page that two processes share is one frame.
// Leaves out: telling a hole inside a file mapping (beyond the file's end) from a page, except by reading it.
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Pages;

namespace IommuDash.Bridge.Memory;

internal sealed class ClientAddressSpace : AddressSpace, IPageSource
{
    private const int MaxFramesAtOnce = 512;

    private readonly ClientObjects _objects;
    private readonly ProcessMaps _maps = new();
    private readonly uint[] _frames = new uint[MaxFramesAtOnce];
    private bool _areMapsFresh;
    private ClientMapping _last;
    private bool _isLastFresh;

    public ClientAddressSpace(ClientObjects objects, int pid)
    {
        _objects = objects;
        Pid = pid;
        Id = objects.Frames.NextObject();
        objects.Add(this);
    }

    public int Pid { get; }

    /// <summary>Number of its private pages' object.</summary>
    public int Id { get; }

    /// <summary>Told of each mapping that decides about a pin, before the frames are taken: for the trace.</summary>
    public Action<ClientMapping>? Observed { get; set; }

    /// <summary>What was read of the mappings may be out of date: the process has run since.</summary>
    public void Invalidate() => (_areMapsFresh, _isLastFresh) = (false, false);

    /// <summary>The mappings now.</summary>
    public IReadOnlyList<ClientMapping> CurrentMaps()
    {
        if (!_areMapsFresh)
            _areMapsFresh = _maps.TryRead(Pid);
        return _maps.Mappings;
    }

    /// <summary>Whether a store to an address, or a load from it, would succeed.</summary>
    public bool Allows(ulong address, bool write) => IsAlive && TryFind(address, out ClientMapping mapping) && (write ? mapping.CanWrite : mapping.CanRead);

    public override Refusal? Read(ulong address, Span<byte> bytes) =>
        IsAlive && ProcessMemory.TryRead(Pid, address, bytes) ? null : Blame(address, bytes.Length, write: false) ?? Fault(address, "read");

    public override Refusal? Write(ulong address, ReadOnlySpan<byte> bytes) =>
        IsAlive && ProcessMemory.TryWrite(Pid, address, bytes) ? null : Blame(address, bytes.Length, write: true) ?? Fault(address, "write");

    bool IPageSource.TryRead(ulong offset, Span<byte> bytes) => IsAlive && ProcessMemory.TryRead(Pid, offset, bytes);

    bool IPageSource.TryWrite(ulong offset, ReadOnlySpan<byte> bytes) => IsAlive && ProcessMemory.TryWrite(Pid, offset, bytes);

    void IPageSource.Release()
    {
    }

    public override Refusal? Peek(ulong address, out uint pfn, out bool isHuge)
    {
        (pfn, isHuge) = (0, false);
        if (Find(address, write: false, out ClientMapping mapping) is { } fault)
            return fault;
        isHuge = mapping.IsHuge;
        (IPageSource source, ulong page) = Identify(mapping, address);
        pfn = _objects.Frames.Peek(new PageKey(source.Id, page));
        return null;
    }

    protected override Refusal? FaultIn(ulong address, ulong maxPages, bool write, out ReadOnlySpan<uint> frames)
    {
        frames = default;
        if (Find(address, write, out ClientMapping mapping) is { } fault)
            return fault;
        _objects.Frames.SweepIfLarge();
        (IPageSource source, ulong page) = Identify(mapping, address);
        (source as SharedObject)?.Keep(Pid, mapping);
        int count = (int)Math.Min(Math.Min(maxPages, MaxFramesAtOnce), ((mapping.Last - address) >> PhysicalMemory.FrameShift) + 1);
        for (int i = 0; i < count; i++)
        {
            if (!_objects.Frames.TryGet(source, page + (ulong)i, mapping.IsHuge, out _frames[i]))
                return new Refusal(Errno.ENOMEM, "memory.frames", $"The emulated machine has no frame left for page 0x{address + ((ulong)i << PhysicalMemory.FrameShift):x} of process {Pid}.");
        }
        frames = _frames.AsSpan(0, count);
        return null;
    }

    protected override Refusal? CheckAccess(ulong firstPage, ulong pageCount, bool write, out ulong touchedPages)
    {
        touchedPages = 0;
        while (pageCount != 0)
        {
            if (Find(firstPage, write, out ClientMapping mapping) is { } fault)
                return fault;
            (IPageSource source, ulong page) = Identify(mapping, firstPage);
            ulong count = Math.Min(pageCount, ((mapping.Last - firstPage) >> PhysicalMemory.FrameShift) + 1);
            for (ulong i = 0; i < count; i++)
                touchedPages += _objects.Frames.Peek(new PageKey(source.Id, page + i)) != 0 ? 1u : 0;
            pageCount -= count;
            firstPage += count << PhysicalMemory.FrameShift;
        }
        return null;
    }

    /// <summary>Lets go of the process: nothing of its memory is looked at any more.</summary>
    public void Release()
    {
        _maps.Close();
        _objects.Remove(this);
    }

    protected override void DropAll() => Release();

    // Calls look at few mappings, mostly one: each is asked for by itself, if the kernel lets one.
    private bool TryFind(ulong address, out ClientMapping mapping)
    {
        mapping = _last;
        if (_isLastFresh && mapping.Contains(address))
            return true;
        if (!_areMapsFresh && _maps.TryQuery(Pid, address, out mapping, out bool isMapped))
        {
            if (isMapped)
                (_last, _isLastFresh) = (mapping, true);
            return isMapped;
        }
        CurrentMaps();
        mapping = default;
        return _areMapsFresh && _maps.TryFind(address, out mapping);
    }

    private Refusal? Find(ulong address, bool write, out ClientMapping mapping)
    {
        mapping = default;
        if (!IsAlive)
            return Gone();
        bool isMapped = TryFind(address, out mapping);
        Observed?.Invoke(isMapped ? mapping : ClientMapping.Hole(address));
        if (isMapped && (write ? mapping.CanWrite : mapping.CanRead))
            return null;
        return Fault(address, write ? "write" : "read");
    }

    // The refusal of the first page that stood in a copy's way.
    private Refusal? Blame(ulong address, int length, bool write)
    {
        ulong end = address + (ulong)length;
        for (ulong page = address; page < end; page = (page | (PhysicalMemory.FrameBytes - 1)) + 1)
        {
            if (Find(page, write, out _) is { } refusal)
                return refusal;
        }
        return null;
    }

    private (IPageSource Source, ulong Page) Identify(in ClientMapping mapping, ulong address)
    {
        if (!mapping.IsShared)
            return (this, address >> PhysicalMemory.FrameShift);
        SharedObject shared = _objects.Shared(mapping.Device, mapping.Inode);
        return (shared, (mapping.FileOffset + (address - mapping.Start)) >> PhysicalMemory.FrameShift);
    }

    private Refusal Fault(ulong address, string what) => new(Errno.EFAULT, "memory.fault", $"Cannot {what} address 0x{address:x} of process {Pid}.")
    {
        Ranges = [new(RangeRole.ProcessMemory, new IovaRange(address, address | (PhysicalMemory.FrameBytes - 1)))],
    };
}
