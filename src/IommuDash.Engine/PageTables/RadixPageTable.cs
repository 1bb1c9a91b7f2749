// The generic page table (generic_pt in Linux): a radix tree of 512-entry tables in frames of the machine's memory, spelled by TFormat. This part holds the state; Map, Unmap,
// Read and View are the other parts.
// Holds always: every table is one frame taken with TryAllocateTable and is counted in _tableCounts; every leaf is counted once in _leafCounts, however many entries it takes;
// the cursor names a live level-0 table or nothing; entries of a run are alike but for the dirty bit.
// Leaves out: IOTLB (tables are freed at once), growing while hardware walks (one writer).
using System.Runtime.CompilerServices;
using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.PageTables;

/// <summary>A translation domain whose table is spelled by <typeparamref name="TFormat"/>.</summary>
public sealed unsafe partial class RadixPageTable<TFormat> : IommuDomain
    where TFormat : struct, IPageTableFormat
{
    private const int LevelBits = 9;
    private const int Entries = 1 << LevelBits;
    private const int MaxLevels = 6;
    private const ulong NoTag = ulong.MaxValue;

    private readonly PhysicalMemory _memory;
    private readonly PageTableShape _shape;
    private readonly ulong _inputLast;
    private readonly ulong _granuleMask;
    private readonly long[] _leafCounts = new long[64];
    private readonly int[] _tableCounts = new int[MaxLevels];
    private ulong* _root;
    private ulong _rootPhysical;
    private int _levels;
    private bool _coherent;
    private bool _disposed;

    // The level-0 table used last and the IOVA bits above its reach: neighbouring calls skip the walk from the top.
    private ulong* _cursorTable;
    private ulong _cursorTag = NoTag;

    private RadixPageTable(PhysicalMemory memory, PageTableShape shape, uint rootPfn)
    {
        _memory = memory;
        _shape = shape;
        _inputLast = LastOfBits(shape.InputBits);
        _granuleMask = (shape.PageSizeBitmap & (0 - shape.PageSizeBitmap)) - 1;
        _levels = shape.StartLevels;
        _tableCounts[_levels - 1] = 1;
        _root = memory.Words(rootPfn);
        _rootPhysical = (ulong)rootPfn << PhysicalMemory.FrameShift;
        _coherent = shape.EnforcesCoherency;
        Aperture = shape.Aperture ?? new IovaRange(0, _inputLast);
    }

    /// <summary>Makes an empty table; null if there is no frame for its top.</summary>
    internal static RadixPageTable<TFormat>? TryCreate(PhysicalMemory memory, PageTableShape shape)
    {
        if ((shape.PageSizeBitmap & ~TFormat.PageSizes) != 0 || shape.MaxLevels > MaxLevels || shape.InputBits > SpanShift(shape.MaxLevels - 1))
            throw new ArgumentException($"{shape} is not a shape of {TFormat.Name}.", nameof(shape));
        return memory.TryAllocateTable(out uint pfn) ? new RadixPageTable<TFormat>(memory, shape, pfn) : null;
    }

    public override string FormatName => TFormat.Name;

    public override IovaRange Aperture { get; }

    public override ulong PageSizeBitmap => _shape.PageSizeBitmap;

    public override int Levels => _levels;

    public override ulong RootPhysical => _rootPhysical;

    public override bool EnforcesCoherency => _coherent;

    public override bool TryEnforceCoherency()
    {
        if (!_coherent && _shape.CanEnforceCoherency && MappedBytes == 0)
            _coherent = true;
        return _coherent;
    }

    public override void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        FreeSubtree(_rootPhysical, _levels - 1);
        Array.Clear(_leafCounts);
        _cursorTag = NoTag;
        _root = null;
    }

    private static ulong LastOfBits(int bits) => bits >= 64 ? ulong.MaxValue : (1UL << bits) - 1;

    /// <summary>log2 of what one entry at a level maps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int ItemShift(int level) => TFormat.GranuleShift + (LevelBits * level);

    /// <summary>log2 of what a whole table at a level maps; may pass 64 at the top.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int SpanShift(int level) => ItemShift(level + 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Index(int level, ulong iova) => (int)(iova >> ItemShift(level)) & (Entries - 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Tag(ulong iova) => iova >> SpanShift(0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong* Table(ulong physical) => _memory.Words((uint)(physical >> PhysicalMemory.FrameShift));

    private void SetCursor(ulong* table, ulong iova)
    {
        _cursorTable = table;
        _cursorTag = Tag(iova);
    }

    private bool TryNewTable(int level, out ulong physical)
    {
        bool found = _memory.TryAllocateTable(out uint pfn);
        physical = (ulong)pfn << PhysicalMemory.FrameShift;
        if (found)
            _tableCounts[level]++;
        return found;
    }

    private void FreeTable(ulong physical, int level)
    {
        _memory.Free((uint)(physical >> PhysicalMemory.FrameShift));
        _tableCounts[level]--;
        if (level == 0 && Table(physical) == _cursorTable)
        {
            _cursorTag = NoTag;
            _cursorTable = null;
        }
    }

    /// <summary>Frees a table and those below it; leaves are not counted off.</summary>
    private void FreeSubtree(ulong physical, int level)
    {
        if (level > 0)
        {
            ulong* table = Table(physical);
            for (int i = 0; i < Entries; i++)
            {
                if (table[i] != 0 && TFormat.IsTable(level, table[i]))
                    FreeSubtree(TFormat.TableTarget(table[i]), level - 1);
            }
        }
        FreeTable(physical, level);
    }
}
