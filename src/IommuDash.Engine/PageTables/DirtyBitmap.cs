using System.Numerics;
using System.Runtime.InteropServices;

namespace IommuDash.Engine.PageTables;

/// <summary>
/// The bitmap a dirty read fills (struct iova_bitmap): bit n stands for the page that begins n pages behind the first address. Bits are only ever added; whatever falls outside is dropped.
/// The default value takes nothing and keeps nothing: reading into it only clears.
/// </summary>
public readonly ref struct DirtyBitmap
{
    private readonly Span<byte> _bits;
    private readonly ulong _start;
    private readonly ulong _last;
    private readonly int _pageShift;

    /// <param name="bits">Where bits go, at any address; bit n is bit n % 8 of byte n / 8.</param>
    /// <param name="start">Address of bit 0.</param>
    /// <param name="last">Last address of the request, inclusive.</param>
    /// <param name="pageShift">log2 of the bytes one bit stands for.</param>
    public DirtyBitmap(Span<byte> bits, ulong start, ulong last, int pageShift)
    {
        _bits = bits;
        _start = start;
        _last = last;
        _pageShift = pageShift;
    }

    /// <summary>Bytes that a bitmap of this many addresses has.</summary>
    public static ulong BytesFor(ulong lengthBytes, int pageShift) => (((lengthBytes - 1) >> pageShift) >> 3) + 1;

    /// <summary>Sets the bits of every page that [iova, +length) touches.</summary>
    public void Record(ulong iova, ulong lengthBytes)
    {
        if (lengthBytes == 0 || _bits.IsEmpty || iova > _last)
            return;
        ulong last = iova + Math.Min(lengthBytes - 1, _last - iova);
        ulong bit = (iova - _start) >> _pageShift;
        ulong lastBit = Math.Min((last - _start) >> _pageShift, ((ulong)_bits.Length * 8) - 1);
        for (; bit <= lastBit && (bit % 8 != 0 || lastBit - bit < 7); bit++)
            _bits[(int)(bit / 8)] |= (byte)(1 << (int)(bit % 8));
        if (bit > lastBit)
            return;
        ulong wholeBytes = (lastBit + 1 - bit) / 8;
        _bits.Slice((int)(bit / 8), (int)wholeBytes).Fill(0xff);
        for (bit += wholeBytes * 8; bit <= lastBit; bit++)
            _bits[(int)(bit / 8)] |= (byte)(1 << (int)(bit % 8));
    }

    /// <summary>Number of bits set in a bitmap's bytes.</summary>
    public static ulong Count(ReadOnlySpan<byte> bits)
    {
        ulong count = 0;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bits);
        foreach (ulong word in words)
            count += (ulong)BitOperations.PopCount(word);
        foreach (byte b in bits[(words.Length * sizeof(ulong))..])
            count += (ulong)BitOperations.PopCount(b);
        return count;
    }
}
