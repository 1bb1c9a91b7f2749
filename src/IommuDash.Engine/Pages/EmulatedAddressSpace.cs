// The address space of a process that exists only on the emulated machine: which addresses are mapped, with what permissions, and the frames behind them.
// Holds always: mappings are sorted and do not overlap. Frames appear when a page is first touched by a write or a pin.
// Leaves out: stacks, guard pages, swapping, mprotect, mremap.
using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Pages;

/// <summary>An address space made of <see cref="MemoryMapping"/>s, with frames of the emulated machine.</summary>
public sealed class EmulatedAddressSpace(PhysicalMemory memory, EngineLimits limits) : AddressSpace
{
    /// <summary>First address that may be mapped, and the last (inclusive): user space of a 47-bit x86-64 process without page 0.</summary>
    public static readonly IovaRange UserSpace = new(0x1000, 0x7fff_ffff_efff);

    private const ulong PageMask = PhysicalMemory.FrameBytes - 1;
    private const ulong HugeBytes = (ulong)PhysicalMemory.HugeFrames * PhysicalMemory.FrameBytes;

    private readonly List<MemoryMapping> _mappings = [];
    private int _lastHit;

    public override IReadOnlyList<MemoryMapping> Mappings => _mappings;

    /// <inheritdoc/>
    public override MemoryMapping? Find(ulong address)
    {
        if (_lastHit < _mappings.Count && _mappings[_lastHit].Range.Contains(address))
            return _mappings[_lastHit];
        int index = LowestEndingAtOrAfter(address);
        if (index == _mappings.Count || _mappings[index].Range.Start > address)
            return null;
        _lastHit = index;
        return _mappings[index];
    }

    /// <summary>Adds a mapping. EINVAL for misaligned or empty ranges or ones outside <see cref="UserSpace"/>, EEXIST where something is mapped, ENOMEM at a cap.</summary>
    public Refusal? Map(MemoryDescription description, EmulatedFile? file)
    {
        ulong unit = description.Layout == FrameLayout.Huge ? HugeBytes : PhysicalMemory.FrameBytes;
        if (!IovaRange.TryOfLength(description.Start, description.LengthBytes, out IovaRange range) || !UserSpace.Contains(range))
            return new Refusal(Errno.EINVAL, "mmap.range", $"A mapping of 0x{description.LengthBytes:x} bytes at 0x{description.Start:x} is empty or leaves user space {UserSpace}.");
        if (description.Start % unit != 0 || description.LengthBytes % unit != 0 || description.FileOffset % PhysicalMemory.FrameBytes != 0)
            return new Refusal(Errno.EINVAL, "mmap.alignment", $"Start and length must be multiples of {unit} bytes, and a file offset of {PhysicalMemory.FrameBytes}.");
        if (file is not null && description.Layout != FrameLayout.Contiguous)
            return new Refusal(Errno.EINVAL, "mmap.file.layout", "A file mapping takes its frames from the page cache; a layout can be chosen for anonymous memory only.");
        if (_mappings.Count >= limits.MappingsPerProcess)
            return EngineLimits.Reached(nameof(EngineLimits.MappingsPerProcess), limits.MappingsPerProcess, "mappings in one process");
        ulong mapped = 0;
        foreach (MemoryMapping other in _mappings)
            mapped += (ulong)other.Range.LengthBytes;
        if (mapped + description.LengthBytes > limits.ProcessMemoryBytes)
            return EngineLimits.Reached(nameof(EngineLimits.ProcessMemoryBytes), limits.ProcessMemoryBytes, "bytes mapped in one process");
        int index = LowestEndingAtOrAfter(range.Start);
        if (index < _mappings.Count && _mappings[index].Range.Overlaps(range))
        {
            return new Refusal(Errno.EEXIST, "mmap.overlap", $"{range} overlaps the mapping {_mappings[index].Range}.")
            {
                Ranges = [new(RangeRole.ProcessMemory, range), new(RangeRole.ProcessMemory, _mappings[index].Range)],
            };
        }
        _mappings.Insert(index, new MemoryMapping(range.Start, range.Last, description, file));
        if (file is not null)
        {
            file.Mappings++;
            file.Get();
        }
        return null;
    }

    /// <summary>Removes the one mapping that starts at <paramref name="start"/>. Pinned frames stay until their last unpin. EINVAL if no mapping starts there.</summary>
    public Refusal? Unmap(ulong start, out MemoryMapping? removed)
    {
        removed = Find(start);
        if (removed is null || removed.Range.Start != start)
            return new Refusal(Errno.EINVAL, "munmap.start", $"No mapping of this process starts at 0x{start:x}.");
        _mappings.Remove(removed);
        Drop(removed);
        return null;
    }

    /// <inheritdoc/>
    protected override void DropAll()
    {
        foreach (MemoryMapping mapping in _mappings)
            Drop(mapping);
        _mappings.Clear();
    }

    /// <inheritdoc/>
    public override Refusal? Write(ulong address, ReadOnlySpan<byte> bytes)
    {
        if (!IovaRange.TryOfLength(address, (ulong)bytes.Length, out IovaRange range) || !UserSpace.Contains(range))
            return Fault(address, range.Last, "write");
        for (ulong page = address & ~PageMask; page <= range.Last; page += PhysicalMemory.FrameBytes)
        {
            if (Backed(page) is not { CanWrite: true } mapping)
                return Fault(page, page + PageMask, "write");
            if (!mapping.TryOwn(memory, page, out uint pfn) || !memory.TryMarkWritten(pfn))
                return OutOfMemory(page);
        }
        for (int done = 0; done < bytes.Length;)
        {
            ulong at = address + (ulong)done;
            int offset = (int)(at & PageMask);
            int count = Math.Min(bytes.Length - done, PhysicalMemory.FrameBytes - offset);
            Find(at)!.TryOwn(memory, at, out uint pfn);
            if (memory.TryWrite(pfn, offset, bytes.Slice(done, count)) != Errno.None)
                throw new InvalidOperationException($"Frame 0x{pfn:x} was made ready and cannot be written.");
            done += count;
        }
        return null;
    }

    /// <summary>As a load of the process; untouched pages read as zeroes. EFAULT for unmapped or unreadable addresses.</summary>
    public override Refusal? Read(ulong address, Span<byte> bytes)
    {
        for (int done = 0; done < bytes.Length;)
        {
            ulong at = address + (ulong)done;
            int offset = (int)(at & PageMask);
            int count = Math.Min(bytes.Length - done, PhysicalMemory.FrameBytes - offset);
            if (Backed(at) is not { CanRead: true } mapping)
                return Fault(at, at, "read");
            uint pfn = mapping.FrameForRead(at);
            if (pfn == 0)
                bytes.Slice(done, count).Clear();
            else if (memory.TryRead(pfn, offset, bytes.Slice(done, count)) != Errno.None)
                return Fault(at, at, "read");
            done += count;
        }
        return null;
    }

    /// <summary>As the base says; gives the frames that lie in one block of 512.</summary>
    protected internal override Refusal? FaultIn(ulong address, ulong maxPages, bool write, out ReadOnlySpan<uint> frames)
    {
        frames = default;
        if (!IsAlive)
            return Gone();
        if (Backed(address) is not { } mapping || (write && !mapping.CanWrite) || (!write && !mapping.CanRead))
            return Fault(address, address + PageMask, write ? "pin for writing" : "pin");
        ulong pagesInMapping = ((mapping.BackedLast - address) >> PhysicalMemory.FrameShift) + 1;
        FrameTable table = mapping.PinFrames(address, out ulong pageIndex);
        ReadOnlySpan<uint> slots = table.Slots(pageIndex);
        slots = slots[..(int)Math.Min((ulong)slots.Length, Math.Min(maxPages, pagesInMapping))];
        int hole = slots.IndexOf(0u);
        for (int i = hole; i >= 0 && i < slots.Length; i++)
        {
            if (slots[i] == 0 && !mapping.TryOwn(memory, address + ((ulong)i << PhysicalMemory.FrameShift), out _))
                return OutOfMemory(address + ((ulong)i << PhysicalMemory.FrameShift));
        }
        frames = slots;
        return null;
    }

    /// <inheritdoc/>
    protected internal override Refusal? CheckAccess(ulong firstPage, ulong pageCount, bool write, out ulong touchedPages)
    {
        touchedPages = 0;
        if (!IsAlive)
            return Gone();
        while (pageCount != 0)
        {
            if (Backed(firstPage) is not { } mapping || (write && !mapping.CanWrite) || (!write && !mapping.CanRead))
                return Fault(firstPage, firstPage + PageMask, write ? "pin for writing" : "pin");
            ulong pages = Math.Min(pageCount, ((mapping.BackedLast - firstPage) >> PhysicalMemory.FrameShift) + 1);
            FrameTable table = mapping.PinFrames(firstPage, out ulong pageIndex);
            touchedPages += table.CountTouched(pageIndex, pageIndex + pages - 1);
            pageCount -= pages;
            firstPage += pages << PhysicalMemory.FrameShift;
        }
        return null;
    }

    // Behind the end of its file a mapping has no memory: touching it is a fault.
    private MemoryMapping? Backed(ulong address) => Find(address) is { } mapping && mapping.Backs(address) ? mapping : null;

    public override Refusal? Peek(ulong address, out uint pfn, out bool isHuge)
    {
        (pfn, isHuge) = (0, false);
        if (Find(address) is not { CanRead: true } mapping)
            return Fault(address, address, "read");
        pfn = mapping.FrameForRead(address);
        isHuge = mapping.Layout == FrameLayout.Huge;
        return null;
    }

    private void Drop(MemoryMapping mapping)
    {
        mapping.OwnFrames.Release(memory, 0, ulong.MaxValue);
        if (mapping.File is { } file)
        {
            file.Mappings--;
            file.Put();
        }
    }

    private int LowestEndingAtOrAfter(ulong address)
    {
        int low = 0;
        int high = _mappings.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_mappings[middle].Range.Last < address)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    private Refusal Fault(ulong first, ulong last, string what)
    {
        string why = Find(first) is { } mapping ? !mapping.Backs(first) ? $"file {mapping.File!.Name} ends before it" : $"it is mapped {(mapping.CanRead ? "r" : "-")}{(mapping.CanWrite ? "w" : "-")}" : "nothing is mapped there";
        return new Refusal(Errno.EFAULT, "memory.fault", $"Cannot {what} process address 0x{first:x}: {why}.")
        {
            Ranges = [new(RangeRole.ProcessMemory, new IovaRange(first, last))],
        };
    }

    private Refusal OutOfMemory(ulong address) => new(Errno.ENOMEM, "memory.frames",
        $"No frame for process address 0x{address:x}: {memory.FramesInUse} of {memory.FrameCount} frames in use, {memory.WrittenFrames} of {memory.MaxWrittenFrames} writable ones written (Limits:MachineWrittenBytes).");
}
