// What map and unmap calls would do, without doing it: the same checks in the same order, then a forecast of what filling the domains would pin.
// Leaves out: the machine running out of frames or of memory for tables.
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Iova;

/// <summary>What a map or copy call would do.</summary>
/// <param name="Refusal">The answer it would get; null = success.</param>
/// <param name="Range">Where it would land, or for a refused fixed map where it was meant to; null where there is no such place.</param>
/// <param name="Search">How allocation would choose; null for a fixed map.</param>
/// <param name="Pins">What would be pinned and who would pay; null if the call is refused before its source is known.</param>
/// <param name="Domains">Domains that would show it.</param>
public sealed record MapPreview(Refusal? Refusal, IovaRange? Range, IovaSearch? Search, PinForecast? Pins, int Domains);

/// <summary>What an unmap call would do.</summary>
/// <param name="Refusal">The answer it would get; null = success. With it, <paramref name="Areas"/> go all the same.</param>
/// <param name="Window">The addresses it names.</param>
/// <param name="Areas">Areas that would go.</param>
/// <param name="First">Lowest address that would go; null if none.</param>
/// <param name="Last">Highest address that would go.</param>
public sealed record UnmapPreview(Refusal? Refusal, IovaRange Window, int Areas, ulong? First, ulong? Last);

public sealed partial class IoPagetable
{
    internal MapPreview PreviewMap(ReadOnlySpan<PagesSlice> slices, ulong sourceAddress, MapFlags flags, ulong iova)
    {
        bool isFixed = flags.HasFlag(MapFlags.FixedIova);
        ulong length = LengthOf(slices);
        IovaSearch? search = isFixed || length % IovaAlignment != 0 ? null
            : IovaAllocator.Explain(Areas, Reserved, Allowed, length, sourceAddress, IovaAlignment, LargePageBytes);
        Refusal? refusal = CheckMap(slices, length, sourceAddress, flags, ref iova);
        PinForecast pins = ForecastFill(slices, out Refusal? unfilled);
        refusal ??= unfilled;
        bool hasPlace = isFixed || search is { Refusal: null };
        return new MapPreview(refusal, hasPlace && IovaRange.TryOfLength(iova, length, out IovaRange range) ? range : null, search, pins, _domains.Length);
    }

    /// <summary>O(log areas): of disjoint areas only the first and the last can be cut by the window. Looks at each area only while a hardware queue locks some.</summary>
    internal UnmapPreview PreviewUnmap(IovaRange window)
    {
        int first = Areas.FirstOverlap(window);
        if (first < 0)
            return new UnmapPreview(null, window, 0, null, null);
        int after = window.Last == ulong.MaxValue ? -1 : Areas.FirstStartingAfter(window.Last);
        int last = after < 0 ? Areas.Last : Areas.Previous(after);
        if (!window.Contains(Areas.Range(first)))
            return new UnmapPreview(Stuck(window, first), window, 0, null, null);
        Refusal? refusal = null;
        if (!window.Contains(Areas.Range(last)))
        {
            refusal = Stuck(window, last);
            last = Areas.Previous(last);
        }
        int locked = FirstLocked(first, last);
        if (locked == first)
            return new UnmapPreview(Locked(Areas.Range(first)), window, 0, null, null);
        if (locked >= 0)
        {
            refusal = Locked(Areas.Range(locked));
            last = Areas.Previous(locked);
        }
        return new UnmapPreview(refusal, window, Areas.RankOf(last) - Areas.RankOf(first) + 1, Areas.Range(first).Start, Areas.Range(last).Last);
    }

    private Refusal Stuck(IovaRange window, int slot) => Area(slot).NumLocks != 0 ? Locked(Areas.Range(slot)) : Cut(window, Areas.Range(slot));

    private int FirstLocked(int first, int last)
    {
        if (!Accesses.Any(static access => access.IsInternal && access.PinnedRanges != 0))
            return -1;
        for (int slot = first; slot >= 0; slot = slot == last ? -1 : Areas.Next(slot))
        {
            if (Area(slot).NumLocks != 0)
                return slot;
        }
        return -1;
    }

    private PinForecast ForecastFill(ReadOnlySpan<PagesSlice> slices, out Refusal? refusal)
    {
        refusal = null;
        PinForecast forecast = default;
        var promised = new Dictionary<object, ulong>();
        foreach (PagesSlice slice in slices)
        {
            Refusal? unfilled = slice.Pages.ForecastFill(slice, promised, ref forecast);
            if (_domains.Length != 0)
                refusal ??= unfilled;
        }
        return _domains.Length == 0 ? forecast with { Pages = 0 } : forecast;
    }
}
