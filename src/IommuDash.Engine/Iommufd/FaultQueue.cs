// The fault queue object and its file (drivers/iommu/iommufd/eventq.c, the iommufd_fault part).
// Holds always: a group is in one place: waiting to be read, or read and unanswered under its cookie. Whatever ends a group answers it towards the device, once.
using System.Buffers.Binary;

namespace IommuDash.Engine.Iommufd;

/// <summary>Page faults of the devices attached to the hw_pagetables that use it, in groups, oldest first.</summary>
public sealed class FaultQueue : EventFile
{
    /// <summary>Bytes of a response: cookie and code.</summary>
    public const int ResponseBytes = 8;

    private readonly LinkedList<FaultGroup> _waiting = new();
    private readonly SortedDictionary<uint, FaultGroup> _unanswered = [];

    internal FaultQueue(IommufdContext context) : base(context, IommufdObjectType.Fault)
    {
    }

    /// <summary>Groups not read yet, oldest first.</summary>
    public IReadOnlyCollection<FaultGroup> Waiting => _waiting;

    /// <summary>Groups read and not answered, by cookie.</summary>
    public IReadOnlyDictionary<uint, FaultGroup> Unanswered => _unanswered;

    /// <summary>Groups it has taken so far.</summary>
    public ulong TakenGroups { get; private set; }

    /// <summary>Groups read so far.</summary>
    public ulong ReadGroups { get; private set; }

    /// <summary>
    /// Whether cookie 0 is given out too. At first it is reserved; a response that names it while a group is unanswered is refused, and yet takes the reservation away for good:
    /// the kernel's table (an xarray that counts from 1) erases the mark that kept the place.
    /// </summary>
    public bool GivesCookieZero { get; private set; }

    /// <summary>Groups it had no room for; they were answered INVALID at once.</summary>
    public ulong DroppedGroups { get; private set; }

    public override bool IsReadable => _waiting.Count != 0;

    public override IEnumerable<IommufdObject> References => [];

    internal bool TryQueue(FaultGroup group)
    {
        if (_waiting.Count + _unanswered.Count >= Context.Host.Limits.FaultGroupsPerQueue)
        {
            DroppedGroups++;
            return false;
        }
        group.Number = ++TakenGroups;
        _waiting.AddLast(group);
        Context.Raise(EngineEventKind.FaultQueued, Id, group.Device.Id, value: group.GroupId);
        return true;
    }

    /// <summary>
    /// read(): whole groups, each fault a record of <see cref="PageFault.RecordBytes"/>; nothing waiting is 0 bytes. ESPIPE an offset, or a count that is not a multiple of the record;
    /// EINVAL the first group does not fit; EFAULT it cannot be stored, and waits on.
    /// </summary>
    /// <param name="count">Bytes asked for.</param>
    /// <param name="buffer">As many of them as can be stored.</param>
    public Refusal? Read(ulong offset, ulong count, Span<byte> buffer, out int bytes)
    {
        bytes = 0;
        if (offset != 0 || count % PageFault.RecordBytes != 0)
            return Seek($"Faults are read from offset 0 in multiples of {PageFault.RecordBytes} bytes, not {count} at {offset}.");
        while (_waiting.First is { } node)
        {
            FaultGroup group = node.Value;
            int size = group.Faults.Count * PageFault.RecordBytes;
            if ((ulong)size > count - (ulong)bytes)
                return bytes != 0 ? null : TooSmall($"The first group takes {size} bytes, room is given for {count}.");
            if (size > buffer.Length - bytes)
                return bytes != 0 ? null : GuestData.Unreadable();
            uint cookie = FreeCookie();
            foreach (PageFault fault in group.Faults)
            {
                fault.WriteRecord(buffer[bytes..], group.Device.Id, cookie);
                bytes += PageFault.RecordBytes;
            }
            _waiting.RemoveFirst();
            _unanswered.Add(cookie, group);
            ReadGroups++;
        }
        return null;
    }

    /// <summary>
    /// write(): responses of <see cref="ResponseBytes"/>. <paramref name="bytes"/> = consumed, and a refusal counts only when it is 0. ESPIPE an offset, or a count that is not a multiple;
    /// EFAULT unreadable; EINVAL neither SUCCESS nor INVALID, or an unknown cookie.
    /// </summary>
    /// <param name="count">Bytes offered.</param>
    /// <param name="responses">As many of them as can be read.</param>
    public Refusal? Write(ulong offset, ulong count, ReadOnlySpan<byte> responses, out int bytes)
    {
        bytes = 0;
        if (offset != 0 || count % ResponseBytes != 0)
            return Seek($"Responses are written to offset 0 in multiples of {ResponseBytes} bytes, not {count} at {offset}.");
        while ((ulong)bytes < count)
        {
            if (responses.Length - bytes < ResponseBytes)
                return bytes != 0 ? null : GuestData.Unreadable();
            uint cookie = BinaryPrimitives.ReadUInt32LittleEndian(responses[bytes..]);
            var code = (PageResponse)BinaryPrimitives.ReadUInt32LittleEndian(responses[(bytes + 4)..]);
            if (code is not (PageResponse.Success or PageResponse.Invalid))
                return bytes != 0 ? null : new Refusal(Errno.EINVAL, "fault.code", $"Code {(uint)code} is neither SUCCESS 0 nor INVALID 1.");
            if (!_unanswered.Remove(cookie, out FaultGroup? group))
            {
                GivesCookieZero |= cookie == 0 && _unanswered.Count != 0;
                return bytes != 0 ? null : new Refusal(Errno.EINVAL, "fault.cookie", $"No group waits for an answer under cookie {cookie}.");
            }
            Answer(group, code);
            bytes += ResponseBytes;
        }
        return null;
    }

    /// <summary>Ends the groups that an IOMMU group's attachment to a hw_pagetable has brought.</summary>
    internal void AnswerInvalid(Igroup igroup, Hwpt hwpt)
    {
        bool Ends(FaultGroup group) => group.Device.Igroup == igroup && group.Hwpt == hwpt;
        foreach (FaultGroup group in _waiting.Where(Ends).ToArray())
        {
            _waiting.Remove(group);
            Answer(group, PageResponse.Invalid);
        }
        foreach ((uint cookie, FaultGroup group) in _unanswered.Where(e => Ends(e.Value)).ToArray())
        {
            _unanswered.Remove(cookie);
            Answer(group, PageResponse.Invalid);
        }
    }

    internal override void Destroy()
    {
        foreach (FaultGroup group in _waiting.Concat(_unanswered.Values))
            Answer(group, PageResponse.Invalid);
        _waiting.Clear();
        _unanswered.Clear();
    }

    private void Answer(FaultGroup group, PageResponse code) => Context.AnswerFault(group.Device, group.GroupId, code);

    private uint FreeCookie()
    {
        uint cookie = GivesCookieZero ? 0u : 1;
        foreach (uint taken in _unanswered.Keys)
        {
            if (taken != cookie)
                break;
            cookie++;
        }
        return cookie;
    }
}
