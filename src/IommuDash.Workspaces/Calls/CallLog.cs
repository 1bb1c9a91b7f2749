// The last calls of a workspace, bounded by number and by bytes: when a cap is reached the oldest go and are counted. Touched only while the workspace's gate is held, like the event ring.
namespace IommuDash.Workspaces.Calls;

/// <summary>A bounded window on the calls. Numbers stay with their calls.</summary>
public sealed class CallLog(int maxEntries, long maxBytes)
{
    private const int FirstRoom = 256;

    // Call n is at (n - 1) % length; the array grows up to the cap and is then filled round and round.
    private Slot[] _slots = new Slot[Math.Min(maxEntries, FirstRoom)];

    /// <summary>Number of the newest call, 0 before the first.</summary>
    public long LastNumber { get; private set; }

    /// <summary>Number of the oldest call kept; one more than the last if none is.</summary>
    public long FirstNumber { get; private set; } = 1;

    public int Count => (int)(LastNumber - FirstNumber + 1);

    /// <summary>Calls that are no longer kept.</summary>
    public long Dropped => FirstNumber - 1;

    /// <summary>What the kept calls cost, near enough for a cap.</summary>
    public long Bytes { get; private set; }

    /// <summary>Failed calls since the workspace began, those no longer kept too.</summary>
    public long Failed { get; private set; }

    /// <summary>A call by its number; null if it is not kept, or there is none yet.</summary>
    public CallRecord? Find(long number) => number < FirstNumber || number > LastNumber ? null : Record(number);

    /// <summary>Adds a call and gives it its number. It belongs to the log from now on.</summary>
    public void Add(CallRecord call)
    {
        ArgumentNullException.ThrowIfNull(call);
        Finish(call, LastNumber + 1);
        Add(new Slot { Record = call, CostBytes = call.CostBytes }, call.Result < 0);
    }

    /// <summary>Adds the call of a command. Costs no allocation: the record is made when somebody looks.</summary>
    internal void Add(in CommandEntry command) => Add(new Slot { Command = command, CostBytes = command.CostBytes }, command.Result.Refusal is not null);

    /// <summary>Marks what an undo has taken back: the calls of one version.</summary>
    public void MarkUndone(long version)
    {
        for (long number = LastNumber; Find(number) is { } call && call.Version >= version; number--)
        {
            if (call.Version == version)
                call.IsUndone = true;
        }
    }

    private void Add(in Slot slot, bool hasFailed)
    {
        if (Count == maxEntries)
            DropOldest();
        else if (Count == _slots.Length)
            Grow();
        LastNumber++;
        At(LastNumber) = slot;
        Bytes += slot.CostBytes;
        if (hasFailed)
            Failed++;
        while (Bytes > maxBytes && Count > 1)
            DropOldest();
    }

    private ref Slot At(long number) => ref _slots[(number - 1) % _slots.Length];

    private CallRecord Record(long number)
    {
        ref Slot slot = ref At(number);
        if (slot.Record is null)
        {
            slot.Record = CommandCalls.Of(slot.Command);
            Finish(slot.Record, number);
        }
        return slot.Record;
    }

    private static void Finish(CallRecord call, long number)
    {
        call.Number = number;
        call.Objects = CallObjects.Of(call);
    }

    private void DropOldest()
    {
        ref Slot oldest = ref At(FirstNumber);
        Bytes -= oldest.CostBytes;
        oldest = default;
        FirstNumber++;
    }

    private void Grow()
    {
        Slot[] small = _slots;
        _slots = new Slot[Math.Min(maxEntries, small.Length * 2)];
        for (long number = FirstNumber; number <= LastNumber; number++)
            At(number) = small[(number - 1) % small.Length];
    }

    private struct Slot
    {
        public CallRecord? Record;
        public CommandEntry Command;
        public long CostBytes;
    }
}
