using System.Text.Json.Serialization;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;

namespace IommuDash.Workspaces.Commands;

/// <summary>Starts a process; fields as in host files.</summary>
public sealed record ProcessCreate : Command
{
    private const int MappingBytes = 256;

    public required int Pid { get; init; }

    public required string Name { get; init; }

    public int Uid { get; init; } = 1000;

    /// <summary>RLIMIT_MEMLOCK in bytes; 2^64-1 = unlimited.</summary>
    public ulong MemlockBytes { get; init; } = 8UL << 20;

    public bool CapIpcLock { get; init; }

    public bool CapSysResource { get; init; }

    public IReadOnlyList<MemoryDescription> Memory { get; init; } = [];

    public override int CostBytes => FixedCostBytes + (2 * Name.Length) + Memory.Sum(m => MappingBytes + (2 * (m.File?.Length ?? 0)));

    public override CommandResult Apply(EmulatedHost host) => new(host.CreateProcess(new ProcessDescription
    {
        Pid = Pid,
        Name = Name,
        Uid = Uid,
        MemlockBytes = MemlockBytes,
        CapIpcLock = CapIpcLock,
        CapSysResource = CapSysResource,
        Memory = Memory,
    }));

    public override Refusal? Check() =>
        CommandText.Check("name", Name, CommandText.MaxNameLength) ?? Memory.Select(m => CommandText.Check("file", m.File, CommandText.MaxNameLength)).FirstOrDefault(r => r is not null);
}

/// <summary>Ends a process: its contexts close and its memory goes.</summary>
public sealed record ProcessExit : Command
{
    public required int Pid { get; init; }

    public override bool OnlyReleases => true;

    public override CommandResult Apply(EmulatedHost host) => new(host.ExitProcess(Pid));
}

/// <summary>Maps memory into a process; fields as in host files.</summary>
public sealed record ProcessMmap : Command
{
    public required int Pid { get; init; }

    public required ulong Start { get; init; }

    public required ulong LengthBytes { get; init; }

    public bool Read { get; init; } = true;

    public bool Write { get; init; } = true;

    public FrameLayout Layout { get; init; }

    /// <summary>Name of the emulated file behind it; null = anonymous.</summary>
    public string? File { get; init; }

    public ulong FileOffset { get; init; }

    public bool Shared { get; init; }

    public override CommandResult Apply(EmulatedHost host) => new(host.MapMemory(Pid, new MemoryDescription
    {
        Start = Start,
        LengthBytes = LengthBytes,
        Read = Read,
        Write = Write,
        Layout = Layout,
        File = File,
        FileOffset = FileOffset,
        Shared = Shared,
    }));

    public override Refusal? Check() => CommandText.Check("file", File, CommandText.MaxNameLength);
}

/// <summary>Unmaps the mapping that starts at an address; pinned frames stay until their last unpin.</summary>
public sealed record ProcessMunmap : Command
{
    public required int Pid { get; init; }

    public required ulong Start { get; init; }

    public override bool OnlyReleases => true;

    public override CommandResult Apply(EmulatedHost host) => new(host.UnmapMemory(Pid, Start));
}

/// <summary>Stores bytes as the process would.</summary>
public sealed record ProcessWrite : Command
{
    /// <summary>Most bytes one command may write.</summary>
    public const int MaxBytes = 64 << 10;

    public required int Pid { get; init; }

    public required ulong Address { get; init; }

    /// <summary>The bytes; in JSON two hex digits each.</summary>
    [JsonPropertyName("hex")]
    [JsonConverter(typeof(HexBytesConverter))]
    public required ReadOnlyMemory<byte> Bytes { get; init; }

    public override int CostBytes => FixedCostBytes + Bytes.Length;

    public override CommandResult Apply(EmulatedHost host) => new(host.WriteMemory(Pid, Address, Bytes.Span));

    public override Refusal? Check() =>
        Bytes.Length <= MaxBytes ? null : new Refusal(Errno.E2BIG, "command.size", $"{Bytes.Length} bytes to write; one command may have {MaxBytes}.");
}

/// <summary>Sets a process's RLIMIT_MEMLOCK, in bytes.</summary>
public sealed record ProcessMemlock : Command
{
    public required int Pid { get; init; }

    public required ulong Bytes { get; init; }

    public override CommandResult Apply(EmulatedHost host) => new(host.SetMemlock(Pid, Bytes));
}
