// Automatic choice of an IOVA, with exactly the reference's results (drivers/iommu/iommufd/io_pagetable.c): the first place, ascending over the allowed ranges, where the mapping
// fits at an alignment that large pages could use and that the source address justifies. The reference scans every area; here the area tree leads to each candidate hole in O(log areas).
//
// Quirks kept on purpose, since results must agree:
// - the offset in the page is OR-ed into the aligned start, not added, so below-page starts can move it;
// - a place whose only byte is the hole's last is refused, so one byte needs a hole of two;
// - an allowed range is cut at its own first aligned place before its holes are looked at, and skipped if it has none.
//
// In vain, though never wrong: holes that begin or end inside a page count as if they had the whole page, so many such holes, each too short by less than two pages, are looked at one by one.
// They exist only in an IOAS whose alignment is below a page.
using System.Numerics;

namespace IommuDash.Engine.Iova;

/// <summary>Finds where an automatic map lands.</summary>
public static partial class IovaAllocator
{
    private const ulong PageBytes = 1UL << HoleAugment.PageShift;

    /// <summary>The largest alignment that is ever asked for: the huge page of the emulated machine, 2 MiB.</summary>
    public const ulong MaxLargePageBytes = PageBytes << HoleAugment.MaxAlignShift;

    /// <summary>What may be used when nothing is listed as allowed, and what allowed ranges are cut to: all but the first and last page. 0 is never handed out.</summary>
    public static IovaRange DefaultWindow => new(PageBytes, ulong.MaxValue - PageBytes);

    /// <summary>Most ranges that a refusal lights up.</summary>
    private const int MaxRefusalRanges = 16;

    /// <summary>Finds the lowest fitting IOVA for a new area. Changes nothing.</summary>
    /// <param name="lengthBytes">Length of the mapping.</param>
    /// <param name="sourceAddress">User address, file offset or dma-buf offset of the first byte: the IOVA takes over its offset in the page.</param>
    /// <param name="iovaAlignment">Alignment the IOAS demands, a power of two.</param>
    /// <param name="largePageBytes">Alignment beyond which nothing is gained: 2 MiB with transparent huge pages, else 4 KiB.</param>
    /// <param name="iova">The first address; 0 if refused.</param>
    /// <returns>
    /// EOVERFLOW: no length, or half the address space and more. EINVAL: the source address is less aligned than the IOAS demands. ENOSPC: no hole fits.
    /// </returns>
    public static Refusal? TryAllocate<TArea, TReserved, TAllowed>(
        AreaTree<TArea> areas,
        RangeTree<TReserved> reserved,
        RangeTree<TAllowed> allowed,
        ulong lengthBytes,
        ulong sourceAddress,
        ulong iovaAlignment,
        ulong largePageBytes,
        out ulong iova)
    {
        iova = 0;
        if (Request.TryMake(lengthBytes, sourceAddress, iovaAlignment, largePageBytes, out Request request) is { } refusal)
            return refusal;

        for (var windows = new AllowedWindows<TAllowed>(allowed); windows.MoveNext();)
        {
            IovaRange window = windows.Current;
            if (!request.TryPlace(window, out ulong first))
                continue;
            var holes = new HoleCandidates<TArea, TReserved>(areas, reserved, window with { Start = first }, request.PagesNeeded, request.AlignShift);
            while (holes.MoveNext())
            {
                if (request.TryPlace(holes.Current, out iova))
                    return null;
            }
        }
        return NoSpace(in request, allowed);
    }

    private static Refusal NoSpace<TAllowed>(in Request request, RangeTree<TAllowed> allowed)
    {
        var ranges = new List<RefusalRange>();
        for (int slot = allowed.First; slot != RangeTree<TAllowed>.None && ranges.Count < MaxRefusalRanges; slot = allowed.Next(slot))
            ranges.Add(new RefusalRange(RangeRole.Allowed, allowed.Range(slot)));
        string where = allowed.Count switch
        {
            0 => DefaultWindow.ToString(),
            1 => "the allowed range",
            int count => $"any of the {count} allowed ranges",
        };
        return new Refusal(
            Errno.ENOSPC,
            "map.auto.space",
            $"No hole in {where} takes 0x{request.LengthBytes:x} bytes at an alignment of 0x{request.AlignBytes:x}{(request.PageOffset == 0 ? "" : $" plus 0x{request.PageOffset:x}")}.")
        {
            Ranges = ranges,
        };
    }

    /// <summary>What is looked for: a length at an alignment and an offset in the page.</summary>
    private readonly record struct Request(ulong LengthBytes, ulong AlignBytes, ulong PageOffset)
    {
        /// <summary>log2 of the alignment in pages; 0 for a page and below, where every page boundary serves.</summary>
        public int AlignShift => Math.Max(0, BitOperations.Log2(AlignBytes) - HoleAugment.PageShift);

        /// <summary>Pages that a hole must touch from its first aligned page on. The offset is 0 whenever the alignment exceeds a page.</summary>
        public ulong PagesNeeded => (PageOffset + Math.Max(LengthBytes, 2) + PageBytes - 1) >> HoleAugment.PageShift;

        public static Refusal? TryMake(ulong lengthBytes, ulong sourceAddress, ulong iovaAlignment, ulong largePageBytes, out Request request)
        {
            if (!BitOperations.IsPow2(largePageBytes) || largePageBytes is < PageBytes or > MaxLargePageBytes)
                throw new ArgumentOutOfRangeException(nameof(largePageBytes), largePageBytes, "A power of two from 4 KiB to 2 MiB is expected.");

            request = default;
            if (lengthBytes is 0 or >= ulong.MaxValue / 2)
            {
                string fault = lengthBytes == 0 ? "A mapping needs at least one byte" : $"0x{lengthBytes:x} bytes are half the address space or more";
                return new Refusal(Errno.EOVERFLOW, "map.auto.length", $"{fault}: no IOVA can be chosen.");
            }
            ulong align = BitOperations.RoundUpToPowerOf2(lengthBytes);
            if (sourceAddress != 0)
                align = Math.Min(align, sourceAddress & (0 - sourceAddress));
            align = Math.Min(align, largePageBytes);
            if (align < iovaAlignment)
            {
                return new Refusal(
                    Errno.EINVAL,
                    "map.auto.alignment",
                    $"The source address 0x{sourceAddress:x} and length 0x{lengthBytes:x} allow an alignment of 0x{align:x}, but this IOAS demands 0x{iovaAlignment:x}.");
            }
            request = new Request(lengthBytes, align, sourceAddress % PageBytes);
            return null;
        }

        /// <summary>Finds the first place in a free range. False if it does not fit there.</summary>
        public bool TryPlace(IovaRange free, out ulong iova)
        {
            iova = 0;
            ulong aligned = unchecked(free.Start + AlignBytes - 1);
            if (aligned < free.Start)
                return false;
            aligned = (aligned & ~(AlignBytes - 1)) | PageOffset;
            if (aligned >= free.Last || free.Last - aligned < LengthBytes - 1)
                return false;
            iova = aligned;
            return true;
        }
    }

    /// <summary>The windows to search, ascending: allowed ranges merged and cut to the default window, or that whole window if nothing is listed.</summary>
    private ref struct AllowedWindows<TAllowed>(RangeTree<TAllowed> allowed)
    {
        private readonly bool _unrestricted = allowed.Count == 0;
        private SpanIterator<TAllowed, NoAugment> _span = allowed.Spans(DefaultWindow.Start, DefaultWindow.Last);

        public IovaRange Current { get; private set; }

        public bool MoveNext()
        {
            while (!_span.IsDone)
            {
                bool usable = !_span.IsHole || _unrestricted;
                Current = _span.Range;
                _span.Next();
                if (usable)
                    return true;
            }
            return false;
        }
    }
}
