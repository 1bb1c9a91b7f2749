// One call as it was answered: by the binary door, or the call that a command of a page or the API stands for.
using IommuDash.Abi;
using IommuDash.Engine;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Calls;

/// <summary>The system call.</summary>
public enum CallKind
{
    Open,
    Close,
    Ioctl,
    Read,
    Write,
    Mmap,
    Munmap,
}

/// <summary>A call with everything that is kept of it. Immutable once it is in a <see cref="CallLog"/>.</summary>
public sealed record CallRecord
{
    private const int FixedCostBytes = 512;

    private const int BufferCostBytes = 64;

    /// <summary>From 1, never reused; given by the log.</summary>
    public long Number { get; internal set; }

    /// <summary>When it was answered.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>How long answering took, in microseconds, without the way there and back.</summary>
    public double DurationMicroseconds { get; init; }

    /// <summary>The workspace's version with it.</summary>
    public required long Version { get; init; }

    /// <summary>Who called: the programs of a door by name, e.g. <c>run 4711 qemu</c>, else the source of the command it stands for, e.g. <c>page</c>, <c>api</c>.</summary>
    public required string Source { get; init; }

    /// <summary>The calling process; an emulated one unless a program called.</summary>
    public required int Pid { get; init; }

    /// <summary>Name of the process.</summary>
    public required string Program { get; init; }

    /// <summary>The context's file number; 0 if an open was refused.</summary>
    public required int Context { get; init; }

    public required CallKind Kind { get; init; }

    /// <summary>Whole request number of an ioctl, else 0.</summary>
    public uint Request { get; init; }

    /// <summary>The ioctl's name without prefix, e.g. <c>IOAS_MAP</c>, or its number in hex if there is none; for other calls the system call's name, e.g. <c>open</c>.</summary>
    public required string Name { get; init; }

    /// <summary>User address of the structure or buffer, or the value passed instead; 0 for a call that a command stands for.</summary>
    public ulong Argument { get; init; }

    /// <summary>Bytes asked for by read, write and mmap.</summary>
    public ulong LengthBytes { get; init; }

    /// <summary>File offset of read, write and mmap.</summary>
    public ulong Offset { get; init; }

    /// <summary>The structure as the call read it, as far as it is known here.</summary>
    public ReadOnlyMemory<byte> Before { get; init; }

    /// <summary>The structure as the call left it; as long as <see cref="Before"/>.</summary>
    public ReadOnlyMemory<byte> After { get; init; }

    /// <summary>Other user memory it read or wrote, each cut to <see cref="CallCapture.MaxBufferBytes"/>.</summary>
    public IReadOnlyList<CallBuffer> Buffers { get; init; } = [];

    /// <summary>Buffers beyond <see cref="CallCapture.MaxBuffers"/>, which are not kept.</summary>
    public int BuffersLeftOut { get; init; }

    /// <summary>0 or more, or a negative errno.</summary>
    public required long Result { get; init; }

    /// <summary>Why it failed; may be there with a result of 0 or more if only part was done, and missing with an error of the door itself.</summary>
    public Refusal? Refusal { get; init; }

    /// <summary>Objects whose files it was made on, found or made; their ids in the context.</summary>
    public IReadOnlyList<uint> FileObjects { get; init; } = [];

    /// <summary>Ids of all objects it named or made, ascending; filled in by the log.</summary>
    public IReadOnlyList<uint> Objects { get; internal set; } = [];

    /// <summary>Path or name of the file that <c>open</c> opened or a descriptor in the structure stands for, where it is known.</summary>
    public string? FileName { get; init; }

    /// <summary>The command of a page or the API that it stands for; null if a program made it.</summary>
    public Command? Command { get; init; }

    /// <summary>Whether an undo took it back: the host is as if it had never been made.</summary>
    public bool IsUndone { get; internal set; }

    public Errno? Errno => Result < 0 ? (Errno)(-Result) : null;

    /// <summary>What keeping it costs, in bytes, near enough for a cap.</summary>
    public long CostBytes
    {
        get
        {
            long cost = FixedCostBytes + (Command?.CostBytes ?? 0) + Before.Length + After.Length + (2 * (Refusal?.Reason.Length ?? 0));
            foreach (CallBuffer buffer in Buffers)
                cost += BufferCostBytes + buffer.Bytes.Length;
            return cost;
        }
    }
}
