// Storage of the nodes: chunks of 1,024, a free list threaded through the freed nodes. A small tree is common (one per pages object), so the first chunk grows in
// steps from one node; later chunks come whole.
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IommuDash.Engine.Iova;

public partial class IntervalTree<TPayload, TAugment>
{
    private const int ChunkShift = 10;
    private const int ChunkNodes = 1 << ChunkShift;
    private const int FirstChunkGrowth = 4;

    private Node[][] _chunks = [];
    private int _chunkCount;
    private int _slotsUsed;
    private int _firstFree = None;

    // Stands in for a missing child's augmentation.
    private TAugment _empty;

    private protected struct Node
    {
        public ulong Start;
        public ulong Last;
        public ulong SubtreeLast;
        public int Left;
        public int Right;
        public int Parent;
        // Nodes of the subtree. 0 marks a free slot, whose Left is the next free one.
        public int Count;
        // Height of the left side less that of the right.
        public sbyte Balance;
        public TAugment Augment;
        public TPayload Payload;
    }

    /// <summary>Bytes one node takes, payload included.</summary>
    internal static int NodeBytes => Unsafe.SizeOf<Node>();

    /// <summary>Bytes of node storage held, in use or not.</summary>
    public long StorageBytes => _chunkCount == 0 ? 0 : (((long)(_chunkCount - 1) << ChunkShift) + _chunks[0].Length) * NodeBytes;

    /// <summary>Removes every node. Keeps the storage.</summary>
    public void Clear()
    {
        for (int i = 0; i < _chunkCount; i++)
            Array.Clear(_chunks[i]);
        _root = None;
        _slotsUsed = 0;
        _firstFree = None;
    }

    // For slots out of the tree's own links, which always name nodes: bounds checks cost about an eighth of every change and search.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected ref Node At(int slot)
    {
        Debug.Assert((uint)slot < (uint)_slotsUsed);
        ref Node[] chunk = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_chunks), (uint)slot >> ChunkShift);
        return ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(chunk), (uint)slot & (ChunkNodes - 1));
    }

    // For slots from outside, which may be stale: using a freed one is a bug of the caller.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Node Live(int slot)
    {
        if ((uint)slot >= (uint)_slotsUsed || At(slot).Count == 0)
            ThrowNotLive(slot);
        return ref At(slot);
    }

    [DoesNotReturn]
    private static void ThrowNotLive(int slot) => throw new ArgumentException($"Slot {slot} holds no node.", nameof(slot));

    private int AllocateSlot()
    {
        if (_firstFree != None)
        {
            int slot = _firstFree;
            _firstFree = At(slot).Left;
            return slot;
        }
        int chunk = _slotsUsed >> ChunkShift;
        if (chunk == _chunkCount || (_slotsUsed & (ChunkNodes - 1)) == _chunks[chunk].Length)
            Grow(chunk);
        return _slotsUsed++;
    }

    private void FreeSlot(int slot)
    {
        ref Node node = ref At(slot);
        node = default;
        node.Left = _firstFree;
        _firstFree = slot;
    }

    private void Grow(int chunk)
    {
        if (chunk == 0 && _chunkCount == 1)
        {
            Array.Resize(ref _chunks[0], Math.Min(_chunks[0].Length * FirstChunkGrowth, ChunkNodes));
            return;
        }
        if (chunk == _chunks.Length)
            Array.Resize(ref _chunks, Math.Max(1, _chunks.Length * 2));
        _chunks[chunk] = new Node[chunk == 0 ? 1 : ChunkNodes];
        _chunkCount = chunk + 1;
    }
}
