namespace IommuDash.Engine.Iova;

/// <summary>Which of two trees covers a span.</summary>
public enum SpanCover : byte
{
    /// <summary>Neither.</summary>
    Hole = 0,

    /// <summary>The first, whatever the second does.</summary>
    First = 1,

    /// <summary>The second and not the first.</summary>
    Second = 2,
}

/// <summary>
/// Walks a window of two trees at once (the kernel's interval_tree_double_span_iter): each span says which tree covers it, the first one winning. Spans cover the
/// window exactly, and neighbours always differ in cover.
/// </summary>
/// <example><code>for (var span = reserved.SpansOver(areas, first, last); !span.IsDone; span.Next()) …</code></example>
public ref struct DoubleSpanIterator<TPayload1, TAugment1, TPayload2, TAugment2>
    where TAugment1 : struct, ITreeAugment<TAugment1>
    where TAugment2 : struct, ITreeAugment<TAugment2>
{
    private readonly ulong _windowLast;
    private SpanIterator<TPayload1, TAugment1> _first;
    private SpanIterator<TPayload2, TAugment2> _second;

    internal DoubleSpanIterator(SpanIterator<TPayload1, TAugment1> first, SpanIterator<TPayload2, TAugment2> second, ulong windowLast)
    {
        _first = first;
        _second = second;
        _windowLast = windowLast;
        IsDone = first.IsDone;
        if (!IsDone)
            Merge(first.Start);
    }

    /// <summary>Whether the window is exhausted; the other properties then mean nothing.</summary>
    public bool IsDone { get; private set; }

    public SpanCover Cover { get; private set; }

    /// <summary>First address of the current span.</summary>
    public ulong Start { get; private set; }

    /// <summary>Last address of the current span, inclusive.</summary>
    public ulong Last { get; private set; }

    public readonly IovaRange Range => new(Start, Last);

    /// <summary>Goes to the span right after the current one.</summary>
    public void Next()
    {
        if (IsDone || Last == _windowLast)
            IsDone = true;
        else
            Merge(Last + 1);
    }

    private void Merge(ulong start)
    {
        Start = start;
        _first.Advance(start);
        if (!_first.IsHole)
        {
            Cover = SpanCover.First;
            Last = _first.Last;
            return;
        }
        _second.Advance(start);
        Cover = _second.IsHole ? SpanCover.Hole : SpanCover.Second;
        Last = Math.Min(_first.Last, _second.Last);
    }
}

public partial class IntervalTree<TPayload, TAugment>
{
    /// <summary>Spans of [<paramref name="first"/>, <paramref name="last"/>], both inclusive, by whether this tree covers them, else <paramref name="second"/>, else neither.</summary>
    public DoubleSpanIterator<TPayload, TAugment, TPayload2, TAugment2> SpansOver<TPayload2, TAugment2>(IntervalTree<TPayload2, TAugment2> second, ulong first, ulong last)
        where TAugment2 : struct, ITreeAugment<TAugment2> =>
        new(Spans(first, last), second.Spans(first, last), last);
}
