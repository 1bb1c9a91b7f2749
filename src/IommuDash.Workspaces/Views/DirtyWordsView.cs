// The words of a dirty bitmap as IOMMU_HWPT_GET_DIRTY_BITMAP with NO_CLEAR would write them: the real read, from which a few words are kept.
using System.Numerics;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Views;

/// <param name="Iova">Address of bit 0.</param>
/// <param name="Length">Bytes asked about.</param>
/// <param name="PageSize">Bytes one bit stands for.</param>
/// <param name="FirstWord">The first word to show.</param>
/// <param name="Bit">Where to look for the next and the previous dirty page from.</param>
public sealed record DirtyWordsQuery(uint Hwpt, ulong Iova, ulong Length, ulong PageSize = 4_096, ulong FirstWord = 0, ulong Bit = 0, int Context = 1);

/// <summary>64 bits of the bitmap.</summary>
/// <param name="Index">Which u64 of the bitmap.</param>
/// <param name="Value">As a little-endian machine reads it: bit n is the page n pages behind <paramref name="Start"/>.</param>
/// <param name="Start">Address of its bit 0.</param>
/// <param name="Bits">How many of its bits belong to the request: 1 … 64.</param>
public sealed record DirtyWord(ulong Index, ulong Value, ulong Start, int Bits);

public sealed record DirtyWordsSnapshot
{
    /// <summary>Why the request would be refused, or null.</summary>
    public Refusal? Refusal { get; init; }

    /// <summary>Bits of the whole request.</summary>
    public ulong Bits { get; init; }

    public ulong TotalWords { get; init; }

    /// <summary>How many bits are set.</summary>
    public ulong DirtyBits { get; init; }

    /// <summary>Address of the first dirty page behind the one asked about; null if there is none.</summary>
    public ulong? NextDirty { get; init; }

    /// <summary>Of the last dirty page before it.</summary>
    public ulong? PreviousDirty { get; init; }

    public IReadOnlyList<DirtyWord> Words { get; init; } = [];

    /// <summary>Last address that is read, inclusive: a read ends at the first hole. Null if nothing is mapped at the start.</summary>
    public ulong? ReadLast { get; init; }

    /// <summary>Whether the hw_pagetable tracks now.</summary>
    public bool IsTracking { get; init; }
}

public sealed class DirtyWordsView : IView<DirtyWordsQuery, DirtyWordsSnapshot>
{
    /// <summary>Words of one snapshot.</summary>
    public const int MaxWords = 8;

    public static string Name => "dirty.words";

    public static DirtyWordsSnapshot Project(EmulatedHost host, DirtyWordsQuery query)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (host.FindContext(query.Context) is not { } context)
            return new DirtyWordsSnapshot { Refusal = new Refusal(Errno.EBADF, "context.fd", $"No context {query.Context} is open.") };
        var request = new HwptGetDirty { Hwpt = query.Hwpt, Iova = query.Iova, Length = query.Length, PageSize = query.PageSize };
        if (request.Check() is { } large)
            return new DirtyWordsSnapshot { Refusal = large };
        int shift = BitOperations.TrailingZeroCount(query.PageSize | (1UL << 63));
        byte[] bits = new byte[query.Length == 0 ? 0 : DirtyBitmap.BytesFor(query.Length, shift)];
        if (context.PeekDirtyBitmap(query.Hwpt, query.Iova, query.Length, query.PageSize, bits) is { } refusal)
            return new DirtyWordsSnapshot { Refusal = refusal };
        ulong count = ((query.Length - 1) >> shift) + 1;
        ulong words = (count + 63) / 64;
        HwptPaging hwpt = context.Objects.Find<HwptPaging>(query.Hwpt)!;
        ulong last = query.Iova + (query.Length - 1);
        return new DirtyWordsSnapshot
        {
            Bits = count,
            TotalWords = words,
            DirtyBits = DirtyBitmap.Count(bits),
            NextDirty = Next(bits, query.Bit) is { } next ? query.Iova + (next << shift) : null,
            PreviousDirty = Previous(bits, query.Bit) is { } previous ? query.Iova + (previous << shift) : null,
            Words = [.. Words(query, bits, shift, count, Math.Min(query.FirstWord, words - 1))],
            ReadLast = hwpt.Ioas.Pagetable.StretchAt(query.Iova) is { } stretch ? Math.Min(stretch.Last, last) : null,
            IsTracking = hwpt.IsTrackingDirty,
        };
    }

    private static bool IsSet(byte[] bits, ulong bit) => (bits[(int)(bit / 8)] >> (int)(bit % 8) & 1) != 0;

    private static ulong? Next(byte[] bits, ulong bit)
    {
        ulong end = (ulong)bits.Length * 8;
        while (++bit < end)
        {
            if (bit % 8 == 0 && bits.AsSpan((int)(bit / 8)).IndexOfAnyExcept((byte)0) is var clean)
            {
                if (clean < 0)
                    return null;
                bit += (ulong)clean * 8;
            }
            if (IsSet(bits, bit))
                return bit;
        }
        return null;
    }

    private static ulong? Previous(byte[] bits, ulong bit)
    {
        bit = Math.Min(bit, (ulong)bits.Length * 8);
        while (bit-- > 0)
        {
            if (bit % 8 == 7)
            {
                int dirty = bits.AsSpan(0, (int)(bit / 8) + 1).LastIndexOfAnyExcept((byte)0);
                if (dirty < 0)
                    return null;
                bit = ((ulong)dirty * 8) + 7;
            }
            if (IsSet(bits, bit))
                return bit;
        }
        return null;
    }

    private static IEnumerable<DirtyWord> Words(DirtyWordsQuery query, byte[] bits, int shift, ulong count, ulong first)
    {
        for (ulong word = first; word < Math.Min((count + 63) / 64, first + MaxWords); word++)
        {
            ulong value = 0;
            for (int at = 0; at < 8 && (word * 8) + (ulong)at < (ulong)bits.Length; at++)
                value |= (ulong)bits[(int)(word * 8) + at] << (8 * at);
            yield return new DirtyWord(word, value, query.Iova + (word << 6 << shift), (int)Math.Min(64, count - (word * 64)));
        }
    }
}
