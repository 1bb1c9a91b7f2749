namespace IommuDash.Engine.Iova;

/// <summary>
/// Walks a window of a tree as alternating holes and used spans that cover it exactly (the kernel's interval_tree_span_iter). Spans are clipped to the window; a used span
/// merges nodes that overlap or touch. The tree must not change meanwhile, except before <see cref="Advance"/> seeks anew.
/// </summary>
/// <example><code>for (var span = tree.Spans(first, last); !span.IsDone; span.Next()) …</code></example>
public ref struct SpanIterator<TPayload, TAugment>
    where TAugment : struct, ITreeAugment<TAugment>
{
    private const int None = IntervalTree<TPayload, TAugment>.None;

    private readonly IntervalTree<TPayload, TAugment> _tree;
    private readonly ulong _windowLast;
    // First node behind the current span, or none within the window.
    private int _following;

    /// <summary>Starts at the first span of [<paramref name="first"/>, <paramref name="last"/>], both inclusive.</summary>
    internal SpanIterator(IntervalTree<TPayload, TAugment> tree, ulong first, ulong last)
    {
        _tree = tree;
        _windowLast = last;
        IsDone = first > last;
        if (!IsDone)
            Seek(first);
    }

    /// <summary>Whether the window is exhausted; the other properties then mean nothing.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Whether no node covers the current span.</summary>
    public bool IsHole { get; private set; }

    /// <summary>First address of the current span.</summary>
    public ulong Start { get; private set; }

    /// <summary>Last address of the current span, inclusive.</summary>
    public ulong Last { get; private set; }

    public readonly IovaRange Range => new(Start, Last);

    /// <summary>Goes to the span right after the current one.</summary>
    public void Next()
    {
        if (IsDone || Last == _windowLast)
        {
            IsDone = true;
            return;
        }
        Start = Last + 1;
        if (IsHole)
            Use(_following);
        else
            LeaveHoleUpTo(_following);
    }

    /// <summary>
    /// Goes to <paramref name="start"/>: inside the current span this trims it, right after it this is <see cref="Next"/>, behind the window this ends the walk, anywhere else this seeks anew.
    /// </summary>
    public void Advance(ulong start)
    {
        if (IsDone)
            return;
        if (start > _windowLast)
            IsDone = true;
        else if (start >= Start && start <= Last)
            Start = start;
        else if (start == Last + 1)
            Next();
        else
            Seek(start);
    }

    private void Seek(ulong start)
    {
        Start = start;
        int slot = _tree.FirstOverlap(start, _windowLast);
        if (slot != None && _tree.Range(slot).Start <= start)
            Use(slot);
        else
            LeaveHoleUpTo(slot);
    }

    private void LeaveHoleUpTo(int slot)
    {
        IsHole = true;
        Last = slot == None ? _windowLast : _tree.Range(slot).Start - 1;
        _following = slot;
    }

    private void Use(int slot)
    {
        IsHole = false;
        Last = _tree.Range(slot).Last;
        _following = None;
        while (Last < _windowLast)
        {
            slot = _tree.Next(slot);
            if (slot == None)
                return;
            IovaRange range = _tree.Range(slot);
            if (range.Start > _windowLast)
                return;
            if (range.Start > Last + 1)
            {
                _following = slot;
                return;
            }
            Last = Math.Max(Last, range.Last);
        }
        Last = _windowLast;
    }
}

public partial class IntervalTree<TPayload, TAugment>
{
    /// <summary>Holes and used spans of [<paramref name="first"/>, <paramref name="last"/>], both inclusive; nothing if that is empty.</summary>
    public SpanIterator<TPayload, TAugment> Spans(ulong first, ulong last) => new(this, first, last);
}
