// Accesses of an IOAS: their part in the alignment, who is told when an area goes, and walking areas for pins and copies (iopt_add_access, iopt_area_contig_*).
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Iova;

public sealed partial class IoPagetable
{
    // How often the owners are told that one area goes before the unmap gives up.
    private const int MaxUnmapRounds = 100;

    // Slots are reused, the lowest first: the order in which owners are told.
    private Access?[] _accesses = [];

    /// <summary>Attached accesses, in the order they are told of unmaps.</summary>
    public IEnumerable<Access> Accesses => _accesses.OfType<Access>();

    /// <summary>Lets an access in. EADDRINUSE: it pins, and an area is not page aligned.</summary>
    internal Refusal? AddAccess(Access access)
    {
        ulong alignment = Math.Max(access.IovaAlignment, IovaAlignment);
        if (Host.Fails(FailurePoint.Allocation))
            return Injected.Refusal(Errno.ENOMEM, FailurePoint.Allocation);
        if (CheckAlignment(alignment) is { } misfit)
            return misfit;
        int free = Array.IndexOf(_accesses, null);
        if (free >= 0)
            _accesses[free] = access;
        else
            _accesses = [.. _accesses, access];
        AdoptAlignment(alignment);
        return null;
    }

    internal void RemoveAccess(Access access)
    {
        _accesses[Array.IndexOf(_accesses, access)] = null;
        if (Array.TrueForAll(_accesses, static a => a is null))
            _accesses = [];
        AdoptAlignment(RequiredAlignment(LargePagesDisabled));
    }

    /// <summary>Holds the pages of [wanted] for an access, and gives their frames in order. All or nothing.</summary>
    /// <param name="locks">Unmapping the areas is EBUSY until they are given back.</param>
    internal Refusal? PinAccess(IovaRange wanted, bool write, bool locks, Span<uint> frames)
    {
        ulong next = wanted.Start;
        Refusal? refusal = null;
        for (int slot = Areas.FirstOverlap(wanted); slot >= 0 && Areas.Range(slot).Start <= next; slot = Areas.Next(slot))
        {
            ulong last = Math.Min(Areas.Range(slot).Last, wanted.Last);
            (ulong index, ulong lastIndex) = PagesAt(slot, next, last);
            refusal = CheckPin(slot, next, write, isLast: last == wanted.Last) ?? Area(slot).Pages.AddAccess(index, lastIndex, write);
            if (refusal is not null)
                break;
            ref IopArea area = ref Area(slot);
            area.NumAccesses++;
            if (locks)
                area.NumLocks++;
            for (; index <= lastIndex; index++)
            {
                frames[0] = area.Pages.HeldFrame(index);
                frames = frames[1..];
            }
            if (last == wanted.Last)
                return null;
            next = last + 1;
        }
        if (next != wanted.Start)
            UnpinAccess(new IovaRange(wanted.Start, next - 1), locks);
        return refusal ?? Hole(next, wanted);
    }

    /// <summary>Gives back what one <see cref="PinAccess"/> of the same range took.</summary>
    internal void UnpinAccess(IovaRange wanted, bool locks)
    {
        ulong next = wanted.Start;
        for (int slot = Areas.FirstOverlap(wanted); slot >= 0 && Areas.Range(slot).Start <= next; slot = Areas.Next(slot))
        {
            ulong last = Math.Min(Areas.Range(slot).Last, wanted.Last);
            (ulong index, ulong lastIndex) = PagesAt(slot, next, last);
            ref IopArea area = ref Area(slot);
            area.Pages.RemoveAccess(index, lastIndex);
            area.NumAccesses--;
            if (locks)
                area.NumLocks--;
            if (last == wanted.Last)
                return;
            next = last + 1;
        }
        throw new InvalidOperationException($"Nothing is mapped at 0x{next:x}, which an access has pinned.");
    }

    /// <summary>Copies between a buffer and [wanted], area by area; what lies before a refusal has been copied.</summary>
    internal Refusal? ReadWrite(EmulatedProcess? caller, IovaRange wanted, Span<byte> buffer, AccessFlags flags)
    {
        bool write = (flags & AccessFlags.Write) != 0;
        ulong next = wanted.Start;
        for (int slot = Areas.FirstOverlap(wanted); slot >= 0; slot = Areas.Next(slot))
        {
            IovaRange range = Areas.Range(slot);
            if (range.Start > next)
                break;
            ulong last = Math.Min(range.Last, wanted.Last);
            var bytes = (int)(last - next + 1);
            ref IopArea area = ref Area(slot);
            if (area.PreventAccess)
                return Prevented(range);
            if (CheckGrant(slot, write) is { } denied)
                return denied;
            if (area.Pages.ReadWrite(caller, StartByte(slot, next), buffer[..bytes], flags) is { } refusal)
                return refusal;
            if (last == wanted.Last)
                return null;
            buffer = buffer[bytes..];
            next = last + 1;
        }
        return Hole(next, wanted);
    }

    // Tells every owner that an area goes. They may change who is attached meanwhile.
    private void NotifyUnmap(IovaRange range)
    {
        foreach (Access? access in _accesses.ToArray())
            access?.Owner?.Unmap(access, range.Start, range.Last - range.Start + 1);
    }

    /// <summary>Why an area cannot be unmapped at once, or null. Areas in use by accesses are told to their owners and looked at again.</summary>
    private Refusal? ClearAccesses(IovaRange window, int slot)
    {
        IovaRange range = Areas.Range(slot);
        for (int round = 0; slot >= 0 && Areas.Range(slot) == range && Area(slot).NumAccesses != 0; slot = Areas.FirstOverlap(window))
        {
            if (round++ > MaxUnmapRounds)
            {
                return new Refusal(Errno.EDEADLOCK, "unmap.access", $"The area {range} is still pinned {Area(slot).NumAccesses} times after its holders were told {MaxUnmapRounds} times to let go.")
                {
                    Ranges = [new(RangeRole.Area, range)],
                    Objects = [.. Accesses.Where(static a => a.PinnedRanges != 0).Select(static a => a.Id)],
                };
            }
            Area(slot).PreventAccess = true;
            NotifyUnmap(range);
        }
        return null;
    }

    private ulong StartByte(int slot, ulong iova) => (Area(slot).FirstIndex << PhysicalMemory.FrameShift) + Area(slot).PageOffset + (iova - Areas.Range(slot).Start);

    private (ulong Index, ulong LastIndex) PagesAt(int slot, ulong iova, ulong last) =>
        (StartByte(slot, iova) >> PhysicalMemory.FrameShift, StartByte(slot, last) >> PhysicalMemory.FrameShift);

    private Refusal? CheckPin(int slot, ulong iova, bool write, bool isLast)
    {
        IovaRange range = Areas.Range(slot);
        if (Area(slot).PreventAccess)
            return Prevented(range);
        if (StartByte(slot, iova) % PhysicalMemory.FrameBytes != 0 || (!isLast && (StartByte(slot, range.Last) + 1) % PhysicalMemory.FrameBytes != 0))
            return new Refusal(Errno.EINVAL, "access.pin.border", $"The area {range} does not meet 0x{iova:x} and its neighbour on page borders of its memory; whole pages are pinned.") { Ranges = [new(RangeRole.Area, range)] };
        return CheckGrant(slot, write);
    }

    private Refusal? CheckGrant(int slot, bool write) => (Area(slot).Prot & (write ? IommuProt.Write : IommuProt.Read)) != 0 ? null
        : new Refusal(Errno.EPERM, "access.prot", $"The area {Areas.Range(slot)} does not grant {(write ? "writing" : "reading")}.") { Ranges = [new(RangeRole.Area, Areas.Range(slot))] };

    private static Refusal Prevented(IovaRange area) =>
        new(Errno.EINVAL, "access.prevented", $"An unmap waits for the area {area}; nothing new may use it.") { Ranges = [new(RangeRole.Area, area)] };

    private static Refusal Hole(ulong iova, IovaRange wanted) =>
        new(Errno.ENOENT, "access.hole", $"Nothing is mapped at 0x{iova:x}.") { Ranges = [new(RangeRole.Requested, wanted)] };
}
