// Which frame backs which page of one mapping or file: blocks of 512 page slots, made when first touched, so that a terabyte mapped and never touched costs nothing.
// Holds always: a slot is 0 (no frame yet) or a frame this table owns; a huge block has all its 512 frames or none.
using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Pages;

/// <summary>Page index → frame, filled on first touch in the way its <see cref="FrameLayout"/> says.</summary>
internal sealed class FrameTable(FrameLayout layout)
{
    public const int BlockShift = 9;
    public const int BlockPages = 1 << BlockShift;

    private readonly Dictionary<ulong, uint[]> _blocks = [];
    private ulong _lastBlock = ulong.MaxValue;
    private uint[] _lastSlots = [];

    /// <summary>Pages that have a frame.</summary>
    public ulong TouchedPages { get; private set; }

    /// <summary>The slots from <paramref name="pageIndex"/> to the end of its block. A slot of 0 has no frame.</summary>
    public ReadOnlySpan<uint> Slots(ulong pageIndex) => Block(pageIndex >> BlockShift).AsSpan((int)(pageIndex % BlockPages));

    /// <summary>The frame of a page if it was ever touched, else 0. Touches nothing.</summary>
    public uint Peek(ulong pageIndex) =>
        _blocks.TryGetValue(pageIndex >> BlockShift, out uint[]? slots) ? slots[pageIndex % BlockPages] : 0;

    /// <summary>Gives a page a frame if it has none. False: the machine is out of memory.</summary>
    public bool TryTouch(PhysicalMemory memory, ulong pageIndex, out uint pfn)
    {
        uint[] slots = Block(pageIndex >> BlockShift);
        int index = (int)(pageIndex % BlockPages);
        pfn = slots[index];
        if (pfn != 0)
            return true;
        bool done = layout switch
        {
            FrameLayout.Huge => TryFillHuge(memory, slots),
            FrameLayout.Scattered => TryAllocateApart(memory, Peek(pageIndex - 1), Peek(pageIndex + 1), out slots[index]),
            _ => memory.TryAllocate(out slots[index]),
        };
        pfn = slots[index];
        if (done)
            TouchedPages += layout == FrameLayout.Huge ? BlockPages : 1u;
        return done;
    }

    /// <summary>Releases the frames of pages [first, last], both inclusive, and empties their slots.</summary>
    public void Release(PhysicalMemory memory, ulong first, ulong last)
    {
        foreach (ulong block in _blocks.Keys.Where(b => b >= first >> BlockShift && b <= last >> BlockShift).Order().ToArray())
        {
            uint[] slots = _blocks[block];
            ulong blockStart = block << BlockShift;
            int from = (int)(Math.Max(first, blockStart) - blockStart);
            int to = (int)(Math.Min(last, blockStart + BlockPages - 1) - blockStart);
            for (int i = from; i <= to; i++)
            {
                if (slots[i] == 0)
                    continue;
                memory.Release(slots[i]);
                slots[i] = 0;
                TouchedPages--;
            }
            if (!slots.AsSpan().ContainsAnyExcept(0u))
                _blocks.Remove(block);
        }
        _lastBlock = ulong.MaxValue;
    }

    /// <summary>Touched pages in ascending order with their frames.</summary>
    public IEnumerable<(ulong PageIndex, uint Pfn)> Touched()
    {
        foreach (ulong block in _blocks.Keys.Order())
        {
            uint[] slots = _blocks[block];
            for (int i = 0; i < BlockPages; i++)
            {
                if (slots[i] != 0)
                    yield return ((block << BlockShift) + (ulong)i, slots[i]);
            }
        }
    }

    /// <summary>The page a frame backs; false if none here. Compares every slot of every touched block.</summary>
    public bool TryFind(uint pfn, out ulong pageIndex)
    {
        foreach ((ulong block, uint[] slots) in _blocks)
        {
            int index = slots.AsSpan().IndexOf(pfn);
            if (index < 0)
                continue;
            pageIndex = (block << BlockShift) + (ulong)index;
            return true;
        }
        pageIndex = 0;
        return false;
    }

    /// <summary>How many of the pages [first, last] have a frame.</summary>
    public ulong CountTouched(ulong first, ulong last)
    {
        ulong touched = 0;
        foreach ((ulong block, uint[] slots) in _blocks)
        {
            ulong start = block << BlockShift;
            if (start > last || start + BlockPages - 1 < first)
                continue;
            int from = (int)(Math.Max(first, start) - start);
            int to = (int)(Math.Min(last, start + BlockPages - 1) - start);
            ReadOnlySpan<uint> wanted = slots.AsSpan(from, to - from + 1);
            touched += (ulong)(wanted.Length - wanted.Count(0u));
        }
        return touched;
    }

    /// <summary>How many of the pages [first, last] have a frame, and how many a pinned one.</summary>
    public (ulong Touched, ulong Pinned) Count(PhysicalMemory memory, ulong first, ulong last)
    {
        ulong touched = 0;
        ulong pinned = 0;
        foreach ((ulong block, uint[] slots) in _blocks)
        {
            for (int i = 0; i < BlockPages; i++)
            {
                ulong page = (block << BlockShift) + (ulong)i;
                if (slots[i] == 0 || page < first || page > last)
                    continue;
                touched++;
                pinned += memory.Pins(slots[i]) != 0 ? 1u : 0;
            }
        }
        return (touched, pinned);
    }

    private uint[] Block(ulong block)
    {
        if (block == _lastBlock)
            return _lastSlots;
        if (!_blocks.TryGetValue(block, out uint[]? slots))
            _blocks.Add(block, slots = new uint[BlockPages]);
        _lastBlock = block;
        _lastSlots = slots;
        return slots;
    }

    private static bool TryFillHuge(PhysicalMemory memory, uint[] slots)
    {
        if (!memory.TryAllocateHuge(out uint first))
            return false;
        for (int i = 0; i < BlockPages; i++)
            slots[i] = first + (uint)i;
        return true;
    }

    // The machine hands out ascending frames, so pages touched in order would be neighbours; whenever that happens, the next free frame but one is taken instead.
    private static bool TryAllocateApart(PhysicalMemory memory, uint before, uint after, out uint pfn)
    {
        if (!memory.TryAllocate(out pfn))
            return false;
        if ((before == 0 || before + 1 != pfn) && (after == 0 || pfn + 1 != after))
            return true;
        uint neighbour = pfn;
        if (memory.TryAllocate(out pfn))
            memory.Free(neighbour);
        else
            pfn = neighbour;
        return true;
    }
}
