// The call that a command stands for, and the command that a call stands for. One line of a table per command keeps both ways together.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IommuDash.Abi;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Calls;

/// <summary>How one command and one ioctl stand for each other.</summary>
internal abstract class CommandCall(Type command, string ioctl)
{
    /// <summary>Where structures of calls that no program made say their buffers are; nothing is there.</summary>
    public const ulong StandInAddress = 0x7fff_0000_0000;

    public Type Command => command;

    /// <summary>The ioctl's name.</summary>
    public string Ioctl => ioctl;

    /// <summary>The call, without what is not the command's to know: when, who, how long.</summary>
    public abstract CallParts ToCall(Command command, in CommandResult result);

    /// <summary>The command that asks for what a program's call asked for; null if this one cannot say it.</summary>
    public abstract Command? ToCommand(CallRecord call);
}

/// <summary>What a command says of its call.</summary>
internal readonly record struct CallParts(byte[] Before, byte[] After)
{
    public IReadOnlyList<CallBuffer> Buffers { get; init; } = [];

    /// <summary>What the ioctl returns if it succeeds.</summary>
    public long Value { get; init; }

    public ulong Argument { get; init; }

    public IReadOnlyList<uint> FileObjects { get; init; } = [];

    public string? FileName { get; init; }
}

/// <summary>A command whose ioctl has a structure. Its first 32 bits are its length, filled in here where they are 0.</summary>
internal sealed class StructureCall<TCommand, TStructure>(string ioctl) : CommandCall(typeof(TCommand), ioctl)
    where TCommand : Command
    where TStructure : unmanaged
{
    /// <summary>The structure as a program would fill it.</summary>
    public required Func<TCommand, TStructure> In { get; init; }

    /// <summary>The structure with the answer's outputs; the same as before if left out.</summary>
    public Func<TStructure, CommandOutputs, TStructure>? Out { get; init; }

    /// <summary>Whether the outputs are written back also when the call is refused.</summary>
    public bool WritesBackOnRefusal { get; init; }

    /// <summary>The command, or null if the structure asks for something that it cannot say; left out where the door has no such call.</summary>
    public Func<TStructure, CallRecord, TCommand?>? Back { get; init; }

    /// <summary>Buffers, descriptors and the like beside the structure.</summary>
    public Func<TCommand, CommandOutputs, CallParts, CallParts>? Beside { get; init; }

    public override CallParts ToCall(Command command, in CommandResult result)
    {
        var asked = (TCommand)command;
        CommandOutputs outputs = result.Outputs ?? new CommandOutputs();
        TStructure before = In(asked);
        bool writesBack = result.Outputs is not null && (result.Refusal is null || WritesBackOnRefusal);
        TStructure after = writesBack && Out is { } fill ? fill(before, outputs) : before;
        var parts = new CallParts(Bytes(before), Bytes(after));
        return Beside?.Invoke(asked, outputs, parts) ?? parts;
    }

    // Callers may know a shorter structure, or a longer one whose end is zero.
    public override Command? ToCommand(CallRecord call)
    {
        Span<byte> whole = stackalloc byte[Unsafe.SizeOf<TStructure>()];
        whole.Clear();
        call.Before.Span[..Math.Min(call.Before.Length, whole.Length)].CopyTo(whole);
        return Back?.Invoke(MemoryMarshal.Read<TStructure>(whole), call);
    }

    private static byte[] Bytes(TStructure structure)
    {
        var bytes = new byte[Unsafe.SizeOf<TStructure>()];
        MemoryMarshal.Write(bytes, in structure);
        if (MemoryMarshal.Read<uint>(bytes) == 0)
            MemoryMarshal.Write(bytes, (uint)bytes.Length);
        return bytes;
    }
}

/// <summary>A command whose ioctl passes a value instead of a structure.</summary>
internal sealed class ValueCall<TCommand>(string ioctl, Func<TCommand, ulong> argument, Func<ulong, CallRecord, TCommand> back) : CommandCall(typeof(TCommand), ioctl)
    where TCommand : Command
{
    public override CallParts ToCall(Command command, in CommandResult result) =>
        new([], []) { Argument = argument((TCommand)command), Value = (long)(result.Outputs?.Value ?? 0) };

    public override Command ToCommand(CallRecord call) => back(call.Argument, call);
}
