using System.Text.Json.Serialization;
using IommuDash.Engine;

namespace IommuDash.Workspaces.Commands;

/// <summary>What applying a command gave: outputs, a refusal, or both where the reference too reports partial work.</summary>
public readonly record struct CommandResult(Refusal? Refusal, CommandOutputs? Outputs = null)
{
    public static implicit operator CommandResult(Refusal refusal) => new(refusal);

    public static implicit operator CommandResult(CommandOutputs outputs) => new(null, outputs);
}

/// <summary>Values a command gives back; each command fills those that its call has, the rest stay null. What only rare calls have is in a record of its own, so that the answer of a map stays small.</summary>
[JsonDerivedType(typeof(QueueOutputs))]
public record CommandOutputs
{
    /// <summary>File number of a new context.</summary>
    public int? Context { get; init; }

    /// <summary>Id of a new device object.</summary>
    public uint? Device { get; init; }

    /// <summary>Id of the hw_pagetable made or attached to.</summary>
    public uint? Hwpt { get; init; }

    /// <summary>Id of a new IOAS.</summary>
    public uint? Ioas { get; init; }

    /// <summary>Id of a new access object.</summary>
    public uint? Access { get; init; }

    /// <summary>What to give an unpin.</summary>
    public uint? Item { get; init; }

    /// <summary>Bytes read, two hex digits each.</summary>
    public string? Hex { get; init; }

    /// <summary>Where a map or copy landed.</summary>
    public ulong? Iova { get; init; }

    /// <summary>How much an unmap removed; capped at 2^64-1.</summary>
    public ulong? UnmappedBytes { get; init; }

    /// <summary>An option's or extension's value; a bitmap of page sizes.</summary>
    public ulong? Value { get; init; }

    /// <summary>Usable ranges of an IOAS, at most as many as asked for.</summary>
    public IReadOnlyList<IovaRange>? Ranges { get; init; }

    /// <summary>How many usable ranges there are.</summary>
    public int? TotalRanges { get; init; }

    /// <summary>What a read of dirty bits gave, or a device's write left.</summary>
    public DirtyOutputs? Dirty { get; init; }

    /// <summary>What IOVAs and lengths must be multiples of, in bytes.</summary>
    public ulong? Alignment { get; init; }
}

/// <summary>Outputs of the commands about dirty pages.</summary>
public sealed record DirtyOutputs
{
    /// <summary>Bits of the bitmap that was read: one for each page asked about.</summary>
    public ulong? Bits { get; init; }

    /// <summary>How many of them are set.</summary>
    public ulong? DirtyBits { get; init; }

    /// <summary>Bytes of the leaves that a read made clean; large leaves are cleared whole.</summary>
    public ulong? ClearedBytes { get; init; }

    /// <summary>The first dirty ranges.</summary>
    public IReadOnlyList<IovaRange>? Ranges { get; init; }

    /// <summary>How many dirty ranges there are.</summary>
    public int? TotalRanges { get; init; }

    /// <summary>The first bytes of the bitmap, two hex digits each; bit n of byte m is page 8 m + n.</summary>
    public string? Hex { get; init; }

    /// <summary>Bytes of the leaves that a device's write made dirty.</summary>
    public ulong? DirtiedBytes { get; init; }
}

/// <summary>The answer to a command as every caller gets it.</summary>
public sealed record CommandAnswer
{
    /// <summary>The error's name, or null for success.</summary>
    public Errno? Errno { get; init; }

    /// <summary>The error's number as Linux has it, 0 for success.</summary>
    public int Number => (int)(Errno ?? 0);

    /// <summary>Stable short name of the rule that fired.</summary>
    public string? Rule { get; init; }

    /// <summary>One sentence with the values at hand.</summary>
    public string? Reason { get; init; }

    /// <summary>Ranges to light up: the request's own first, then those in its way.</summary>
    public IReadOnlyList<RefusalRange> Ranges { get; init; } = [];

    /// <summary>Ids of the objects in the way.</summary>
    public IReadOnlyList<uint> Objects { get; init; } = [];

    public CommandOutputs Outputs { get; init; } = NoOutputs;

    /// <summary>The workspace's version with this command in it. A command that a limit stopped got none: then the version before it.</summary>
    public long Version { get; init; }

    private static CommandOutputs NoOutputs { get; } = new();

    internal static CommandAnswer From(in CommandResult result, long version) => result.Refusal is { } refusal
        ? new CommandAnswer
        {
            Errno = refusal.Errno,
            Rule = refusal.Rule,
            Reason = refusal.Reason,
            Ranges = refusal.Ranges,
            Objects = refusal.Objects,
            Outputs = result.Outputs ?? NoOutputs,
            Version = version,
        }
        : new CommandAnswer { Outputs = result.Outputs ?? NoOutputs, Version = version };
}
