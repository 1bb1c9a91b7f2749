// What an area tree knows about the holes between its ranges, so that the first hole in which an aligned request fits is found along one path.
//
// Lengths are counted in pages touched, which rounds up at both ends: exact for holes that begin and end on page boundaries, an upper bound for others (a search may then look at a
// hole in vain, never miss one). For a request aligned to 2^k pages, a hole that starts p pages into such a block loses (-p mod 2^k) pages. Per subtree and k this
// gives a greatest usable length. It is kept for k = 0 and k = 9 (2 MiB) as such; for k = 1 … 8 as the shortfall against k = 0, which is below 2^k and so fits a byte.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace IommuDash.Engine.Iova;

/// <summary>The hole before a node, and the greatest usable length per alignment of all such holes in its subtree.</summary>
public struct HoleAugment : ITreeAugment<HoleAugment>, IEquatable<HoleAugment>
{
    internal const int PageShift = 12;

    /// <summary>log2 pages of the greatest alignment with a summary of its own: 2 MiB.</summary>
    internal const int MaxAlignShift = 9;

    private ulong _holeStart;
    private ulong _maxPages;
    private ulong _maxPages2M;
    // Byte k-1: _maxPages less the greatest usable length at an alignment of 2^k pages, k = 1 … 8.
    private ulong _shortfalls;

    public static bool TracksHoles => true;

    /// <summary>First address of the hole before the node; equals the node's start if there is no hole.</summary>
    public readonly ulong HoleStart => _holeStart;

    /// <summary>Pages touched by the longest hole in the subtree.</summary>
    public readonly ulong MaxPages => _maxPages;

    public static ulong GetHoleStart(in HoleAugment self) => self._holeStart;

    public static void SetHoleStart(ref HoleAugment self, ulong holeStart) => self._holeStart = holeStart;

    /// <summary>Upper bound, in pages, of what any hole of the subtree offers at an alignment of 2^<paramref name="alignShift"/> pages (0 … 9).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ulong MaxUsablePages(int alignShift) => alignShift switch
    {
        0 => _maxPages,
        MaxAlignShift => _maxPages2M,
        _ => _maxPages - (byte)(_shortfalls >> ((alignShift - 1) * 8)),
    };

    /// <summary>Upper bound, in pages, of what the node's own hole offers at an alignment of 2^<paramref name="alignShift"/> pages.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ulong OwnUsablePages(ulong nodeStart, int alignShift)
    {
        ulong pages = OwnPages(nodeStart);
        ulong lost = (0 - (_holeStart >> PageShift)) & ((1UL << alignShift) - 1);
        return pages <= lost ? 0 : pages - lost;
    }

    public static bool Refresh(ref HoleAugment self, ulong nodeStart, in HoleAugment left, in HoleAugment right)
    {
        ulong ownPages = self.OwnPages(nodeStart);
        ulong maxPages = Math.Max(ownPages, Math.Max(left._maxPages, right._maxPages));
        ulong maxPages2M = Math.Max(self.OwnUsablePages(nodeStart, MaxAlignShift), Math.Max(left._maxPages2M, right._maxPages2M));

        // The smallest shortfall wins. Sums saturate at 255, and the smallest never exceeds that.
        Vector128<byte> block = Vector128.CreateScalarUnsafe(0xFF_7F_3F_1F_0F_07_03_01UL).AsByte();
        byte startInBlock = unchecked((byte)(0 - (self._holeStart >> PageShift)));
        Vector128<byte> lost = Vector128.Min(Vector128.Create(startInBlock) & block, Vector128.Create(ToByte(ownPages)));
        Vector128<byte> smallest = Vector128.AddSaturate(lost, Vector128.Create(ToByte(maxPages - ownPages)));
        smallest = Vector128.Min(smallest, left.ShortfallsAgainst(maxPages));
        smallest = Vector128.Min(smallest, right.ShortfallsAgainst(maxPages));
        ulong shortfalls = smallest.AsUInt64().ToScalar();

        bool changed = maxPages != self._maxPages || maxPages2M != self._maxPages2M || shortfalls != self._shortfalls;
        self._maxPages = maxPages;
        self._maxPages2M = maxPages2M;
        self._shortfalls = shortfalls;
        return changed;
    }

    private readonly ulong OwnPages(ulong nodeStart) =>
        nodeStart == _holeStart ? 0 : ((nodeStart - 1) >> PageShift) - (_holeStart >> PageShift) + 1;

    private readonly Vector128<byte> ShortfallsAgainst(ulong maxPages) =>
        Vector128.AddSaturate(Vector128.CreateScalarUnsafe(_shortfalls).AsByte(), Vector128.Create(ToByte(maxPages - _maxPages)));

    private static byte ToByte(ulong value) => (byte)Math.Min(value, byte.MaxValue);

    public readonly bool Equals(HoleAugment other) =>
        _holeStart == other._holeStart && _maxPages == other._maxPages && _maxPages2M == other._maxPages2M && _shortfalls == other._shortfalls;

    public override readonly bool Equals(object? obj) => obj is HoleAugment other && Equals(other);

    public override readonly int GetHashCode() => HashCode.Combine(_holeStart, _maxPages, _maxPages2M, _shortfalls);

    public static bool operator ==(HoleAugment left, HoleAugment right) => left.Equals(right);

    public static bool operator !=(HoleAugment left, HoleAugment right) => !left.Equals(right);
}
