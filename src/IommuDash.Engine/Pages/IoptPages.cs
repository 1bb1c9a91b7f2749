// A pages object: the memory that one map call named, as an array of pages, and who uses which of them (drivers/iommu/iommufd/pages.c).
//
// Holds always:
//  - A page is pinned exactly once while any domain or access uses it, however many do, and not at all otherwise. Pinning is lazy: without a domain or access nothing is pinned.
//  - The frame of a pinned page is found in this order: the PFN store, if an access covers it; else the storage domain of an area that covers it, by reading its page table back.
//  - A page is unpinned only after no page table reaches it any more.
//  - What is pinned has been charged, except while a call is still filling: charging comes last, for the net change.
// A batch does not run on from one source of frames to the next, so a large leaf never spans that border.
using System.Runtime.CompilerServices;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iova;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Engine.Pages;

/// <summary>Pages of a process's memory or of a memory file that areas, maybe of several IOASes, show to devices. Page index 0 is the page that holds the first byte.</summary>
public partial class IoptPages
{
    // Who has pages in a domain: nobody, the one area _soleSlot of an IoPagetable, or a PagesSharing.
    private object? _holders;
    private int _soleSlot;

    private protected IoptPages(IommufdContext context, EmulatedProcess source, ulong firstByte, ulong length, bool writable, AccountMode? mode = null)
    {
        Context = context;
        Source = source;
        FirstByte = firstByte;
        LengthBytes = length;
        IsWritable = writable;
        Mode = mode ?? (source.CapIpcLock ? AccountMode.None : context.AccountMode);
    }

    /// <summary>The context it was made in; it pays for nothing, but its host has the memory.</summary>
    public IommufdContext Context { get; }

    /// <summary>Who pays, and whose memory it is unless <see cref="File"/> says otherwise. IOAS_CHANGE_PROCESS changes it.</summary>
    public EmulatedProcess Source { get; private set; }

    /// <summary>The file whose pages they are; null = user memory of <see cref="Source"/>.</summary>
    public virtual MemoryFile? File => null;

    /// <summary>User address, or offset in the file, of the first byte.</summary>
    public ulong FirstByte { get; }

    public ulong LengthBytes { get; }

    /// <summary>Whether WRITEABLE was given when it was made; a copy cannot add it.</summary>
    public bool IsWritable { get; }

    public AccountMode Mode { get; }

    /// <summary>Pages pinned now.</summary>
    public uint PinnedPages { get; private set; }

    /// <summary>Areas that refer to it.</summary>
    public int AreaCount { get; private set; }

    /// <summary>Pages touched by its bytes.</summary>
    public ulong PageCount => ((FirstByte % PhysicalMemory.FrameBytes) + LengthBytes + PhysicalMemory.FrameBytes - 1) >> PhysicalMemory.FrameShift;

    private PhysicalMemory Memory => Context.Host.Memory;

    /// <summary>User address, or offset in the file, of the first byte of a page.</summary>
    public ulong AddressOf(ulong pageIndex) => (FirstByte & ~(PhysicalMemory.FrameBytes - 1UL)) + (pageIndex << PhysicalMemory.FrameShift);

    /// <summary>Names [userAddress, +length) of a process. EINVAL for length 0 or above 2^64-1 less a page, EOVERFLOW when the address after the last byte wraps, so the very last byte cannot be named. The memory itself is looked at only when it is pinned.</summary>
    internal static Refusal? FromUser(IommufdContext context, EmulatedProcess source, ulong userAddress, ulong length, bool writable, out IoptPages? pages)
    {
        pages = null;
        if (length is 0 or > ulong.MaxValue - PhysicalMemory.FrameBytes)
            return new Refusal(Errno.EINVAL, "pages.length", length == 0 ? "The length is 0." : $"The length 0x{length:x} is larger than any memory.");
        if (userAddress > ulong.MaxValue - length)
            return new Refusal(Errno.EOVERFLOW, "pages.wrap", $"User address 0x{userAddress:x} + 0x{length:x} passes the end of the address space.");
        pages = new IoptPages(context, source, userAddress, length, writable);
        return null;
    }

    /// <summary>One more area shows the pages.</summary>
    internal void GetArea()
    {
        if (AreaCount++ == 0)
            BeginUse();
    }

    /// <summary>An area is gone; the file is let go with the last.</summary>
    internal void PutArea()
    {
        if (--AreaCount == 0)
            EndUse();
    }

    /// <summary>The first area shows the pages.</summary>
    private protected virtual void BeginUse()
    {
    }

    /// <summary>The last area is gone.</summary>
    private protected virtual void EndUse()
    {
    }

    /// <summary>Whether they belong to an exporter, who may take them back: no access, no split.</summary>
    public virtual bool IsDmabuf => false;

    /// <summary>Areas in a domain.</summary>
    private protected IEnumerable<(IoPagetable Table, int Slot)> HolderAreas => _holders switch
    {
        PagesSharing sharing => sharing.Areas,
        IoPagetable table => [(table, _soleSlot)],
        _ => [],
    };

    /// <summary>The area's pages are in a domain from now on.</summary>
    internal void AddHolder(IoPagetable table, int slot)
    {
        if (_holders is null)
        {
            _holders = table;
            _soleSlot = slot;
        }
        else
        {
            Sharing().AddArea(table, slot);
        }
    }

    /// <summary>They no longer are.</summary>
    internal void RemoveHolder(IoPagetable table, int slot)
    {
        if (_holders is PagesSharing sharing)
        {
            sharing.RemoveArea(table, slot);
            if (sharing.IsEmpty)
                _holders = null;
        }
        else
        {
            _holders = null;
        }
    }

    private PagesSharing Sharing()
    {
        if (_holders is PagesSharing sharing)
            return sharing;
        var made = new PagesSharing();
        if (_holders is IoPagetable table)
            made.AddArea(table, _soleSlot);
        _holders = made;
        return made;
    }

    /// <summary>Where the frames of the pages from <paramref name="index"/> on come from, up to <paramref name="spanLast"/> (at most <paramref name="last"/>).</summary>
    private PfnSource SourceOf(ulong index, ulong last, out ulong spanLast, out IoPagetable? table, out int slot)
    {
        table = null;
        slot = -1;
        spanLast = last;
        switch (_holders)
        {
            case null:
                return PfnSource.Memory;
            case PagesSharing sharing:
                return sharing.SourceOf(index, last, out spanLast, out table, out slot);
            default:
                var sole = Unsafe.As<IoPagetable>(_holders);
                (ulong first, ulong end) = sole.PageIndexes(_soleSlot);
                if (index > end || last < first)
                    return PfnSource.Memory;
                if (index < first)
                {
                    spanLast = first - 1;
                    return PfnSource.Memory;
                }
                spanLast = Math.Min(last, end);
                table = sole;
                slot = _soleSlot;
                return PfnSource.Domain;
        }
    }
}
