// The last events of a workspace: what the engine reported, and one entry for each refused command. Entries are structs in one array that is filled round and round, so an event costs no allocation.
using IommuDash.Engine;

namespace IommuDash.Workspaces;

/// <summary>One event.</summary>
/// <param name="Sequence">Counts all events of the workspace from 1, those no longer kept too.</param>
/// <param name="Time">When the command ran.</param>
/// <param name="Version">The workspace's version with the command.</param>
/// <param name="Source">Who asked for the command.</param>
/// <param name="Op">The command's <c>op</c>.</param>
/// <param name="Event">What the engine reported; kind <see cref="EngineEventKind.None"/> for a refused command or an undo.</param>
/// <param name="Refusal">Why the command was refused, or null.</param>
public readonly record struct EventEntry(long Sequence, DateTimeOffset Time, long Version, string Source, string Op, EngineEvent Event, Refusal? Refusal);

/// <summary>A bounded window on the event stream. Used by the workspace's writer and by projections, which run one at a time.</summary>
public sealed class EventRing(int capacity) : IEngineEventSink
{
    private EventEntry[] _entries = new EventEntry[Math.Min(capacity, 256)];
    private DateTimeOffset _time;
    private long _version;
    private string _source = "";
    private string _op = "";
    private long _before;

    /// <summary>Sequence number of the newest event, 0 before the first.</summary>
    public long LastSequence { get; private set; }

    /// <summary>Sequence number of the oldest event kept; one more than the last if none is.</summary>
    public long FirstSequence => Math.Max(1, LastSequence - _entries.Length + 1);

    /// <summary>Events that are no longer kept.</summary>
    public long Lost => FirstSequence - 1;

    /// <summary>An event that is kept, by its sequence number.</summary>
    public ref readonly EventEntry this[long sequence]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(sequence, FirstSequence);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(sequence, LastSequence);
            return ref _entries[(sequence - 1) % _entries.Length];
        }
    }

    public void Raise(in EngineEvent engineEvent) => Add(engineEvent, null);

    /// <summary>Says which command the events to come belong to.</summary>
    internal void Begin(DateTimeOffset time, long version, string source, string op) => (_time, _version, _source, _op, _before) = (time, version, source, op, LastSequence);

    /// <summary>Names the command under way anew, once what it asks for has been read: its events so far and those to come.</summary>
    internal void Rename(string op)
    {
        if (op == _op)
            return;
        _op = op;
        for (long sequence = Math.Max(_before + 1, FirstSequence); sequence <= LastSequence; sequence++)
        {
            ref EventEntry entry = ref _entries[(sequence - 1) % _entries.Length];
            entry = entry with { Op = op };
        }
    }

    internal void AddRefusal(Refusal refusal) => Add(default, refusal);

    internal void AddMark() => Add(default, null);

    private void Add(in EngineEvent engineEvent, Refusal? refusal)
    {
        if (LastSequence == _entries.Length && _entries.Length < capacity)
            Array.Resize(ref _entries, Math.Min(capacity, _entries.Length * 2));
        _entries[LastSequence++ % _entries.Length] = new EventEntry(LastSequence, _time, _version, _source, _op, engineEvent, refusal);
    }
}
