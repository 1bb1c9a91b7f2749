// The log of a workspace's commands, refused ones included, since a refused unmap may have removed something: replaying it from the host's description gives an equal state.
// Bounded by entries and by bytes; when a cap is reached the oldest entries go, and what is left can no longer be replayed.
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces;

/// <summary>A command as it was executed.</summary>
/// <param name="Version">The workspace's version with it.</param>
/// <param name="Time">When; for people only, no state depends on it.</param>
/// <param name="Source">Who asked, e.g. <c>api</c>, <c>page</c>.</param>
public readonly record struct JournalEntry(long Version, DateTimeOffset Time, string Source, Command Command);

/// <summary>The commands since the host was made, oldest first. Used by the workspace's writer only.</summary>
public sealed class Journal(int maxEntries, long maxBytes)
{
    private readonly LinkedList<JournalEntry[]> _chunks = [];
    private const int ChunkEntries = 1_024;
    private int _first;
    private int _endInLast = ChunkEntries;

    /// <summary>Entries kept.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes the kept commands cost, near enough for a cap.</summary>
    public long Bytes { get; private set; }

    /// <summary>Entries that a cap dropped.</summary>
    public long Dropped { get; private set; }

    /// <summary>Whether the journal still begins with the host's first command.</summary>
    public bool IsReplayable => Dropped == 0;

    /// <summary>Oldest first.</summary>
    public IEnumerable<JournalEntry> Entries
    {
        get
        {
            for (LinkedListNode<JournalEntry[]>? chunk = _chunks.First; chunk is not null; chunk = chunk.Next)
            {
                int end = chunk.Next is null ? _endInLast : ChunkEntries;
                for (int i = chunk.Previous is null ? _first : 0; i < end; i++)
                    yield return chunk.Value[i];
            }
        }
    }

    /// <summary>The newest entries, at most <paramref name="count"/>, oldest first. Costs what it returns, however long the journal is.</summary>
    internal IReadOnlyList<JournalEntry> Newest(int count)
    {
        var newest = new JournalEntry[Math.Clamp(count, 0, Count)];
        int left = newest.Length;
        for (LinkedListNode<JournalEntry[]>? chunk = _chunks.Last; left > 0; chunk = chunk.Previous)
        {
            int end = chunk!.Next is null ? _endInLast : ChunkEntries;
            int taken = Math.Min(left, end);
            Array.Copy(chunk.Value, end - taken, newest, left - taken, taken);
            left -= taken;
        }
        return newest;
    }

    internal void Add(in JournalEntry entry)
    {
        if (_endInLast == ChunkEntries)
        {
            _chunks.AddLast(new JournalEntry[ChunkEntries]);
            _endInLast = 0;
        }
        _chunks.Last!.Value[_endInLast++] = entry;
        Count++;
        Bytes += entry.Command.CostBytes;
        Trim();
    }

    /// <summary>The newest entry's command is kept in another form.</summary>
    internal void ReplaceLast(Command command)
    {
        ref JournalEntry last = ref _chunks.Last!.Value[_endInLast - 1];
        Bytes += command.CostBytes - last.Command.CostBytes;
        last = last with { Command = command };
        Trim();
    }

    /// <summary>Takes the newest entry back.</summary>
    internal void RemoveLast()
    {
        JournalEntry[] last = _chunks.Last!.Value;
        Bytes -= last[--_endInLast].Command.CostBytes;
        last[_endInLast] = default;
        Count--;
        if (_endInLast != 0 && Count != 0)
            return;
        _chunks.RemoveLast();
        _endInLast = ChunkEntries;
        if (_chunks.Count == 0)
            _first = 0;
    }

    private void Trim()
    {
        while (Count > maxEntries || (Bytes > maxBytes && Count > 1))
            DropOldest();
    }

    private void DropOldest()
    {
        JournalEntry[] oldest = _chunks.First!.Value;
        Bytes -= oldest[_first].Command.CostBytes;
        oldest[_first++] = default;
        Count--;
        Dropped++;
        if (_first < ChunkEntries)
            return;
        _chunks.RemoveFirst();
        _first = 0;
    }
}
