// What a pages object keeps once more than one area, or any access, uses it: who covers which page indexes, and the store of PFNs that accesses hold.
using IommuDash.Engine.Iova;

namespace IommuDash.Engine.Pages;

/// <summary>Where the frame of a page is found; the first that applies.</summary>
public enum PfnSource : byte
{
    /// <summary>The PFN store.</summary>
    Store,

    /// <summary>The page table of an area's storage domain.</summary>
    Domain,

    /// <summary>Nowhere yet: it must be pinned.</summary>
    Memory,
}

/// <summary>Interval trees over page indexes: areas in domains (they may overlap), and accesses.</summary>
internal sealed class PagesSharing
{
    private readonly IntervalTree<AreaRef, NoAugment> _areas = new();
    private readonly IntervalTree<int, NoAugment> _accesses = new();
    private readonly Dictionary<ulong, uint> _store = [];

    private readonly record struct AreaRef(IoPagetable Table, int Slot);

    public bool IsEmpty => _areas.Count == 0 && _accesses.Count == 0;

    public IEnumerable<(ulong First, ulong Last, int Users)> Accesses
    {
        get
        {
            for (int node = _accesses.First; node >= 0; node = _accesses.Next(node))
                yield return (_accesses.Range(node).Start, _accesses.Range(node).Last, _accesses.Payload(node));
        }
    }

    public IEnumerable<(IoPagetable Table, int Slot)> Areas
    {
        get
        {
            for (int node = _areas.First; node >= 0; node = _areas.Next(node))
                yield return (_areas.Payload(node).Table, _areas.Payload(node).Slot);
        }
    }

    public void AddArea(IoPagetable table, int slot)
    {
        (ulong first, ulong last) = table.PageIndexes(slot);
        table.Area(slot).HolderSlot = _areas.Insert(new IovaRange(first, last), new AreaRef(table, slot));
    }

    public void RemoveArea(IoPagetable table, int slot) => _areas.Remove(table.Area(slot).HolderSlot);

    public PfnSource SourceOf(ulong index, ulong last, out ulong spanLast, out IoPagetable? table, out int slot)
    {
        table = null;
        slot = -1;
        spanLast = last;
        int access = _accesses.FirstOverlap(index, last);
        if (access >= 0)
        {
            IovaRange range = _accesses.Range(access);
            if (range.Start <= index)
            {
                spanLast = Math.Min(range.Last, last);
                return PfnSource.Store;
            }
            spanLast = range.Start - 1;
        }
        int area = _areas.FirstOverlap(index, spanLast);
        if (area < 0)
            return PfnSource.Memory;
        IovaRange covered = _areas.Range(area);
        if (covered.Start > index)
        {
            spanLast = covered.Start - 1;
            return PfnSource.Memory;
        }
        spanLast = Math.Min(covered.Last, spanLast);
        (table, slot) = (_areas.Payload(area).Table, _areas.Payload(area).Slot);
        return PfnSource.Domain;
    }

    public uint Stored(ulong index) => _store[index];

    public bool TryStored(ulong index, out uint pfn) => _store.TryGetValue(index, out pfn);

    public void Store(ulong index, uint pfn) => _store.Add(index, pfn);

    public void Forget(ulong index) => _store.Remove(index);

    /// <summary>The access record with exactly this range, or -1.</summary>
    public int FindAccess(ulong first, ulong last)
    {
        for (int node = _accesses.FirstOverlap(first, last); node >= 0; node = _accesses.NextOverlap(node, first, last))
        {
            if (_accesses.Range(node) == new IovaRange(first, last))
                return node;
        }
        return -1;
    }

    public void AddAccess(ulong first, ulong last) => _accesses.Insert(new IovaRange(first, last), 1);

    public ref int AccessUsers(int node) => ref _accesses.Payload(node);

    public void RemoveAccess(int node) => _accesses.Remove(node);
}
