using IommuDash.Abi;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Calls;

/// <summary>The calls that commands of pages and of the API stand for, as a program would have made them.</summary>
public static class CommandCalls
{
    private const string Node = "/dev/iommu";

    /// <summary>Who would make a command's call; read before the command runs, as it may end the context. Null if the command stands for no call, or nobody is there to make it.</summary>
    internal static EmulatedProcess? CallerOf(Command command, EmulatedHost host)
    {
        int? pid = command switch
        {
            ContextOpen open => open.Pid,
            IoasMap map => map.Pid,
            IoasMapFile map => map.Pid,
            IoasChangeProcess change => change.Pid,
            VfioMapDma map => map.Pid,
            _ => null,
        };
        if (command is ContextOpen)
            return Living(pid);
        int? context = command switch
        {
            ContextClose close => close.Fd,
            ContextCommand on when CommandCallTable.Find(on) is not null => on.Context,
            _ => null,
        };
        // Files of queues may outlive their context's own.
        EmulatedProcess? opener = command is EventFileCommand file ? file.FindFile(host)?.Context.Opener : context is { } fd ? host.FindContext(fd)?.Opener : null;
        return opener is null ? null : Living(pid ?? opener.Pid);

        EmulatedProcess? Living(int? pid) => host.FindProcess(pid!.Value) is { Memory.IsAlive: true } process ? process : null;
    }

    /// <summary>The call of a command that has run.</summary>
    internal static CallRecord Of(in CommandEntry entry)
    {
        CommandResult result = entry.Result;
        long failed = result.Refusal is { } refusal ? -(long)refusal.Errno : 0;
        var record = new CallRecord
        {
            Time = entry.Time,
            DurationMicroseconds = entry.DurationMicroseconds,
            Version = entry.Version,
            Source = entry.Source,
            Pid = entry.Pid,
            Program = entry.Program,
            Context = 0,
            Kind = CallKind.Ioctl,
            Name = "",
            Result = failed,
            Refusal = result.Refusal,
            Command = entry.Command,
        };
        switch (entry.Command)
        {
            case ContextOpen:
                return record with { Kind = CallKind.Open, Name = "open", FileName = Node, Context = result.Outputs?.Context ?? 0, Result = failed < 0 ? failed : result.Outputs?.Context ?? 0 };
            case ContextClose close:
                return record with { Kind = CallKind.Close, Name = "close", Context = close.Fd };
            case ContextCommand on when CommandCallTable.Find(on) is { } line:
                CallParts parts = line.ToCall(on, result);
                return record with
                {
                    Context = on.Context,
                    Name = line.Ioctl,
                    Request = CallTypes.Find(line.Ioctl)!.Number,
                    Argument = parts.Argument,
                    Before = parts.Before,
                    After = parts.After,
                    Buffers = parts.Buffers,
                    FileObjects = parts.FileObjects,
                    FileName = parts.FileName,
                    Result = failed < 0 ? failed : parts.Value,
                };
            case FaultRead read:
                return OfFile(record, read.Context, read.Fault, CallKind.Read, (ulong)(read.Count ?? FaultRead.MostBytes), result);
            case VeventqRead read:
                return OfFile(record, read.Context, read.Veventq, CallKind.Read, (ulong)(read.Count ?? CommandBytes.Max), result);
            case FaultAnswer answer:
                ulong bytes = (ulong)(answer.Responses.Count * FaultQueue.ResponseBytes);
                return OfFile(record, answer.Context, answer.Fault, CallKind.Write, bytes, result) with
                {
                    Result = failed < 0 ? failed : ((result.Outputs as QueueOutputs)?.Done ?? 0) * FaultQueue.ResponseBytes,
                    Buffers = [BufferOf(answer.ToBytes(), isWrite: false)],
                };
            case FaultClose close:
                return OfFile(record, close.Context, close.Fault, CallKind.Close, 0, result);
            case VeventqClose close:
                return OfFile(record, close.Context, close.Veventq, CallKind.Close, 0, result);
            default:
                throw new InvalidOperationException($"{entry.Command.GetType().Name} stands for no call.");
        }
    }

    private static CallRecord OfFile(CallRecord record, int context, uint id, CallKind kind, ulong count, in CommandResult result)
    {
        byte[] read = result.Outputs?.Hex is { } hex ? Convert.FromHexString(hex) : [];
        return record with
        {
            Context = context,
            Kind = kind,
            Name = kind.ToString().ToLowerInvariant(),
            FileObjects = [id],
            LengthBytes = count,
            Result = record.Result < 0 ? record.Result : read.Length,
            Buffers = read.Length == 0 ? [] : [BufferOf(read, isWrite: true)],
        };
    }

    private static CallBuffer BufferOf(byte[] bytes, bool isWrite) =>
        new(CommandCall.StandInAddress, isWrite, bytes.Length, Failed: false, bytes.AsMemory(0, Math.Min(bytes.Length, CallCapture.MaxBufferBytes)));

    /// <summary>The command that asks for what a call asked for. Null, and why in <paramref name="reason"/>, if no command can.</summary>
    public static Command? CommandOf(CallRecord call, out string reason)
    {
        ArgumentNullException.ThrowIfNull(call);
        reason = "";
        if (call.Command is { } own)
            return own;
        switch (call.Kind)
        {
            case CallKind.Open:
                return new ContextOpen { Pid = call.Pid };
            case CallKind.Close when call.FileObjects.Count == 0:
                return new ContextClose { Fd = call.Context };
            case not CallKind.Ioctl:
                reason = $"No command does what {call.Name} does on this file.";
                return null;
        }
        if (call.Refusal is { } refusal && refusal.Rule.StartsWith("abi.", StringComparison.Ordinal))
        {
            reason = "The door refused it for how it was passed; a command cannot be passed wrongly.";
            return null;
        }
        foreach (CommandCall line in CommandCallTable.OfIoctl(call.Name))
        {
            if (line.ToCommand(call) is { } command)
                return command;
        }
        reason = CommandCallTable.OfIoctl(call.Name).IsEmpty ? $"There is no command for {call.Name}." : "The call asks for something that its command cannot say.";
        return null;
    }
}

/// <summary>A command that has run and stands for a call; <see cref="CommandCalls.Of"/> makes the record when somebody looks.</summary>
internal readonly record struct CommandEntry(Command Command, CommandResult Result, int Pid, string Program, DateTimeOffset Time, double DurationMicroseconds, long Version, string Source)
{
    private const int CallBytes = 1_024;

    /// <summary>What keeping it and its record costs, in bytes, near enough for a cap.</summary>
    public long CostBytes => CallBytes + Command.CostBytes;
}
