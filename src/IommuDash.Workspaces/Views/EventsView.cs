// The event log through a filter: a window by sequence number, so that someone who reads slowly sees exactly what was lost in between.
using IommuDash.Engine;

namespace IommuDash.Workspaces.Views;

/// <summary>Which events to show. All filters given must match.</summary>
public sealed record EventsQuery
{
    /// <summary>Most events in one snapshot.</summary>
    public const int MaxCount = 1_000;

    /// <summary>Show events up to this sequence number; 0 = the newest.</summary>
    public long UpTo { get; init; }

    /// <summary>How many to show, the newest first; 1 to <see cref="MaxCount"/>.</summary>
    public int Count { get; init; } = 200;

    /// <summary>Matching events, the newest first, to leave out before the first shown.</summary>
    public int Skip { get; init; }

    public EngineEventKind? Kind { get; init; }

    /// <summary>Context number.</summary>
    public int? Context { get; init; }

    /// <summary>Id of an object, in either role.</summary>
    public uint? Object { get; init; }

    /// <summary>Only events of this IOAS: its own id, and maps, ranges and domains of it.</summary>
    public uint? Ioas { get; init; }

    /// <summary>Only refused commands with this error.</summary>
    public Errno? Errno { get; init; }

    /// <summary>Only refused commands, with any error.</summary>
    public bool RefusedOnly { get; init; }

    /// <summary>Part of the command's name, source, rule or reason; case does not matter.</summary>
    public string? Text { get; init; }
}

/// <summary>One event as shown.</summary>
public sealed record EventItem : IViewItem
{
    public string Key => Sequence.ToString(System.Globalization.CultureInfo.InvariantCulture);

    public required long Sequence { get; init; }

    public required DateTimeOffset Time { get; init; }

    public required long Version { get; init; }

    public required string Source { get; init; }

    /// <summary>The command it belongs to.</summary>
    public required string Op { get; init; }

    public required EngineEventKind Kind { get; init; }

    public required int Context { get; init; }

    public required uint Object { get; init; }

    public required uint Other { get; init; }

    /// <summary>As the kind says; null where it has none.</summary>
    public IovaRange? Range { get; init; }

    public required ulong Value { get; init; }

    /// <summary>Null unless the command was refused.</summary>
    public Errno? Errno { get; init; }

    public string? Rule { get; init; }

    public string? Reason { get; init; }

    public IReadOnlyList<RefusalRange>? Ranges { get; init; }

    /// <summary>Objects in the way of a refused command.</summary>
    public IReadOnlyList<uint>? Objects { get; init; }
}

/// <summary>A window of the event log.</summary>
public sealed record EventsSnapshot : IItemSnapshot
{
    /// <summary>Newest first.</summary>
    public required IReadOnlyList<EventItem> Items { get; init; }

    IReadOnlyList<IViewItem> IItemSnapshot.Items => Items;

    /// <summary>Events kept that match, shown or not.</summary>
    public required int Matching { get; init; }

    /// <summary>Sequence number of the newest event of all.</summary>
    public required long LastSequence { get; init; }

    /// <summary>The oldest that is kept.</summary>
    public required long FirstSequence { get; init; }

    /// <summary>Events that are no longer kept (option <c>Workspaces:EventEntries</c>).</summary>
    public required long Lost { get; init; }
}

/// <summary>Reads the event ring.</summary>
public sealed class EventsView : ILogView<EventsQuery, EventsSnapshot>
{
    public static string Name => "events";

    public static EventsSnapshot Project(WorkspaceLogs logs, EventsQuery query)
    {
        ArgumentNullException.ThrowIfNull(logs);
        return Project(logs.Events, query);
    }

    internal static EventsSnapshot Project(EventRing events, EventsQuery query)
    {
        int count = Math.Clamp(query.Count, 1, EventsQuery.MaxCount);
        long upTo = query.UpTo <= 0 ? events.LastSequence : Math.Min(query.UpTo, events.LastSequence);
        var items = new List<EventItem>();
        int matching = 0;
        for (long sequence = upTo; sequence >= events.FirstSequence; sequence--)
        {
            ref readonly EventEntry entry = ref events[sequence];
            if (!Matches(entry, query))
                continue;
            if (matching >= query.Skip && items.Count < count)
                items.Add(ItemOf(entry));
            matching++;
        }
        return new EventsSnapshot { Items = items, Matching = matching, LastSequence = events.LastSequence, FirstSequence = events.FirstSequence, Lost = events.Lost };
    }

    private static bool Matches(in EventEntry entry, EventsQuery query)
    {
        EngineEvent raised = entry.Event;
        return (query.Kind is not { } kind || raised.Kind == kind)
            && (query.Context is not { } context || raised.Context == context)
            && (query.Object is not { } id || IsAbout(raised, id))
            && (query.Ioas is not { } ioas || IsAboutIoas(raised, ioas))
            && (query.Errno is not { } errno || entry.Refusal?.Errno == errno)
            && (!query.RefusedOnly || entry.Refusal is not null)
            && (query.Text is not { Length: > 0 } text || Says(entry, text));
    }

    private static bool IsAbout(in EngineEvent raised, uint id) => raised.Kind switch
    {
        EngineEventKind.ObjectCreated or EngineEventKind.ObjectDestroyed => raised.Object == id,
        EngineEventKind.DeviceAttached or EngineEventKind.DeviceReplaced or EngineEventKind.DeviceDetached => raised.Object == id || raised.Other == id,
        EngineEventKind.OptionSet => raised.Other == id,
        EngineEventKind.DirtyBitmapRead => raised.Object == id,
        EngineEventKind.DomainAdded or EngineEventKind.DomainRemoved or EngineEventKind.DirtyTrackingSet or EngineEventKind.DeviceWrote => raised.Object == id || raised.Other == id,
        _ => IsAboutIoas(raised, id),
    };

    private static bool IsAboutIoas(in EngineEvent raised, uint ioas) => raised.Kind switch
    {
        EngineEventKind.AreaMapped or EngineEventKind.AreaUnmapped or EngineEventKind.AllowedChanged or EngineEventKind.ReservedAdded or EngineEventKind.ReservedRemoved or EngineEventKind.AlignmentChanged => raised.Object == ioas,
        EngineEventKind.ObjectCreated or EngineEventKind.ObjectDestroyed => raised.Object == ioas && raised.Other == (uint)Engine.Iommufd.IommufdObjectType.Ioas,
        EngineEventKind.DomainAdded or EngineEventKind.DomainRemoved => raised.Object == ioas,
        EngineEventKind.OptionSet => raised.Other == ioas,
        _ => false,
    };

    private static bool Says(in EventEntry entry, string text) =>
        entry.Op.Contains(text, StringComparison.OrdinalIgnoreCase) || entry.Source.Contains(text, StringComparison.OrdinalIgnoreCase)
        || entry.Event.Kind.ToString().Contains(text, StringComparison.OrdinalIgnoreCase)
        || (entry.Refusal is { } refusal && (refusal.Rule.Contains(text, StringComparison.OrdinalIgnoreCase) || refusal.Reason.Contains(text, StringComparison.OrdinalIgnoreCase)));

    internal static EventItem ItemOf(in EventEntry entry) => new()
    {
        Sequence = entry.Sequence,
        Time = entry.Time,
        Version = entry.Version,
        Source = entry.Source,
        Op = entry.Op,
        Kind = entry.Event.Kind,
        Context = entry.Event.Context,
        Object = entry.Event.Object,
        Other = entry.Event.Other,
        Range = entry.Event.Range == default ? null : entry.Event.Range,
        Value = entry.Event.Value,
        Errno = entry.Refusal?.Errno,
        Rule = entry.Refusal?.Rule,
        Reason = entry.Refusal?.Reason,
        Ranges = entry.Refusal?.Ranges,
        Objects = entry.Refusal?.Objects,
    };
}
