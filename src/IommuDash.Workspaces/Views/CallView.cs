// One call in full: its structure field by field and byte by byte, its buffers, what it changed, and how to make it again.
using IommuDash.Abi;
using IommuDash.Abi.Layout;
using IommuDash.Engine;
using IommuDash.Workspaces.Calls;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Views;

/// <param name="Number">The call's number.</param>
public sealed record CallQuery(long Number);

/// <summary>One field of the structure.</summary>
/// <param name="Offset">In the structure, bytes.</param>
/// <param name="Bytes">Width.</param>
/// <param name="Text">The value before in words.</param>
/// <param name="AfterText">The value after in words; null if it did not change.</param>
/// <param name="Buffer">Index in the snapshot's buffers of what it points to; null if it points nowhere, or nothing there was read or written.</param>
public sealed record CallFieldItem(string Name, int Offset, int Bytes, FieldRole Role, ulong Before, ulong After, string Text, string? AfterText, int? Buffer);

/// <summary>User memory beyond the structure that the call read or wrote.</summary>
/// <param name="Hex">Its first bytes, two digits each.</param>
/// <param name="LengthBytes">All of it.</param>
public sealed record CallBufferItem(ulong Address, bool IsWrite, int LengthBytes, bool Failed, bool IsCut, string Hex);

/// <summary>A call, or that it is not there.</summary>
/// <param name="Exists">False: it is no longer kept, or has not been made; all else is empty then.</param>
public sealed record CallSnapshot(bool Exists)
{
    public CallItem? Call { get; init; }

    /// <summary>The structure's bytes, two digits each; empty if there is none or it could not be read.</summary>
    public string Before { get; init; } = "";

    public string After { get; init; } = "";

    public IReadOnlyList<CallFieldItem> Fields { get; init; } = [];

    public IReadOnlyList<CallBufferItem> Buffers { get; init; } = [];

    /// <summary>Buffers that were not kept.</summary>
    public int BuffersLeftOut { get; init; }

    /// <summary>Ranges of a refusal.</summary>
    public IReadOnlyList<RefusalRange> Ranges { get; init; } = [];

    /// <summary>Objects in the way of a refused call.</summary>
    public IReadOnlyList<uint> InTheWay { get; init; } = [];

    /// <summary>What the call changed, in order; the first <see cref="CallView.MaxEvents"/>.</summary>
    public IReadOnlyList<EventItem> Events { get; init; } = [];

    /// <summary>How many events the call has that are kept.</summary>
    public int TotalEvents { get; init; }

    /// <summary>Whether the event log no longer reaches back to the call.</summary>
    public bool EventsLost { get; init; }

    /// <summary>Numbers of the calls before it that a program needs to make it, ascending.</summary>
    public IReadOnlyList<long> Chain { get; init; } = [];

    /// <summary>A whole C program that makes the chain and the call; null where <see cref="NoC"/> says why there is none.</summary>
    public string? C { get; init; }

    public string? NoC { get; init; }

    /// <summary>The command for the same, as the HTTP API takes it; null where <see cref="NoCommand"/> says why there is none.</summary>
    public string? Command { get; init; }

    public string? NoCommand { get; init; }
}

public sealed class CallView : ILogView<CallQuery, CallSnapshot>
{
    public const int MaxEvents = 64;

    private static readonly CallSnapshot s_missing = new(false);

    public static string Name => "calls.call";

    public static CallSnapshot Project(WorkspaceLogs logs, CallQuery query)
    {
        ArgumentNullException.ThrowIfNull(logs);
        ArgumentNullException.ThrowIfNull(query);
        if (logs.Calls.Find(query.Number) is not { } call)
            return s_missing;
        (List<EventItem> events, int total) = EventsOf(logs.Events, call.Version);
        Command? command = CommandCalls.CommandOf(call, out string noCommand);
        CallChain chain = CallChain.Of(logs.Calls, call);
        string? c = CProgram.Write(chain, call, out string noC);
        return new CallSnapshot(true)
        {
            Call = CallsView.ItemOf(call),
            Before = Convert.ToHexStringLower(call.Before.Span),
            After = Convert.ToHexStringLower(call.After.Span),
            Fields = [.. CallTypes.FieldsOf(call).Select(field => ItemOf(call, field))],
            Buffers = [.. call.Buffers.Select(ItemOf)],
            BuffersLeftOut = call.BuffersLeftOut,
            Ranges = call.Refusal?.Ranges ?? [],
            InTheWay = call.Refusal?.Objects ?? [],
            Events = events,
            TotalEvents = total,
            EventsLost = total == 0 && logs.Events.Lost > 0 && logs.Events[logs.Events.FirstSequence].Version > call.Version,
            Chain = [.. chain.Calls.Select(before => before.Number)],
            C = c,
            NoC = c is null ? noC : null,
            Command = command is null ? null : CommandJson.Write(command),
            NoCommand = command is null ? noCommand : null,
        };
    }

    private static CallFieldItem ItemOf(CallRecord call, CallField field)
    {
        ulong before = field.Field.Read(call.Before.Span);
        ulong after = field.Field.Read(call.After.Span);
        int buffer = -1;
        if (field.Role == FieldRole.Buffer && before != 0)
            buffer = call.Buffers.ToList().FindIndex(b => b.Address == before);
        return new CallFieldItem(field.Name, field.Field.Offset, field.Field.Bytes, field.Role, before, after, CallText.Value(field, before), before == after ? null : CallText.Value(field, after), buffer < 0 ? null : buffer);
    }

    private static CallBufferItem ItemOf(CallBuffer buffer) =>
        new(buffer.Address, buffer.IsWrite, buffer.LengthBytes, buffer.Failed, buffer.IsCut, Convert.ToHexStringLower(buffer.Bytes.Span));

    // Refusals are events too, but the call says them itself.
    private static (List<EventItem> Events, int Total) EventsOf(EventRing ring, long version)
    {
        long first = ring.LastSequence;
        while (first >= ring.FirstSequence && ring[first].Version >= version)
            first--;
        List<EventItem> events = [];
        int total = 0;
        for (long sequence = first + 1; sequence <= ring.LastSequence && ring[sequence].Version == version; sequence++)
        {
            if (ring[sequence].Refusal is not null)
                continue;
            if (total++ < MaxEvents)
                events.Add(EventsView.ItemOf(ring[sequence]));
        }
        return (events, total);
    }
}
