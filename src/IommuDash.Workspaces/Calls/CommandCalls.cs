using IommuDash.Engine.Hardware;
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
        EmulatedProcess? opener = context is { } fd ? host.FindContext(fd)?.Opener : null;
        return opener is null ? null : Living(pid ?? opener.Pid);

        EmulatedProcess? Living(int? pid) => host.FindProcess(pid!.Value) is { Memory.IsAlive: true } process ? process : null;
    }

    /// <summary>The call of a command that has run; null if it stands for none.</summary>
    /// <param name="caller">From <see cref="CallerOf"/>.</param>
    internal static CallRecord? Of(Command command, in CommandResult result, EmulatedProcess caller, in CallStamp stamp)
    {
        long failed = result.Refusal is { } refusal ? -(long)refusal.Errno : 0;
        var record = new CallRecord
        {
            Time = stamp.Time,
            DurationMicroseconds = stamp.DurationMicroseconds,
            Version = stamp.Version,
            Source = stamp.Source,
            Pid = caller.Pid,
            Program = caller.Name,
            Context = 0,
            Kind = CallKind.Ioctl,
            Name = "",
            Result = failed,
            Refusal = result.Refusal,
            Command = command,
        };
        switch (command)
        {
            case ContextOpen:
                return record with { Kind = CallKind.Open, Name = "open", FileName = Node, Context = result.Outputs?.Context ?? 0, Result = failed < 0 ? failed : result.Outputs?.Context ?? 0 };
            case ContextClose close:
                return record with { Kind = CallKind.Close, Name = "close", Context = close.Fd };
            case ContextCommand on when CommandCallTable.Find(on) is { } line:
                CallParts parts = line.ToCall(command, result);
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
            default:
                return null;
        }
    }

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

/// <summary>What a record says of when a command ran, and for whom.</summary>
internal readonly record struct CallStamp(DateTimeOffset Time, double DurationMicroseconds, long Version, string Source);
