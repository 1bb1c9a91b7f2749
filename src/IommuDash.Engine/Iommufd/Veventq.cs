// Events of a virtual IOMMU and their file (drivers/iommu/iommufd/eventq.c, the iommufd_veventq part).
// Holds always: sequence numbers rise by one per report, dropped reports included; there is at most one record of loss and it is the last one, so a reader sees how many events it missed and where.
using System.Buffers.Binary;

namespace IommuDash.Engine.Iommufd;

/// <summary>An event as it waits to be read.</summary>
/// <param name="Sequence">0 … 2^31-1, then from 0 again.</param>
/// <param name="Data">The driver's record.</param>
public readonly record struct Vevent(uint Sequence, byte[] Data);

/// <summary>A queue of one type of events of a vIOMMU. Read-only file.</summary>
public sealed class Veventq : EventFile
{
    /// <summary>Bytes in front of each record: flags and sequence number.</summary>
    public const int HeaderBytes = 8;

    /// <summary>Flag of a header that says events were lost; no record follows it.</summary>
    public const uint LostEvents = 1;

    private const uint SequenceMask = int.MaxValue;
    private readonly Queue<Vevent> _events = new();

    internal Veventq(IommufdContext context, Viommu viommu, uint eventType, uint depth) : base(context, IommufdObjectType.Veventq)
    {
        Viommu = viommu;
        EventType = eventType;
        Depth = depth;
        viommu.Get();
        viommu.VeventqMap.Add(eventType, this);
    }

    public Viommu Viommu { get; }

    public uint EventType { get; }

    /// <summary>Most events that wait.</summary>
    public uint Depth { get; }

    /// <summary>As many of them as the host has room for.</summary>
    public uint Room => Math.Min(Depth, (uint)Context.Host.Limits.EventsPerQueue);

    /// <summary>Events not read yet, oldest first.</summary>
    public IReadOnlyCollection<Vevent> Events => _events;

    /// <summary>Sequence number of the record of loss behind the events, or null.</summary>
    public uint? LostSequence { get; private set; }

    /// <summary>What the next report is numbered.</summary>
    public uint NextSequence { get; private set; }

    /// <summary>Sequence number that the reader has seen last, a record of loss included; null before the first.</summary>
    public uint? LastRead { get; private set; }

    /// <summary>Events read so far.</summary>
    public ulong ReadEvents { get; private set; }

    /// <summary>Events lost so far.</summary>
    public ulong LostEventCount { get; private set; }

    public override bool IsReadable => _events.Count != 0 || LostSequence is not null;

    public override IEnumerable<IommufdObject> References => [Viommu];

    /// <summary>Queues an event, or records that it was lost. What does not fit in the host's own limit counts as memory that has run out: lost too.</summary>
    internal void Report(ReadOnlySpan<byte> data)
    {
        uint sequence = NextSequence;
        NextSequence = (NextSequence + 1) & SequenceMask;
        bool isLost = _events.Count >= Room;
        LostSequence = isLost ? sequence : null;
        if (isLost)
            LostEventCount++;
        else
            _events.Enqueue(new Vevent(sequence, data.ToArray()));
        Context.Raise(isLost ? EngineEventKind.VeventLost : EngineEventKind.VeventQueued, Id, Viommu.Id, value: sequence);
    }

    /// <summary>
    /// read(): whole events, a header before each; nothing waiting is 0 bytes. ESPIPE an offset; EINVAL room for less than a header, or than the first event; EFAULT it cannot be stored, and waits on.
    /// </summary>
    /// <param name="count">Bytes asked for.</param>
    /// <param name="buffer">As many of them as can be stored.</param>
    public Refusal? Read(ulong offset, ulong count, Span<byte> buffer, out int bytes)
    {
        bytes = 0;
        if (offset != 0)
            return Seek($"Events are read from offset 0, not {offset}.");
        if (count < HeaderBytes)
            return TooSmall($"A header alone takes {HeaderBytes} bytes, room is given for {count}.");
        while (IsReadable)
        {
            bool isLost = _events.Count == 0;
            ReadOnlySpan<byte> data = isLost ? [] : _events.Peek().Data;
            int size = HeaderBytes + data.Length;
            if ((ulong)size > count - (ulong)bytes)
                return bytes != 0 ? null : TooSmall($"The first event takes {size} bytes, room is given for {count}.");
            if (size > buffer.Length - bytes)
                return bytes != 0 ? null : GuestData.Unreadable();
            BinaryPrimitives.WriteUInt32LittleEndian(buffer[bytes..], isLost ? LostEvents : 0);
            BinaryPrimitives.WriteUInt32LittleEndian(buffer[(bytes + 4)..], isLost ? LostSequence!.Value : _events.Peek().Sequence);
            data.CopyTo(buffer[(bytes + HeaderBytes)..]);
            bytes += size;
            if (isLost)
            {
                (LastRead, LostSequence) = (LostSequence, null);
                continue;
            }
            LastRead = _events.Dequeue().Sequence;
            ReadEvents++;
        }
        return null;
    }

    internal override void Destroy()
    {
        Viommu.VeventqMap.Remove(EventType);
        Viommu.Put();
    }
}
