// Emulated devices: drivers that read, write and pin memory through an IOAS without any hardware behind them.
using System.Text.Json.Serialization;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Workspaces.Commands;

/// <summary>Opens an emulated device on an IOAS.</summary>
public sealed record AccessCreate : ContextCommand
{
    public required uint Ioas { get; init; }

    /// <summary>Whether it may pin pages; the IOAS must then be page aligned.</summary>
    public bool Pins { get; init; } = true;

    /// <summary>The process whose file it is; null = the process that opened the context.</summary>
    public int? Pid { get; init; }

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context)
    {
        EmulatedProcess opener = context.Opener;
        if (Pid is { } pid && Living(host, pid, out opener) is { } gone)
            return gone;
        return AccessFile.Open(context, opener, Ioas, Pins, out AccessFile? file) is { } refusal ? refusal : new CommandOutputs { Access = file!.Access.Id };
    }

    internal static Refusal? Living(EmulatedHost host, int pid, out EmulatedProcess process)
    {
        process = host.FindProcess(pid)!;
        return process is { Memory.IsAlive: true } ? null : new Refusal(Errno.ENOENT, "process.lookup", $"There is no living process {pid}.");
    }
}

/// <summary>A command to one open emulated device. It may outlive its context's own file.</summary>
public abstract record AccessCommand : Command
{
    /// <summary>The file number its context has, or had.</summary>
    public int Context { get; init; } = 1;

    /// <summary>Id of the access object.</summary>
    public required uint Access { get; init; }

    public sealed override CommandResult Apply(EmulatedHost host) =>
        host.FindAnyContext(Context)?.Objects.Find<Access>(Access)?.Owner is AccessFile file
            ? Apply(host, file)
            : new Refusal(Errno.EBADFD, "access.file", $"No emulated device of context {Context} has access object {Access}.");

    private protected abstract CommandResult Apply(EmulatedHost host, AccessFile file);
}

/// <summary>Closes an emulated device; what it pinned is unpinned.</summary>
public sealed record AccessClose : AccessCommand
{
    public override bool OnlyReleases => true;

    private protected override CommandResult Apply(EmulatedHost host, AccessFile file)
    {
        file.Close();
        return new(null);
    }
}

/// <summary>Moves an emulated device to another IOAS; what it pinned in the old one is unpinned.</summary>
public sealed record AccessReplace : AccessCommand
{
    public required uint Ioas { get; init; }

    private protected override CommandResult Apply(EmulatedHost host, AccessFile file) => new(file.Access.Replace(Ioas));
}

/// <summary>Pins a range.</summary>
public sealed record AccessPin : AccessCommand
{
    public required ulong Iova { get; init; }

    public required ulong Length { get; init; }

    /// <summary>Pin for writing, not only for reading.</summary>
    public bool Write { get; init; }

    private protected override CommandResult Apply(EmulatedHost host, AccessFile file) =>
        file.Pin(Iova, Length, Write ? AccessFlags.Write : AccessFlags.None, out AccessItem? item) is { } refusal ? refusal : new CommandOutputs { Item = item!.Id };
}

/// <summary>Gives back what one pin took.</summary>
public sealed record AccessUnpin : AccessCommand
{
    /// <summary>As the pin answered.</summary>
    public required uint Item { get; init; }

    public override bool OnlyReleases => true;

    private protected override CommandResult Apply(EmulatedHost host, AccessFile file) => new(file.Unpin(Item));
}

/// <summary>Reads bytes by IOVA.</summary>
public sealed record AccessRead : AccessCommand
{
    public required ulong Iova { get; init; }

    public required int Length { get; init; }

    /// <summary>Go through the frames even where the caller's own memory could be copied.</summary>
    public bool Slow { get; init; }

    private protected override CommandResult Apply(EmulatedHost host, AccessFile file)
    {
        var bytes = new byte[Length];
        return file.Access.ReadWrite(file.Opener, Iova, bytes, Slow ? AccessFlags.SlowPath : AccessFlags.None) is { } refusal
            ? refusal
            : new CommandOutputs { Hex = Convert.ToHexStringLower(bytes) };
    }

    public override Refusal? Check() =>
        Length is >= 0 and <= ProcessWrite.MaxBytes ? null : new Refusal(Errno.E2BIG, "command.size", $"{Length} bytes to read; one command may have {ProcessWrite.MaxBytes}.");
}

/// <summary>Writes bytes by IOVA.</summary>
public sealed record AccessWrite : AccessCommand
{
    public required ulong Iova { get; init; }

    /// <summary>The bytes; in JSON two hex digits each.</summary>
    [JsonPropertyName("hex")]
    [JsonConverter(typeof(HexBytesConverter))]
    public required ReadOnlyMemory<byte> Bytes { get; init; }

    /// <summary>Go through the frames even where the caller's own memory could be copied.</summary>
    public bool Slow { get; init; }

    public override int CostBytes => FixedCostBytes + Bytes.Length;

    private protected override CommandResult Apply(EmulatedHost host, AccessFile file) =>
        new(file.Access.ReadWrite(file.Opener, Iova, Bytes.ToArray(), AccessFlags.Write | (Slow ? AccessFlags.SlowPath : AccessFlags.None)));

    public override Refusal? Check() =>
        Bytes.Length <= ProcessWrite.MaxBytes ? null : new Refusal(Errno.E2BIG, "command.size", $"{Bytes.Length} bytes to write; one command may have {ProcessWrite.MaxBytes}.");
}
