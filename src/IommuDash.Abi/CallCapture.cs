// A caller in between that keeps what one call met, for people to look at: the structure before and after, the first bytes of buffers, objects behind the files it used or made.
// Holds always: what it keeps is bounded, and what it left out is counted. It changes no answer.
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Abi;

/// <summary>User memory beyond its structure that a call read or wrote.</summary>
/// <param name="Address">User address.</param>
/// <param name="IsWrite">Whether the call stored there.</param>
/// <param name="LengthBytes">All of it, also what is not kept.</param>
/// <param name="Failed">The memory could not be read or written (EFAULT).</param>
/// <param name="Bytes">Its first bytes; empty if it failed.</param>
public sealed record CallBuffer(ulong Address, bool IsWrite, int LengthBytes, bool Failed, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Whether <see cref="Bytes"/> is only the beginning.</summary>
    public bool IsCut => !Failed && Bytes.Length < LengthBytes;
}

/// <summary>Records one call at a time: <see cref="Begin"/>, then the call with this as its caller.</summary>
public sealed class CallCapture : ICaller
{
    /// <summary>Most buffers kept of one call.</summary>
    public const int MaxBuffers = 16;

    /// <summary>Most bytes kept of one buffer.</summary>
    public const int MaxBufferBytes = 256;

    private readonly List<CallBuffer> _buffers = [];
    private readonly List<uint> _fileObjects = [];
    private ICaller _inner = null!;
    private ulong _argument;
    private byte[] _before = [];
    private byte[] _after = [];
    private int _readBytes;

    public EmulatedProcess Process => _inner.Process;

    /// <summary>The structure as the call read it; empty if it could not be read or has none.</summary>
    public ReadOnlyMemory<byte> Before => _before.AsMemory(0, _readBytes);

    /// <summary>The structure as the call left it; as long as <see cref="Before"/>.</summary>
    public ReadOnlyMemory<byte> After => _after.AsMemory(0, _readBytes);

    /// <summary>In the order of their use.</summary>
    public IReadOnlyList<CallBuffer> Buffers => [.. _buffers];

    /// <summary>Buffers that are not kept.</summary>
    public int BuffersLeftOut { get; private set; }

    /// <summary>Ids of objects whose files the call found or made.</summary>
    public IReadOnlyList<uint> FileObjects => [.. _fileObjects];

    /// <summary>Starts a call, and forgets the one before.</summary>
    public void Begin(ICaller inner, uint request, ulong argument)
    {
        int known = IoctlTable.Find(request)?.KnownBytes ?? 0;
        (_inner, _argument, _before, _after, _readBytes) = (inner, argument, new byte[known], new byte[known], 0);
        _buffers.Clear();
        _fileObjects.Clear();
        BuffersLeftOut = 0;
    }

    public bool TryRead(ulong address, Span<byte> bytes)
    {
        bool done = _inner.TryRead(address, bytes);
        if (IsInStructure(address, bytes.Length, out int offset))
        {
            if (!done)
                return false;
            bytes.CopyTo(_before.AsSpan(offset));
            bytes.CopyTo(_after.AsSpan(offset));
            _readBytes = Math.Max(_readBytes, offset + bytes.Length);
        }
        else
        {
            Keep(address, isWrite: false, bytes, done);
        }
        return done;
    }

    public bool TryWrite(ulong address, ReadOnlySpan<byte> bytes)
    {
        bool done = _inner.TryWrite(address, bytes);
        if (!IsInStructure(address, bytes.Length, out int offset))
            Keep(address, isWrite: true, bytes, done);
        else if (done)
            bytes.CopyTo(_after.AsSpan(offset));
        return done;
    }

    public bool TryDeliver(object file, ulong address, bool closeOnExec)
    {
        Note(file);
        return _inner.TryDeliver(file, address, closeOnExec);
    }

    public object? FindFile(int fd)
    {
        object? file = _inner.FindFile(fd);
        Note(file);
        return file;
    }

    public MemoryFile? FindMemoryFile(int fd) => _inner.FindMemoryFile(fd);

    private bool IsInStructure(ulong address, int length, out int offset)
    {
        ulong from = address - _argument;
        offset = from < (ulong)_before.Length ? (int)from : 0;
        return from < (ulong)_before.Length && length <= _before.Length - offset;
    }

    private void Keep(ulong address, bool isWrite, ReadOnlySpan<byte> bytes, bool done)
    {
        if (bytes.IsEmpty)
            return;
        // An array that is read entry by entry is one buffer to who looks at it.
        if (done && _buffers is [.., { Failed: false } last] && last.IsWrite == isWrite && last.Address + (ulong)last.LengthBytes == address)
        {
            int room = last.IsCut ? 0 : Math.Min(MaxBufferBytes - last.Bytes.Length, bytes.Length);
            _buffers[^1] = last with { LengthBytes = last.LengthBytes + bytes.Length, Bytes = room <= 0 ? last.Bytes : (byte[])[.. last.Bytes.Span, .. bytes[..room]] };
            return;
        }
        if (_buffers.Count == MaxBuffers)
            BuffersLeftOut++;
        else
            _buffers.Add(new CallBuffer(address, isWrite, bytes.Length, !done, done ? bytes[..Math.Min(bytes.Length, MaxBufferBytes)].ToArray() : default));
    }

    private void Note(object? file)
    {
        uint? id = file switch
        {
            EventFile events => events.Id,
            AccessFile access => access.Access.Id,
            _ => null,
        };
        if (id is { } found && !_fileObjects.Contains(found))
            _fileObjects.Add(found);
    }
}
