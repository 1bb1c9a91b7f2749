// One mapping of an emulated process (the kernel's VMA). Anonymous memory and private copies live in the mapping's own frames; a shared file mapping shows the file's page cache.
// A private file page is the file's until it is written or pinned: then the mapping gets a copy of its own, so that a frame once pinned stays the process's page (the reference's FOLL_LONGTERM unsharing).
using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Pages;

/// <summary>Addresses [Start, Last] of a process, both page aligned edges, with permissions and what is behind them.</summary>
public sealed class MemoryMapping
{
    internal MemoryMapping(ulong start, ulong last, MemoryDescription description, EmulatedFile? file)
    {
        Range = new IovaRange(start, last);
        CanRead = description.Read;
        CanWrite = description.Write;
        Layout = description.Layout;
        File = file;
        FileOffset = description.FileOffset;
        IsShared = description.Shared && file is not null;
        OwnFrames = new FrameTable(description.Layout);
    }

    /// <summary>Virtual addresses, last inclusive.</summary>
    public IovaRange Range { get; }

    public bool CanRead { get; }

    public bool CanWrite { get; }

    public FrameLayout Layout { get; }

    public EmulatedFile? File { get; }

    /// <summary>Offset in the file of the first byte.</summary>
    public ulong FileOffset { get; }

    public bool IsShared { get; }

    /// <summary>Last address with memory behind it; meaningful if <see cref="Backs"/> its start.</summary>
    internal ulong BackedLast => File is null || File.MappablePages - FilePage >= (Range.Last - Range.Start + 1) >> PhysicalMemory.FrameShift
        ? Range.Last
        : Range.Start + ((File.MappablePages - FilePage) << PhysicalMemory.FrameShift) - 1;

    private ulong FilePage => FileOffset >> PhysicalMemory.FrameShift;

    /// <summary>Whether there is memory behind an address of the mapping: not behind the end of its file.</summary>
    internal bool Backs(ulong address) => File is null || (File.MappablePages > FilePage && address <= BackedLast);

    /// <summary>Pages with a frame of their own.</summary>
    public ulong TouchedPages => OwnFrames.TouchedPages;

    internal FrameTable OwnFrames { get; }

    /// <summary>The table whose frames a pin of this mapping takes, and the page index in it of the page at <paramref name="address"/>.</summary>
    internal FrameTable PinFrames(ulong address, out ulong pageIndex)
    {
        pageIndex = (address - Range.Start) >> PhysicalMemory.FrameShift;
        if (!IsShared)
            return OwnFrames;
        pageIndex += FileOffset >> PhysicalMemory.FrameShift;
        return File!.Frames;
    }

    /// <summary>Makes sure the page at <paramref name="address"/> has the frame that a pin or a write uses. False: out of memory, or out of bytes that may be written for a copy.</summary>
    internal bool TryOwn(PhysicalMemory memory, ulong address, out uint pfn)
    {
        FrameTable frames = PinFrames(address, out ulong pageIndex);
        pfn = frames.Peek(pageIndex);
        if (pfn != 0)
            return true;
        uint cached = IsShared || File is null ? 0 : File.Frames.Peek(pageIndex + (FileOffset >> PhysicalMemory.FrameShift));
        if (!frames.TryTouch(memory, pageIndex, out pfn))
            return false;
        if (cached == 0 || !memory.Read(cached).ContainsAnyExcept((byte)0))
            return true;
        if (!memory.TryMarkWritten(pfn))
        {
            frames.Release(memory, pageIndex, pageIndex);
            return false;
        }
        memory.Read(cached).CopyTo(memory.Write(pfn));
        return true;
    }

    /// <summary>How many of its pages have the frame that a pin takes, and how many of those frames are pinned by anyone.</summary>
    public (ulong Touched, ulong Pinned) CountFrames(PhysicalMemory memory)
    {
        FrameTable frames = PinFrames(Range.Start, out ulong first);
        return frames.Count(memory, first, first + ((Range.Last - Range.Start) >> PhysicalMemory.FrameShift));
    }

    /// <summary>The frame a read sees, or 0 where nothing was ever written (it reads as zeroes).</summary>
    public uint FrameForRead(ulong address)
    {
        uint pfn = PinFrames(address, out ulong pageIndex).Peek(pageIndex);
        return pfn != 0 || IsShared || File is null ? pfn : File.Frames.Peek(pageIndex + (FileOffset >> PhysicalMemory.FrameShift));
    }
}
