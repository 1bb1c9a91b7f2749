using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Pages;

/// <summary>
/// A file of the emulated host and its page cache: shared mappings of it see the same frames. Contents start as zeroes; there is no disk behind it.
/// A memfd has a size, past which neither mappings nor pins reach; other files have none, and cannot be pinned by offset.
/// </summary>
public sealed class EmulatedFile : MemoryFile
{
    private readonly PhysicalMemory _memory;

    internal EmulatedFile(string name, PhysicalMemory memory, ulong? memfdBytes = null, FrameLayout layout = FrameLayout.Contiguous) : base(name)
    {
        _memory = memory;
        SizeBytes = memfdBytes;
        Layout = layout;
        Frames = new FrameTable(layout);
    }

    /// <summary>Size of a memfd; null for any other file.</summary>
    public ulong? SizeBytes { get; private set; }

    public bool IsMemfd => SizeBytes is not null;

    public FrameLayout Layout { get; }

    /// <summary>Mappings of the file alive now.</summary>
    public int Mappings { get; internal set; }

    /// <summary>Whether its creator still holds a descriptor: memfds only.</summary>
    public bool IsOpen { get; internal set; }

    internal FrameTable Frames { get; }

    /// <summary>Pages that mappings may touch: a started last page counts.</summary>
    internal ulong MappablePages => SizeBytes is { } size ? (size + PhysicalMemory.FrameBytes - 1) >> PhysicalMemory.FrameShift : ulong.MaxValue;

    /// <summary>Sets the size of a memfd, as ftruncate does. Frames behind the new end go; pinned ones stay for those who pinned them.</summary>
    internal void Truncate(ulong sizeBytes)
    {
        SizeBytes = sizeBytes;
        Frames.Release(_memory, MappablePages, ulong.MaxValue);
    }

    /// <inheritdoc/>
    protected internal override Refusal? FaultIn(ulong pageIndex, ulong maxPages, out ReadOnlySpan<uint> frames)
    {
        frames = default;
        ulong inside = SizeBytes is { } size ? size >> PhysicalMemory.FrameShift : 0;
        if (CheckAccess(pageIndex, Math.Min(maxPages, Math.Max(1, inside - Math.Min(inside, pageIndex)))) is { } outside)
            return outside;
        ReadOnlySpan<uint> slots = Frames.Slots(pageIndex);
        slots = slots[..(int)Math.Min((ulong)slots.Length, Math.Min(maxPages, inside - pageIndex))];
        for (int i = slots.IndexOf(0u); i >= 0 && i < slots.Length; i++)
        {
            if (!Frames.TryTouch(_memory, pageIndex + (ulong)i, out _))
                return new Refusal(Errno.ENOMEM, "memory.frames", $"No frame for page {pageIndex + (ulong)i} of file {Name}: {_memory.FramesInUse} of {_memory.FrameCount} frames in use.");
        }
        frames = slots;
        return null;
    }

    /// <inheritdoc/>
    protected internal override Refusal? CheckAccess(ulong firstPage, ulong pageCount)
    {
        if (SizeBytes is not { } size)
            return new Refusal(Errno.EINVAL, "pin.file.type", $"{Name} is not a memfd; the pages of other files cannot be pinned by offset.");
        ulong inside = size >> PhysicalMemory.FrameShift;
        return firstPage < inside && pageCount <= inside - firstPage ? null
            : new Refusal(Errno.EINVAL, "pin.file.size", $"Page {Math.Max(firstPage, inside)} lies outside {Name}, which is 0x{size:x} bytes long.");
    }

    /// <inheritdoc/>
    protected override void DropAll() => Frames.Release(_memory, 0, ulong.MaxValue);
}
