// A process of a trace: its memory is what the trace says it was, its answers are the recorded facts.
using System.Globalization;
using IommuDash.Abi;
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

    // Contents are not part of a trace.
    public override Refusal? Write(ulong address, ReadOnlySpan<byte> bytes) => null;

    public override Refusal? Read(ulong address, Span<byte> bytes)
    {
        bytes.Clear();
        return null;
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

/// <summary>The caller of one recorded call.</summary>
internal sealed class ReplayCaller(EmulatedProcess process, Func<string, object?> findFile, ReplayObjects objects, Func<FailurePoint, bool> fails) : ICaller
{
    private readonly Dictionary<ulong, byte[]> _reads = [];
    private readonly Dictionary<string, string> _files = new(StringComparer.Ordinal);
    private readonly HashSet<ulong> _unreadable = [];
    private readonly HashSet<ulong> _unwritable = [];

    public EmulatedProcess Process => process;

    public ulong Argument { get; init; }

    /// <summary>The structure, as the call finds it and then as it leaves it.</summary>
    public required byte[] Structure { get; init; }

    /// <summary>What the call delivered.</summary>
    public object? Delivered { get; private set; }

    /// <summary>Bytes asked for that the trace does not have: the call went another way than the recorded one.</summary>
    public int UnknownReads { get; private set; }

    /// <summary>Takes a fact: a word of the line that is no field.</summary>
    public void Add(string fact)
    {
        int at = fact.IndexOfAny(['=', '!'], 1);
        if (fact[0] == '@' && fact[at] == '!')
            _unreadable.Add(TraceText.Number(fact.AsSpan(1, at - 1)));
        else if (fact[0] == '@')
            _reads[TraceText.Number(fact.AsSpan(1, at - 1))] = fact[at + 1] == '*' ? new byte[int.Parse(fact.AsSpan(at + 2), CultureInfo.InvariantCulture)] : Convert.FromHexString(fact.AsSpan(at + 1));
        else if (fact[0] == 'w')
            _unwritable.Add(TraceText.Number(fact.AsSpan(2)));
        else
            _files[fact[..at]] = fact[(at + 1)..];
    }

    public bool TryRead(ulong address, Span<byte> bytes)
    {
        if (fails(FailurePoint.CopyIn) || _unreadable.Contains(address))
            return false;
        if (_reads.TryGetValue(address, out byte[]? known) && known.Length >= bytes.Length)
            known.AsSpan(0, bytes.Length).CopyTo(bytes);
        else if (address - Argument < (ulong)Structure.Length && bytes.Length <= Structure.Length - (int)(address - Argument))
            Structure.AsSpan((int)(address - Argument), bytes.Length).CopyTo(bytes);
        else
        {
            bytes.Clear();
            UnknownReads += bytes.Length;
        }
        return true;
    }

    public bool TryWrite(ulong address, ReadOnlySpan<byte> bytes)
    {
        if (fails(FailurePoint.CopyOut) || _unwritable.Contains(address))
            return false;
        if (address - Argument < (ulong)Structure.Length && bytes.Length <= Structure.Length - (int)(address - Argument))
            bytes.CopyTo(Structure.AsSpan((int)(address - Argument)));
        return true;
    }

    public bool TryDeliver(object file, ulong address)
    {
        Delivered = file;
        return true;
    }

    public object? FindFile(int fd) => findFile(_files.GetValueOrDefault(string.Create(CultureInfo.InvariantCulture, $"fd:{fd}"), "-"));

    public MemoryFile? FindMemoryFile(int fd)
    {
        string described = _files.GetValueOrDefault(string.Create(CultureInfo.InvariantCulture, $"mf:{fd}"), "-");
        if (described[0] is '-' or '#')
            return findFile(described) as MemoryFile;
        string[] parts = described.Split(',', 4);
        objects.Sizes[parts[0]] = TraceText.Number(parts[1]);
        return new ReplayFile(objects, parts[0], parts.Length < 4 ? parts[0] : TraceText.Name(parts[3]), parts[2] != "other", parts[2] == "huge");
    }
}
