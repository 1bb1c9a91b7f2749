// The machine's memory: frames of 4 KiB with real bytes behind them, and per frame how often it is pinned. The bytes are one reservation of address space that the
// operating system backs on first write, so an untouched gigabyte costs nothing but its counters, and those too are backed on first touch.
// Holds always: a frame is free or in use; a free frame is never pinned; the bytes of a frame just handed out are zero; the same calls give the same frames.
// Leaves out: NUMA, memory holes, anything but RAM.
using System.Numerics;
using System.Runtime.CompilerServices;

namespace IommuDash.Engine.Hardware;

/// <summary>Physical memory in frames of <see cref="FrameBytes"/>. Frame numbers (PFNs) count from 0; frame 0 is never handed out.</summary>
public sealed unsafe partial class PhysicalMemory : IDisposable
{
    public const int FrameShift = 12;
    public const int FrameBytes = 1 << FrameShift;

    /// <summary>Frames of one huge page.</summary>
    public const int HugeFrames = 512;

    /// <summary>Largest machine, in bytes: frame counts and numbers have 32 bits.</summary>
    public const ulong MaxBytes = 8UL << 40;

    private const int WordsPerHuge = HugeFrames / 64;

    private readonly byte* _bytes;
    private readonly uint* _pins;

    // One bit a frame, 64 to a word: in use; holds bytes that may not be zero; to be freed with its last pin.
    private readonly ulong* _used;
    private readonly ulong* _stale;
    private readonly ulong* _orphaned;
    private readonly uint _words;

    // No free frame below _lowWord, none at or above _highWord, no free huge block below _hugeWord.
    private uint _lowWord;
    private uint _highWord;
    private uint _hugeWord;
    private bool _disposed;

    /// <param name="sizeBytes">Positive multiple of 2 MiB, up to <see cref="MaxBytes"/>.</param>
    /// <param name="maxWrittenBytes">How many bytes may really be written, see <see cref="TryMarkWritten"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">Any other size.</exception>
    public PhysicalMemory(ulong sizeBytes, ulong maxWrittenBytes = 1UL << 30)
    {
        ArgumentOutOfRangeException.ThrowIfZero(sizeBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sizeBytes, MaxBytes);
        ArgumentOutOfRangeException.ThrowIfNotEqual(sizeBytes % (HugeFrames * FrameBytes), 0UL, nameof(sizeBytes));
        FrameCount = (uint)(sizeBytes >> FrameShift);
        MaxWrittenFrames = (uint)Math.Min(maxWrittenBytes >> FrameShift, FrameCount);
        _words = FrameCount / 64;
        _highWord = _words;
        _bytes = (byte*)Reservation.Map(sizeBytes);
        _pins = (uint*)Reservation.Map(FrameCount * (ulong)sizeof(uint));
        _used = (ulong*)Reservation.Map(_words * (ulong)sizeof(ulong));
        _stale = (ulong*)Reservation.Map(_words * (ulong)sizeof(ulong));
        _orphaned = (ulong*)Reservation.Map(_words * (ulong)sizeof(ulong));
        _used[0] = 1;
        FramesInUse = 1;
    }

    public uint FrameCount { get; }

    /// <summary>Frames handed out, frame 0 included.</summary>
    public uint FramesInUse { get; private set; }

    /// <summary>Frames that hold, or once held, written bytes: what this machine costs the real one.</summary>
    public uint WrittenFrames { get; private set; }

    public uint MaxWrittenFrames { get; }

    /// <summary>Frames with a pin count above zero.</summary>
    public uint PinnedFrames { get; private set; }

    /// <summary>Frames that nothing maps any more and only pins keep.</summary>
    public uint OrphanedFrames { get; private set; }

    /// <summary>Makes allocations of table frames fail; null = they never do.</summary>
    internal IFailurePoints? FailurePoints { get; set; }

    /// <summary>Hands out the lowest free frame, so that calls in a row give neighbours while memory is unfragmented. False: memory is full.</summary>
    public bool TryAllocate(out uint pfn)
    {
        for (; _lowWord < _words; _lowWord++)
        {
            ulong free = ~_used[_lowWord];
            if (free == 0)
                continue;
            pfn = (_lowWord * 64) + (uint)BitOperations.TrailingZeroCount(free);
            Take(pfn);
            return true;
        }
        pfn = 0;
        return false;
    }

    /// <summary>Hands out the highest free frame; page tables live at this end, away from process memory. The frame counts as written. False: memory is full.</summary>
    public bool TryAllocateTable(out uint pfn)
    {
        for (; _highWord > 0; _highWord--)
        {
            ulong free = ~_used[_highWord - 1];
            if (free == 0)
                continue;
            pfn = ((_highWord - 1) * 64) + (uint)BitOperations.Log2(free);
            if (FailurePoints?.ShouldFail(FailurePoint.Allocation) == true || !TryMarkWritten(pfn))
                break;
            Take(pfn);
            return true;
        }
        pfn = 0;
        return false;
    }

    /// <summary>Hands out the lowest <see cref="HugeFrames"/> free frames in a row that start at a multiple of it. False: there is no such block.</summary>
    public bool TryAllocateHuge(out uint pfn)
    {
        for (; _hugeWord < _words; _hugeWord += WordsPerHuge)
        {
            if (new ReadOnlySpan<ulong>(_used + _hugeWord, WordsPerHuge).ContainsAnyExcept(0UL))
                continue;
            pfn = _hugeWord * 64;
            for (uint i = 0; i < HugeFrames; i++)
                Take(pfn + i);
            return true;
        }
        pfn = 0;
        return false;
    }

    /// <summary>Gives a frame back.</summary>
    /// <exception cref="InvalidOperationException">It is free already, or pinned.</exception>
    public void Free(uint pfn)
    {
        uint word = pfn / 64;
        ulong bit = 1UL << (int)(pfn % 64);
        if ((_used[word] & bit) == 0 || _pins[pfn] != 0)
            throw new InvalidOperationException($"Frame 0x{pfn:x} given back while {(_pins[pfn] != 0 ? "pinned" : "free")}.");
        _used[word] &= ~bit;
        FramesInUse--;
        _lowWord = Math.Min(_lowWord, word);
        _highWord = Math.Max(_highWord, word + 1);
        _hugeWord = Math.Min(_hugeWord, word / WordsPerHuge * WordsPerHuge);
    }

    /// <summary>Gives a frame back now if it is not pinned, else with its last pin: a page taken out of a process stays while DMA may reach it.</summary>
    public void Release(uint pfn)
    {
        if (_pins[pfn] == 0)
        {
            Free(pfn);
            return;
        }
        _orphaned[pfn / 64] |= 1UL << (int)(pfn % 64);
        OrphanedFrames++;
    }

    public bool IsAllocated(uint pfn) => pfn < FrameCount && (_used[pfn / 64] >> (int)(pfn % 64) & 1) != 0;

    /// <summary>The frame's bytes, to read.</summary>
    public ReadOnlySpan<byte> Read(uint pfn) => new(Address(pfn), FrameBytes);

    /// <summary>
    /// Says that a frame is about to be written. False: the real bytes this machine may use (option <c>Limits:MachineWrittenBytes</c>) are spent; nothing may then be written.
    /// </summary>
    public bool TryMarkWritten(uint pfn)
    {
        uint word = pfn / 64;
        ulong bit = 1UL << (int)(pfn % 64);
        if ((_stale[word] & bit) != 0)
            return true;
        if (WrittenFrames >= MaxWrittenFrames)
            return false;
        _stale[word] |= bit;
        WrittenFrames++;
        return true;
    }

    /// <summary>The frame's bytes, to write; call <see cref="TryMarkWritten"/> first.</summary>
    public Span<byte> Write(uint pfn) => new(Address(pfn), FrameBytes);

    /// <summary>The frame as 64-bit words, for page tables.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ulong* Words(uint pfn) => (ulong*)(_bytes + ((ulong)pfn << FrameShift));

    /// <summary>How often the frame is pinned.</summary>
    public uint Pins(uint pfn) => _pins[pfn];

    /// <summary>Pins <paramref name="count"/> neighbouring frames once more.</summary>
    public void Pin(uint pfn, uint count)
    {
        uint* pins = _pins + pfn;
        uint first = 0;
        for (uint i = 0; i < count; i++)
            first += pins[i]++ == 0 ? 1u : 0;
        PinnedFrames += first;
    }

    /// <summary>Pins each of these frames once more.</summary>
    public void Pin(ReadOnlySpan<uint> frames)
    {
        uint first = 0;
        foreach (uint pfn in frames)
            first += _pins[pfn]++ == 0 ? 1u : 0;
        PinnedFrames += first;
    }

    /// <summary>Takes one pin off each of <paramref name="count"/> neighbouring frames.</summary>
    /// <exception cref="InvalidOperationException">One of them is not pinned.</exception>
    public void Unpin(uint pfn, uint count)
    {
        uint* pins = _pins + pfn;
        uint last = 0;
        uint missing = 0;
        for (uint i = 0; i < count; i++)
        {
            uint was = pins[i];
            missing |= was == 0 ? 1u : 0;
            last += was == 1 ? 1u : 0;
            pins[i] = was - 1;
        }
        if (missing != 0)
            throw new InvalidOperationException($"A frame in 0x{pfn:x}+{count} was unpinned more often than pinned.");
        PinnedFrames -= last;
        if (OrphanedFrames != 0)
            FreeOrphans(pfn, count);
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        Reservation.Unmap(_bytes, (ulong)FrameCount << FrameShift);
        Reservation.Unmap(_pins, FrameCount * (ulong)sizeof(uint));
        Reservation.Unmap(_used, _words * (ulong)sizeof(ulong));
        Reservation.Unmap(_stale, _words * (ulong)sizeof(ulong));
        Reservation.Unmap(_orphaned, _words * (ulong)sizeof(ulong));
        GC.SuppressFinalize(this);
    }

    ~PhysicalMemory() => Dispose();

    private void FreeOrphans(uint pfn, uint count)
    {
        for (uint frame = pfn; frame < pfn + count; frame++)
        {
            ulong bit = 1UL << (int)(frame % 64);
            if ((_orphaned[frame / 64] & bit) == 0 || _pins[frame] != 0)
                continue;
            _orphaned[frame / 64] &= ~bit;
            OrphanedFrames--;
            Free(frame);
        }
    }

    private byte* Address(uint pfn) => _bytes + ((ulong)pfn << FrameShift);

    private void Take(uint pfn)
    {
        uint word = pfn / 64;
        ulong bit = 1UL << (int)(pfn % 64);
        _used[word] |= bit;
        FramesInUse++;
        if ((_stale[word] & bit) != 0)
            new Span<byte>(Address(pfn), FrameBytes).Clear();
    }
}
