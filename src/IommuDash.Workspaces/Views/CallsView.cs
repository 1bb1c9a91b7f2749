// The calls of a workspace through a filter: a window by number, so that someone who reads slowly sees exactly what was dropped in between.
using System.Globalization;
using IommuDash.Engine;
using IommuDash.Workspaces.Calls;

namespace IommuDash.Workspaces.Views;

/// <summary>Which calls to show. All filters given must match.</summary>
public sealed record CallsQuery
{
    /// <summary>Most calls in one snapshot.</summary>
    public const int MaxCount = 1_000;

    /// <summary>Show calls up to this number; 0 = the newest.</summary>
    public long UpTo { get; init; }

    /// <summary>Show calls from this number on; 0 = the oldest that is kept.</summary>
    public long From { get; init; }

    /// <summary>How many to show, the newest first; 1 to <see cref="MaxCount"/>.</summary>
    public int Count { get; init; } = 200;

    /// <summary>Matching calls, the newest first, to leave out before the first shown.</summary>
    public int Skip { get; init; }

    /// <summary>Context number.</summary>
    public int? Context { get; init; }

    /// <summary>Id of an object the call named or made.</summary>
    public uint? Object { get; init; }

    /// <summary>Calling process.</summary>
    public int? Pid { get; init; }

    /// <summary>Name of the call, e.g. <c>IOAS_MAP</c> or <c>open</c>.</summary>
    public string? Call { get; init; }

    /// <summary>Only calls that failed with this error.</summary>
    public Errno? Errno { get; init; }

    /// <summary>Only calls that failed, with any error.</summary>
    public bool FailedOnly { get; init; }

    /// <summary>Part of the call's name or operation, program, source, rule, reason or file name; case does not matter.</summary>
    public string? Text { get; init; }
}

/// <summary>One call as a row shows it.</summary>
public sealed record CallItem : IViewItem
{
    public string Key => Number.ToString(CultureInfo.InvariantCulture);

    public required long Number { get; init; }

    public required DateTimeOffset Time { get; init; }

    public required double DurationMicroseconds { get; init; }

    public required long Version { get; init; }

    /// <summary>As in <see cref="CallRecord.Source"/>.</summary>
    public required string Source { get; init; }

    public required int Pid { get; init; }

    public required string Program { get; init; }

    public required int Context { get; init; }

    public required CallKind Kind { get; init; }

    /// <summary>Name; of TEST with its operation.</summary>
    public required string Name { get; init; }

    /// <summary>What was asked for, in words.</summary>
    public required string Arguments { get; init; }

    /// <summary>Fields the call changed, in words; empty if none.</summary>
    public required string Outputs { get; init; }

    /// <summary>0 or more, or a negative errno.</summary>
    public required long Result { get; init; }

    public Errno? Errno { get; init; }

    public string? Rule { get; init; }

    public string? Reason { get; init; }

    /// <summary>Ids of objects it named or made.</summary>
    public required IReadOnlyList<uint> Objects { get; init; }

    /// <summary>Whether an undo took it back.</summary>
    public bool Undone { get; init; }
}

/// <summary>A process that called.</summary>
public sealed record CallProgram(int Pid, string Name);

/// <summary>A window of the calls.</summary>
public sealed record CallsSnapshot : IItemSnapshot
{
    /// <summary>Newest first.</summary>
    public required IReadOnlyList<CallItem> Items { get; init; }

    IReadOnlyList<IViewItem> IItemSnapshot.Items => Items;

    /// <summary>Calls kept that match, shown or not.</summary>
    public required int Matching { get; init; }

    /// <summary>Number of the newest call of all, 0 before the first.</summary>
    public required long LastNumber { get; init; }

    /// <summary>The oldest that is kept.</summary>
    public required long FirstNumber { get; init; }

    /// <summary>Calls that are no longer kept (options <c>Workspaces:CallEntries</c>, <c>CallBytes</c>).</summary>
    public required long Dropped { get; init; }

    /// <summary>Failed calls of all, no longer kept ones too.</summary>
    public required long Failed { get; init; }

    /// <summary>Who made the calls that are kept: the newest <see cref="CallsView.MaxPrograms"/>.</summary>
    public required IReadOnlyList<CallProgram> Programs { get; init; }

    /// <summary>Contexts of the calls that are kept, ascending; at most <see cref="CallsView.MaxPrograms"/>.</summary>
    public required IReadOnlyList<int> Contexts { get; init; }
}

/// <summary>Reads the call log.</summary>
public sealed class CallsView : ILogView<CallsQuery, CallsSnapshot>
{
    public const int MaxPrograms = 64;

    public static string Name => "calls";

    public static CallsSnapshot Project(WorkspaceLogs logs, CallsQuery query)
    {
        ArgumentNullException.ThrowIfNull(logs);
        ArgumentNullException.ThrowIfNull(query);
        CallLog calls = logs.Calls;
        int count = Math.Clamp(query.Count, 1, CallsQuery.MaxCount);
        long upTo = query.UpTo <= 0 ? calls.LastNumber : Math.Min(query.UpTo, calls.LastNumber);
        var items = new List<CallItem>();
        var programs = new Dictionary<int, CallProgram>();
        var contexts = new SortedSet<int>();
        int matching = 0;
        for (long number = calls.LastNumber; calls.Find(number) is { } call; number--)
        {
            if (programs.Count < MaxPrograms)
                programs.TryAdd(call.Pid, new CallProgram(call.Pid, call.Program));
            if (contexts.Count < MaxPrograms && call.Context != 0)
                contexts.Add(call.Context);
            if (number > upTo || number < query.From || !Matches(call, query))
                continue;
            if (matching >= query.Skip && items.Count < count)
                items.Add(ItemOf(call));
            matching++;
        }
        return new CallsSnapshot
        {
            Items = items,
            Matching = matching,
            LastNumber = calls.LastNumber,
            FirstNumber = calls.FirstNumber,
            Dropped = calls.Dropped,
            Failed = calls.Failed,
            Programs = [.. programs.Values],
            Contexts = [.. contexts],
        };
    }

    internal static CallItem ItemOf(CallRecord call) => new()
    {
        Number = call.Number,
        Time = call.Time,
        DurationMicroseconds = call.DurationMicroseconds,
        Version = call.Version,
        Source = call.Source,
        Pid = call.Pid,
        Program = call.Program,
        Context = call.Context,
        Kind = call.Kind,
        Name = CallText.NameOf(call),
        Arguments = CallText.Arguments(call),
        Outputs = CallText.Outputs(call),
        Result = call.Result,
        Errno = call.Errno,
        Rule = call.Refusal?.Rule,
        Reason = call.Refusal?.Reason,
        Objects = call.Objects,
        Undone = call.IsUndone,
    };

    private static bool Matches(CallRecord call, CallsQuery query) =>
        (query.Context is not { } context || call.Context == context)
        && (query.Object is not { } id || call.Objects.Contains(id))
        && (query.Pid is not { } pid || call.Pid == pid)
        && (query.Call is not { Length: > 0 } name || call.Name == name)
        && (query.Errno is not { } errno || call.Errno == errno)
        && (!query.FailedOnly || call.Result < 0)
        && (query.Text is not { Length: > 0 } text || Says(call, text));

    private static bool Says(CallRecord call, string text)
    {
        return Has(call.Name) || Has(call.Program) || Has(call.Source) || Has(call.FileName) || Has(call.Refusal?.Rule) || Has(call.Refusal?.Reason) || Has(CallTypes.OperationOf(call)?.Name);

        bool Has(string? part) => part is not null && part.Contains(text, StringComparison.OrdinalIgnoreCase);
    }
}
