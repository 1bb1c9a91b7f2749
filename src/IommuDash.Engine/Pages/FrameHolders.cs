// Who holds a frame: which processes see it, which pages objects pin it, and through which areas and domains devices reach it. Reads only, for pages that show one frame.
// The engine keeps no index from frames to holders, since pinning would pay for it. The search is bounded instead: it compares the touched page slots of the host once, looks at each area
// once for its source address, and reads back page tables only while pins are left unexplained (memory that was unmapped or remapped while pinned).
// Leaves out: pages that only accesses hold of memory that was unmapped or remapped since; their pins stay unexplained.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Pages;

/// <summary>A process's view of a frame.</summary>
/// <param name="Address">Address of the frame's first byte in the process.</param>
public readonly record struct FrameMapping(EmulatedProcess Process, ulong Address, MemoryMapping Mapping);

/// <summary>An area whose device addresses lead to a frame.</summary>
/// <param name="Area">The whole area.</param>
/// <param name="Iova">Lowest IOVA of the area that leads into the frame.</param>
public readonly record struct FrameArea(Ioas Ioas, IovaRange Area, ulong Iova, IoptPages Pages);

/// <summary>A page table that lies in a frame.</summary>
public readonly record struct FrameOfTable(HwptPaging Hwpt, int Level);

/// <summary>What is known of one frame.</summary>
public sealed class FrameHolders
{
    /// <summary>Areas and read-back runs looked at before the search gives up.</summary>
    public const int MaxSteps = 1_000_000;

    private const int RunsAtATime = 64;

    private readonly List<FrameMapping> _mappings = [];
    private readonly List<FrameArea> _areas = [];
    private readonly HashSet<IoptPages> _pages = [];
    private readonly EmulatedHost _host;
    private readonly int _maxListed;
    private int _steps;

    private FrameHolders(EmulatedHost host, uint pfn, int maxListed)
    {
        _host = host;
        _maxListed = maxListed;
        Pfn = pfn;
        Pins = host.Memory.Pins(pfn);
    }

    public uint Pfn { get; }

    public uint Pins { get; }

    public IReadOnlyList<FrameMapping> Mappings => _mappings;

    /// <summary>Areas found, at most as many as were asked for; <see cref="AreaCount"/> counts all.</summary>
    public IReadOnlyList<FrameArea> Areas => _areas;

    public long AreaCount { get; private set; }

    /// <summary>Pages objects found to pin the frame; each does so once.</summary>
    public IReadOnlyCollection<IoptPages> Pages => _pages;

    /// <summary>The table that lies in the frame, or null.</summary>
    public FrameOfTable? Table { get; private set; }

    /// <summary>False if the search stopped at <see cref="MaxSteps"/>.</summary>
    public bool IsComplete => _steps <= MaxSteps;

    /// <summary>Searches the host for who holds a frame.</summary>
    /// <param name="maxListed">Most areas to list.</param>
    /// <exception cref="ArgumentOutOfRangeException">The machine has no such frame.</exception>
    public static FrameHolders Find(EmulatedHost host, uint pfn, int maxListed)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(pfn, host.Memory.FrameCount);
        var found = new FrameHolders(host, pfn, maxListed);
        if (!host.Memory.IsAllocated(pfn))
            return found;
        found.FindMappings();
        if (found.Pins != 0)
        {
            found.FindAreas(found.TryByAddress);
            if (found._pages.Count < found.Pins)
                found.FindAreas(found.TryByReadBack);
        }
        else if (found._mappings.Count == 0)
        {
            found.FindTable();
        }
        return found;
    }

    private void FindMappings()
    {
        foreach (EmulatedProcess process in _host.Processes)
        {
            foreach (MemoryMapping mapping in process.Memory.Mappings)
            {
                if (mapping.OwnFrames.TryFind(Pfn, out ulong own))
                    Add(process, mapping, own);
                else if (mapping.File is { } file && file.Frames.TryFind(Pfn, out ulong page) && page >= mapping.FileOffset >> PhysicalMemory.FrameShift)
                    Add(process, mapping, page - (mapping.FileOffset >> PhysicalMemory.FrameShift));
            }
        }
    }

    // A private mapping shows the file's frame only until it has its own copy of the page.
    private void Add(EmulatedProcess process, MemoryMapping mapping, ulong pageIndex)
    {
        ulong address = mapping.Range.Start + (pageIndex << PhysicalMemory.FrameShift);
        if (mapping.Range.Contains(address) && mapping.FrameForRead(address) == Pfn)
            _mappings.Add(new FrameMapping(process, address, mapping));
    }

    private delegate bool AreaTest(IoPagetable table, int slot, out ulong iova);

    private void FindAreas(AreaTest test)
    {
        foreach (Ioas ioas in _host.Contexts.SelectMany(static context => context.Objects.All.OfType<Ioas>()))
        {
            IoPagetable table = ioas.Pagetable;
            if (table.Domains.Count == 0 && !table.Accesses.Any())
                continue;
            for (int slot = table.Areas.First; slot >= 0; slot = table.Areas.Next(slot))
            {
                if (++_steps > MaxSteps)
                    return;
                if (!test(table, slot, out ulong iova))
                    continue;
                AreaCount++;
                IoptPages pages = table.Area(slot).Pages;
                _pages.Add(pages);
                if (_areas.Count < _maxListed)
                    _areas.Add(new FrameArea(ioas, table.Areas.Range(slot), iova, pages));
            }
        }
    }

    private bool TryByAddress(IoPagetable table, int slot, out ulong iova)
    {
        iova = 0;
        ref IopArea area = ref table.Area(slot);
        foreach (FrameMapping mapping in _mappings)
        {
            if (!TryPageOf(area.Pages, mapping, out ulong page))
                continue;
            (ulong first, ulong last) = table.PageIndexes(slot);
            if (page < first || page > last)
                continue;
            iova = table.IovaOfPage(slot, page);
            if (area.NumAccesses != 0 && area.Pages.TryHeldFrame(page, out uint held))
                return held == Pfn;
            return area.StorageDomain is { } storage && storage.TryTranslate(iova, out ulong physical) && physical >> PhysicalMemory.FrameShift == Pfn;
        }
        return false;
    }

    // Which page of a pages object a process's page would be: the same process's memory, or the same file.
    private static bool TryPageOf(IoptPages pages, FrameMapping mapping, out ulong page)
    {
        page = 0;
        bool isSame = pages.File is { } file ? mapping.Mapping.IsShared && mapping.Mapping.File == file : pages.Source == mapping.Process;
        ulong address = pages.File is null ? mapping.Address : mapping.Mapping.FileOffset + (mapping.Address - mapping.Mapping.Range.Start);
        if (!isSame || address < pages.AddressOf(0))
            return false;
        page = (address - pages.AddressOf(0)) >> PhysicalMemory.FrameShift;
        return true;
    }

    private bool TryByReadBack(IoPagetable table, int slot, out ulong iova)
    {
        iova = 0;
        ref IopArea area = ref table.Area(slot);
        if (area.StorageDomain is not { } storage || TryByAddress(table, slot, out iova))
            return false;
        IovaRange range = table.Areas.Range(slot);
        Span<PhysicalRun> runs = stackalloc PhysicalRun[RunsAtATime];
        for (ulong at = range.Start; _steps <= MaxSteps;)
        {
            int count = storage.ReadRuns(at, range.Last, runs);
            foreach (PhysicalRun run in runs[..count])
            {
                _steps++;
                ulong frame = (ulong)Pfn << PhysicalMemory.FrameShift;
                ulong firstByte = Math.Max(frame, run.Physical);
                if (firstByte <= (frame | (PhysicalMemory.FrameBytes - 1)) && firstByte - run.Physical < run.LengthBytes)
                {
                    iova = at + (firstByte - run.Physical);
                    return true;
                }
                if (run.LengthBytes > range.Last - at)
                    return false;
                at += run.LengthBytes;
            }
            if (count == 0)
                return false;
        }
        return false;
    }

    private void FindTable()
    {
        foreach (HwptPaging hwpt in _host.Contexts.SelectMany(static context => context.Objects.All.OfType<HwptPaging>()))
        {
            if (FindTable(hwpt, hwpt.Domain.RootPhysical, hwpt.Domain.Levels - 1))
                return;
        }
    }

    // Level-0 tables hold no tables, so reading the levels above them is enough.
    private bool FindTable(HwptPaging hwpt, ulong tablePhysical, int level)
    {
        uint pfn = (uint)(tablePhysical >> PhysicalMemory.FrameShift);
        if (pfn == Pfn)
        {
            Table = new FrameOfTable(hwpt, level);
            return true;
        }
        if (level == 0 || ++_steps > MaxSteps)
            return false;
        foreach (ulong raw in System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(_host.Memory.Read(pfn)))
        {
            if (raw != 0 && hwpt.Domain.Decode(level, raw, out ulong target, out _) == EntryKind.Table && FindTable(hwpt, target, level - 1))
                return true;
        }
        return false;
    }
}
