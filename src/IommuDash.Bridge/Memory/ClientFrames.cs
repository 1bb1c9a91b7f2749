// Which frame of the emulated machine stands for which page of a real process. The bytes stay where the process has them; only the frame's number and pin count are the machine's.
// Holds always: one page has one frame, whoever maps it, until nothing pins it any more; the pages of a real huge page have neighbouring frames.
// Leaves out: pages that change their identity while pinned (a private page moved with mremap, or unmapped and mapped anew at the same address) keep or share their frame, where the kernel would tell them apart.
using System.Runtime.InteropServices;
using IommuDash.Engine.Hardware;

namespace IommuDash.Bridge.Memory;

internal sealed class ClientFrames(PhysicalMemory memory) : IForeignFrames
{
    private const int SmallestSweep = 4_096;

    private readonly Dictionary<PageKey, uint> _frames = [];
    private readonly Dictionary<PageKey, uint> _hugeBlocks = [];
    private readonly Dictionary<uint, (IPageSource Source, ulong Page)> _pages = [];
    private readonly Dictionary<int, int> _framesOfObject = [];
    private readonly Dictionary<int, IPageSource> _sources = [];
    private readonly List<uint> _failing = [];
    private int _nextObject = 1;
    private int _sweepAt = SmallestSweep;

    /// <summary>Told of a frame whose bytes could not be had, with each try: for the trace.</summary>
    public Action<uint>? Lost { get; set; }

    /// <summary>Makes one try to reach the bytes of a frame fail: for a replay.</summary>
    public void FailOnce(uint pfn) => _failing.Add(pfn);

    /// <summary>A number for a new object.</summary>
    public int NextObject() => _nextObject++;

    /// <summary>The frame of a page if it has one, else 0.</summary>
    public uint Peek(PageKey key) => _frames.GetValueOrDefault(key);

    /// <summary>Gives a page its frame. False: the emulated machine has none left.</summary>
    public bool TryGet(IPageSource source, ulong page, bool isHuge, out uint pfn)
    {
        var key = new PageKey(source.Id, page);
        if (_frames.TryGetValue(key, out pfn))
            return true;
        return isHuge ? TryGetHuge(source, page, out pfn) : memory.TryAllocate(out pfn) && Add(source, page, pfn);
    }

    /// <summary>Whether any page of an object has a frame.</summary>
    public bool HasFrames(int obj) => _framesOfObject.ContainsKey(obj);

    bool IForeignFrames.TryRead(uint pfn, int offset, Span<byte> bytes, out bool isForeign)
    {
        isForeign = _pages.TryGetValue(pfn, out (IPageSource Source, ulong Page) at);
        return isForeign && Had(pfn, !_failing.Remove(pfn) && at.Source.TryRead((at.Page << PhysicalMemory.FrameShift) + (ulong)offset, bytes));
    }

    bool IForeignFrames.TryWrite(uint pfn, int offset, ReadOnlySpan<byte> bytes, out bool isForeign)
    {
        isForeign = _pages.TryGetValue(pfn, out (IPageSource Source, ulong Page) at);
        return isForeign && Had(pfn, !_failing.Remove(pfn) && at.Source.TryWrite((at.Page << PhysicalMemory.FrameShift) + (ulong)offset, bytes));
    }

    /// <summary>Forgets every page that nothing pins, if the table has doubled since the last time. Only while no frame just given waits to be pinned.</summary>
    public void SweepIfLarge()
    {
        if (_frames.Count < _sweepAt)
            return;
        foreach ((PageKey block, uint first) in _hugeBlocks.ToArray())
        {
            if (IsPinned(first, PhysicalMemory.HugeFrames))
                continue;
            _hugeBlocks.Remove(block);
            for (uint i = 0; i < PhysicalMemory.HugeFrames; i++)
                Remove(new PageKey(block.Object, block.Page + i), first + i);
        }
        foreach ((PageKey key, uint pfn) in _frames.ToArray())
        {
            if (!_hugeBlocks.ContainsKey(HugeKey(key.Object, key.Page)) && memory.Pins(pfn) == 0)
                Remove(key, pfn);
        }
        _sweepAt = Math.Max(SmallestSweep, _frames.Count * 2);
    }

    private bool Had(uint pfn, bool done)
    {
        if (!done)
            Lost?.Invoke(pfn);
        return done;
    }

    private static PageKey HugeKey(int obj, ulong page) => new(obj, page & ~(ulong)(PhysicalMemory.HugeFrames - 1));

    private bool TryGetHuge(IPageSource source, ulong page, out uint pfn)
    {
        PageKey block = HugeKey(source.Id, page);
        if (!memory.TryAllocateHuge(out uint first))
        {
            pfn = 0;
            return false;
        }
        _hugeBlocks.Add(block, first);
        for (uint i = 0; i < PhysicalMemory.HugeFrames; i++)
            Add(source, block.Page + i, first + i);
        pfn = first + (uint)(page - block.Page);
        return true;
    }

    private bool Add(IPageSource source, ulong page, uint pfn)
    {
        _frames.Add(new PageKey(source.Id, page), pfn);
        _pages.Add(pfn, (source, page));
        _sources[source.Id] = source;
        CollectionsMarshal.GetValueRefOrAddDefault(_framesOfObject, source.Id, out _)++;
        return true;
    }

    private void Remove(PageKey key, uint pfn)
    {
        _frames.Remove(key);
        _pages.Remove(pfn);
        memory.Free(pfn);
        if (--CollectionsMarshal.GetValueRefOrAddDefault(_framesOfObject, key.Object, out _) != 0)
            return;
        _framesOfObject.Remove(key.Object);
        _sources.Remove(key.Object, out IPageSource? idle);
        idle!.Release();
    }

    private bool IsPinned(uint first, uint count)
    {
        for (uint i = 0; i < count; i++)
        {
            if (memory.Pins(first + i) != 0)
                return true;
        }
        return false;
    }
}
