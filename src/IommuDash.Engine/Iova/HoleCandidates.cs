namespace IommuDash.Engine.Iova;

/// <summary>
/// Yields, ascending, the holes of a window that neither a reserved range nor an area touches and that may offer enough pages at an alignment; each in O(log areas), plus O(log areas) per reserved range passed.
/// Holes at the window's edges and next to reserved ranges are cut off there and always yielded: the caller checks the fit.
/// </summary>
internal ref struct HoleCandidates<TArea, TReserved>
{
    private const int None = AreaTree<TArea>.None;

    private readonly AreaTree<TArea> _areas;
    private readonly ulong _pages;
    private readonly int _alignShift;
    // Its holes are the stretches searched one after another.
    private SpanIterator<TReserved, NoAugment> _unreserved;
    // The area whose preceding hole was looked at last; none at the start of a stretch or behind the last area.
    private int _slot;
    private bool _inStretch;

    /// <param name="pages">Pages a hole between two areas must touch, after alignment, to be yielded. At least 1.</param>
    /// <param name="alignShift">log2 of the alignment in pages, 0 … 9.</param>
    public HoleCandidates(AreaTree<TArea> areas, RangeTree<TReserved> reserved, IovaRange window, ulong pages, int alignShift)
    {
        _areas = areas;
        _pages = pages;
        _alignShift = alignShift;
        _unreserved = reserved.Spans(window.Start, window.Last);
    }

    public IovaRange Current { get; private set; }

    public bool MoveNext()
    {
        while (!_unreserved.IsDone)
        {
            if (_unreserved.IsHole && MoveInStretch())
                return true;
            _inStretch = false;
            _unreserved.Next();
        }
        return false;
    }

    private bool MoveInStretch()
    {
        if (!_inStretch)
        {
            _inStretch = true;
            _slot = _areas.FirstStartingAfter(_unreserved.Start);
            if (TryYield())
                return true;
        }
        while (_slot != None && _areas.Range(_slot).Start <= _unreserved.Last)
        {
            _slot = _areas.NextWithHole(_slot, _pages, _alignShift);
            if (TryYield())
                return true;
        }
        return false;
    }

    // Cuts the hole before _slot, or behind the last area, to the stretch; false if nothing is left.
    private bool TryYield()
    {
        ulong start = _unreserved.Start;
        ulong last = _unreserved.Last;
        if (_slot != None)
        {
            start = Math.Max(start, _areas.HoleStart(_slot));
            ulong areaStart = _areas.Range(_slot).Start;
            if (areaStart <= start)
                return false;
            last = Math.Min(last, areaStart - 1);
        }
        else if (_areas.Last is var final && final != None)
        {
            ulong used = _areas.Range(final).Last;
            if (used >= last)
                return false;
            start = Math.Max(start, used + 1);
        }
        Current = new IovaRange(start, last);
        return start <= last;
    }
}
