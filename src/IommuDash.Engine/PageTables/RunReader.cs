using System.Runtime.CompilerServices;

namespace IommuDash.Engine.PageTables;

/// <summary>Merges the leaves of a range, given in order, into maximal runs. Keeps the run it is building to itself until that run has ended.</summary>
internal ref struct RunReader
{
    private readonly Span<PhysicalRun> _runs;
    private readonly ulong _last;
    private int _count;
    private ulong _runStart;
    private ulong _runEnd;

    /// <param name="iova">First address to read.</param>
    /// <param name="last">Last address to read, inclusive.</param>
    public RunReader(Span<PhysicalRun> runs, ulong iova, ulong last)
    {
        _runs = runs;
        Next = iova;
        _last = last;
    }

    /// <summary>Address to read next; wraps to 0 behind 2^64-1.</summary>
    public ulong Next { get; private set; }

    /// <summary>Adds the leaf that holds <see cref="Next"/>, from there on. False: nothing more is to be read.</summary>
    /// <param name="target">Physical address of the leaf's first byte.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAdd(ulong target, int pageShift)
    {
        ulong mask = (1UL << pageShift) - 1;
        ulong physical = target + (Next & mask);
        if (physical != _runEnd || _runStart == _runEnd)
        {
            if (_runStart != _runEnd)
                _runs[_count++] = new PhysicalRun(_runStart, _runEnd - _runStart);
            if (_count == _runs.Length)
            {
                _runStart = _runEnd;
                return false;
            }
            _runStart = physical;
        }
        ulong leafLast = Next | mask;
        if (leafLast >= _last)
        {
            _runEnd = physical + (_last - Next) + 1;
            return false;
        }
        _runEnd = physical + (leafLast - Next) + 1;
        Next = unchecked(leafLast + 1);
        return true;
    }

    /// <summary>Closes the run being built; returns the number of runs.</summary>
    public int Finish()
    {
        if (_runStart != _runEnd)
            _runs[_count++] = new PhysicalRun(_runStart, _runEnd - _runStart);
        return _count;
    }
}
