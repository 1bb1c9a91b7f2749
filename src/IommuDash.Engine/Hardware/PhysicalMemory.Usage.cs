// What pictures show of memory: how many frames of a stretch are in use and pinned. Reads only.
using System.Numerics;

namespace IommuDash.Engine.Hardware;

/// <summary>Frames of one stretch of memory, counted.</summary>
/// <param name="InUse">Handed out to a process, a file or a page table.</param>
/// <param name="Pinned">With a pin count above zero.</param>
/// <param name="Orphaned">Mapped by no process any more; only pins keep them.</param>
/// <param name="MostPins">The greatest pin count of any frame.</param>
public readonly record struct FrameUsage(uint InUse, uint Pinned, uint Orphaned, uint MostPins);

public sealed unsafe partial class PhysicalMemory
{
    /// <summary>Whether the frame only lives on because it is pinned.</summary>
    public bool IsOrphaned(uint pfn) => pfn < FrameCount && (_orphaned[pfn / 64] >> (int)(pfn % 64) & 1) != 0;

    /// <summary>Counts the frames [<paramref name="first"/>, +<paramref name="count"/>), cut off at the end of memory. Skips what is free 64 frames at a time, so a mostly empty machine costs its bitmap only.</summary>
    public FrameUsage Usage(uint first, uint count)
    {
        ulong end = Math.Min((ulong)first + count, FrameCount);
        uint inUse = 0;
        uint pinned = 0;
        uint orphaned = 0;
        uint most = 0;
        for (ulong frame = first; frame < end;)
        {
            uint word = (uint)(frame / 64);
            ulong wordEnd = Math.Min((word + 1UL) * 64, end);
            ulong mask = ulong.MaxValue << (int)(frame % 64);
            if (wordEnd % 64 != 0)
                mask &= (1UL << (int)(wordEnd % 64)) - 1;
            ulong used = _used[word] & mask;
            var pins = new ReadOnlySpan<uint>(_pins + frame, (int)(wordEnd - frame));
            frame = wordEnd;
            if (used == 0)
                continue;
            inUse += (uint)BitOperations.PopCount(used);
            orphaned += (uint)BitOperations.PopCount(_orphaned[word] & mask);
            if (!pins.ContainsAnyExcept(0u))
                continue;
            foreach (uint pinCount in pins)
            {
                pinned += pinCount == 0 ? 0 : 1u;
                most = Math.Max(most, pinCount);
            }
        }
        return new FrameUsage(inUse, pinned, orphaned, most);
    }

    /// <summary>The lowest frame in use at or above <paramref name="from"/>, or <see cref="FrameCount"/> if there is none.</summary>
    internal uint NextInUse(uint from)
    {
        ulong mask = ulong.MaxValue << (int)(from % 64);
        for (uint word = from / 64; word < _words; word++, mask = ulong.MaxValue)
        {
            if ((_used[word] & mask) is not 0 and var used)
                return (word * 64) + (uint)BitOperations.TrailingZeroCount(used);
        }
        return FrameCount;
    }

    /// <summary>Whether the frame may hold other bytes than zeroes.</summary>
    internal bool IsWritten(uint pfn) => (_stale[pfn / 64] >> (int)(pfn % 64) & 1) != 0;

    /// <summary>The lowest and the highest pinned frame; false if none is pinned. Looks at counters of frames in use only.</summary>
    public bool TryPinnedExtent(out uint lowest, out uint highest)
    {
        lowest = highest = 0;
        if (PinnedFrames == 0)
            return false;
        lowest = PinnedInWord(NextPinnedWord(0, 1)).First;
        highest = PinnedInWord(NextPinnedWord((int)_words - 1, -1)).Last;
        return true;
    }

    // There is one; the caller has looked at PinnedFrames.
    private int NextPinnedWord(int word, int step)
    {
        while (_used[word] == 0 || !Pins64(word).ContainsAnyExcept(0u))
            word += step;
        return word;
    }

    private (uint First, uint Last) PinnedInWord(int word) =>
        ((uint)((word * 64) + Pins64(word).IndexOfAnyExcept(0u)), (uint)((word * 64) + Pins64(word).LastIndexOfAnyExcept(0u)));

    private ReadOnlySpan<uint> Pins64(int word) => new(_pins + (word * 64L), 64);
}
