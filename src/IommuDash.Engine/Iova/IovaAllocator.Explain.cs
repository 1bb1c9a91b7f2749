// The allocator's search, told step by step for a person who asks "why there?". Only runs when asked.
namespace IommuDash.Engine.Iova;

/// <summary>Why a free range was passed over.</summary>
public enum HoleVerdict : byte
{
    /// <summary>Shorter than the mapping.</summary>
    TooShort,

    /// <summary>Long enough, but not from its first aligned address on.</summary>
    TooShortOnceAligned,

    /// <summary>An allowed range that would not take the mapping even if it were empty.</summary>
    AllowedRangeTooShort,
}

/// <summary>A free range that was passed over.</summary>
public readonly record struct PassedHole(IovaRange Range, HoleVerdict Verdict);

/// <summary>The course of a search.</summary>
/// <param name="Refusal">Why there is no result; null if there is one.</param>
/// <param name="Iova">The result.</param>
/// <param name="AlignBytes">Alignment looked for; 0 if refused before looking.</param>
/// <param name="PageOffset">Offset in the page taken over from the source address, bytes.</param>
/// <param name="PassedOver">The first holes passed over, ascending.</param>
/// <param name="MorePassedOver">Whether <paramref name="PassedOver"/> is cut: more holes were passed over.</param>
public sealed record IovaSearch(Refusal? Refusal, ulong Iova, ulong AlignBytes, ulong PageOffset, IReadOnlyList<PassedHole> PassedOver, bool MorePassedOver);

public static partial class IovaAllocator
{
    /// <summary>As TryAllocate, with the holes passed over on the way, at most <paramref name="maxHoles"/> of them. O((maxHoles + reserved ranges) · log areas).</summary>
    public static IovaSearch Explain<TArea, TReserved, TAllowed>(
        AreaTree<TArea> areas,
        RangeTree<TReserved> reserved,
        RangeTree<TAllowed> allowed,
        ulong lengthBytes,
        ulong sourceAddress,
        ulong iovaAlignment,
        ulong largePageBytes,
        int maxHoles = 16)
    {
        if (Request.TryMake(lengthBytes, sourceAddress, iovaAlignment, largePageBytes, out Request request) is { } badRequest)
            return new IovaSearch(badRequest, 0, 0, 0, [], false);

        Refusal? refusal = TryAllocate(areas, reserved, allowed, lengthBytes, sourceAddress, iovaAlignment, largePageBytes, out ulong iova);
        var passed = new List<PassedHole>();
        // One more than wanted tells whether there are more.
        CollectPassed(in request, areas, reserved, allowed, maxHoles + 1, passed);
        bool more = passed.Count > maxHoles;
        if (more)
            passed.RemoveAt(maxHoles);
        return new IovaSearch(refusal, iova, request.AlignBytes, request.PageOffset, passed, more);
    }

    private static void CollectPassed<TArea, TReserved, TAllowed>(
        in Request request,
        AreaTree<TArea> areas,
        RangeTree<TReserved> reserved,
        RangeTree<TAllowed> allowed,
        int maxHoles,
        List<PassedHole> passed)
    {
        for (var windows = new AllowedWindows<TAllowed>(allowed); windows.MoveNext();)
        {
            IovaRange window = windows.Current;
            if (!request.TryPlace(window, out ulong first))
            {
                passed.Add(new PassedHole(window, HoleVerdict.AllowedRangeTooShort));
                if (passed.Count == maxHoles)
                    return;
                continue;
            }
            // A page at no alignment: every hole.
            var holes = new HoleCandidates<TArea, TReserved>(areas, reserved, window with { Start = first }, pages: 1, alignShift: 0);
            while (holes.MoveNext())
            {
                IovaRange hole = holes.Current;
                if (request.TryPlace(hole, out _))
                    return;
                bool tooShort = hole.LengthBytes < request.LengthBytes;
                passed.Add(new PassedHole(hole, tooShort ? HoleVerdict.TooShort : HoleVerdict.TooShortOnceAligned));
                if (passed.Count == maxHoles)
                    return;
            }
        }
    }
}
