// A process of a trace: its memory is what the trace says it was.
using IommuDash.Bridge.Memory;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Pages;

namespace IommuDash.Bridge.Trace;

/// <summary>Pages whose content nobody kept: they read as zeroes.</summary>
internal sealed class ReplaySource(int id) : IPageSource
{
    public int Id => id;

    public bool TryRead(ulong offset, Span<byte> bytes)
    {
        bytes.Clear();
        return true;
    }

    public bool TryWrite(ulong offset, ReadOnlySpan<byte> bytes) => true;

    public void Release()
    {
    }
}

/// <summary>Every object with pages in a trace, by the name it has there.</summary>
internal sealed class ReplayObjects(ClientFrames frames)
{
    private readonly Dictionary<string, ReplaySource> _sources = new(StringComparer.Ordinal);

    public ClientFrames Frames => frames;

    /// <summary>Sizes in bytes of memory files by name, as far as the trace has come.</summary>
    public Dictionary<string, ulong> Sizes { get; } = new(StringComparer.Ordinal);

    public ReplaySource Find(string name)
    {
        if (!_sources.TryGetValue(name, out ReplaySource? found))
            _sources.Add(name, found = new ReplaySource(frames.NextObject()));
        return found;
    }
}

/// <summary>The recorded mappings, each of which replaces what it overlaps.</summary>
internal sealed class ReplayAddressSpace(ReplayObjects objects) : AddressSpace
{
    private readonly List<(ClientMapping Mapping, ReplaySource Source)> _mappings = [];
    private readonly ReplaySource _own = new(objects.Frames.NextObject());
    private readonly uint[] _frames = new uint[512];

    /// <param name="origin">Name of the shared object; null = the process's own memory.</param>
    public void Set(in ClientMapping mapping, string? origin)
    {
        ulong start = mapping.Start;
        ulong last = mapping.Last;
        _mappings.RemoveAll(other => other.Mapping.Start <= last && other.Mapping.Last >= start);
        _mappings.Add((mapping, origin is null ? _own : objects.Find(origin)));
    }

    // Contents are not part of a trace, but what it says about rights decides here too.
    public override Refusal? Write(ulong address, ReadOnlySpan<byte> bytes) => CheckCopy(address, bytes.Length, write: true);

    public override Refusal? Read(ulong address, Span<byte> bytes)
    {
        bytes.Clear();
        return CheckCopy(address, bytes.Length, write: false);
    }

    public override Refusal? Peek(ulong address, out uint pfn, out bool isHuge)
    {
        pfn = 0;
        Refusal? fault = Find(address, write: false, out ClientMapping mapping, out ReplaySource source);
        isHuge = mapping.IsHuge;
        if (fault is null)
            pfn = objects.Frames.Peek(new PageKey(source.Id, PageOf(mapping, address)));
        return fault;
    }

    protected override Refusal? FaultIn(ulong address, ulong maxPages, bool write, out ReadOnlySpan<uint> frames)
    {
        frames = default;
        if (Find(address, write, out ClientMapping mapping, out ReplaySource source) is { } fault)
            return fault;
        objects.Frames.SweepIfLarge();
        int count = (int)Math.Min(Math.Min(maxPages, (ulong)_frames.Length), ((mapping.Last - address) >> PhysicalMemory.FrameShift) + 1);
        for (int i = 0; i < count; i++)
        {
            if (!objects.Frames.TryGet(source, PageOf(mapping, address) + (ulong)i, mapping.IsHuge, out _frames[i]))
                return new Refusal(Errno.ENOMEM, "memory.frames", "The emulated machine has no frame left.");
        }
        frames = _frames.AsSpan(0, count);
        return null;
    }

    protected override Refusal? CheckAccess(ulong firstPage, ulong pageCount, bool write, out ulong touchedPages)
    {
        touchedPages = 0;
        for (ulong i = 0; i < pageCount; i++)
        {
            ulong address = firstPage + (i << PhysicalMemory.FrameShift);
            if (Find(address, write, out ClientMapping mapping, out ReplaySource source) is { } fault)
                return fault;
            touchedPages += objects.Frames.Peek(new PageKey(source.Id, PageOf(mapping, address))) != 0 ? 1u : 0;
        }
        return null;
    }

    protected override void DropAll() => _mappings.Clear();

    // A page that the trace says nothing about could be copied from and to.
    private Refusal? CheckCopy(ulong address, int length, bool write)
    {
        foreach ((ClientMapping mapping, _) in _mappings)
        {
            if (mapping.Start - address < (ulong)length || mapping.Contains(address))
            {
                if (!(write ? mapping.CanWrite : mapping.CanRead))
                    return Find(mapping.Start, write, out _, out _);
            }
        }
        return null;
    }

    private static ulong PageOf(in ClientMapping mapping, ulong address) =>
        (mapping.IsShared ? mapping.FileOffset + (address - mapping.Start) : address) >> PhysicalMemory.FrameShift;

    private Refusal? Find(ulong address, bool write, out ClientMapping mapping, out ReplaySource source)
    {
        (mapping, source) = _mappings.Find(m => m.Mapping.Contains(address));
        if (!IsAlive)
            return Gone();
        return (write ? mapping.CanWrite : mapping.CanRead) && mapping.Contains(address) ? null
            : new Refusal(Errno.EFAULT, "memory.fault", $"The trace has nothing {(write ? "writable" : "readable")} at {TraceText.Hex(address)}.");
    }
}

/// <summary>A memory file of the trace, in the size it had when a call named it.</summary>
internal sealed class ReplayFile(ReplayObjects objects, string origin, string name, bool isMemory, bool isHuge) : MemoryFile(name)
{
    private readonly uint[] _frames = new uint[512];

    private ulong Pages => objects.Sizes[origin] >> PhysicalMemory.FrameShift;

    protected override Refusal? FaultIn(ulong pageIndex, ulong maxPages, out ReadOnlySpan<uint> frames)
    {
        frames = default;
        if (CheckAccess(pageIndex, 1) is { } refusal)
            return refusal;
        objects.Frames.SweepIfLarge();
        int count = (int)Math.Min(Math.Min(maxPages, (ulong)_frames.Length), Pages - pageIndex);
        for (int i = 0; i < count; i++)
        {
            if (!objects.Frames.TryGet(objects.Find(origin), pageIndex + (ulong)i, isHuge, out _frames[i]))
                return new Refusal(Errno.ENOMEM, "memory.frames", "The emulated machine has no frame left.");
        }
        frames = _frames.AsSpan(0, count);
        return null;
    }

    protected override Refusal? CheckAccess(ulong firstPage, ulong pageCount) => isMemory && firstPage + pageCount <= Pages ? null
        : new Refusal(Errno.EINVAL, "file.size", $"{Name} is no memfd, or too short.");

    protected override void DropAll()
    {
    }
}
