// The id space of one context (the reference's ctx->objects). Ids are the lowest free ones from 1, reused at once; a tombstone keeps its id taken until the context closes.
// An id is taken by Reserve, invisible to lookups until Finalize, and given back by Abort when the creating call fails.
using System.Numerics;
using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Iommufd;

/// <summary>Id → object. Lookups of 0, free, reserved or tombstoned ids find nothing.</summary>
public sealed class ObjectTable
{
    private readonly int _cap;
    private readonly EmulatedHost? _host;
    private readonly List<IommufdObject?> _slots = [null];
    private readonly List<ulong> _taken = [1];
    private int _lowWord;

    /// <param name="host">Whose failure points lookups and reservations meet; null = none.</param>
    internal ObjectTable(int cap, EmulatedHost? host = null)
    {
        _cap = cap;
        _host = host;
    }

    /// <summary>Visible objects.</summary>
    public int Count { get; private set; }

    /// <summary>Ids taken: visible, reserved or tombstoned.</summary>
    public int TakenIds { get; private set; }

    /// <summary>Visible objects by ascending id.</summary>
    public IEnumerable<IommufdObject> All
    {
        get
        {
            for (int id = 1; id < _slots.Count; id++)
            {
                if (_slots[id] is { } found)
                    yield return found;
            }
        }
    }

    /// <summary>The visible object with this id if it is a <typeparamref name="T"/>, else null.</summary>
    public T? Find<T>(uint id) where T : IommufdObject => id < (uint)_slots.Count ? _slots[(int)id] as T : null;

    /// <summary>As <see cref="Find{T}"/>, but absence is the refusal ENOENT.</summary>
    internal Refusal? Get<T>(uint id, string what, out T found) where T : IommufdObject
    {
        found = Find<T>(id)!;
        if (found is not null && _host?.Fails(FailurePoint.ObjectLookup) == true)
            return Injected.Refusal(Errno.ENOENT, FailurePoint.ObjectLookup);
        return found is null ? Missing(id, what) : null;
    }

    /// <summary>ENOENT for an id that is nothing, or not what was asked for.</summary>
    internal Refusal Missing(uint id, string what)
    {
        string why = Find<IommufdObject>(id) is { } other ? $"id {id} is a {other.Type}" : $"there is no object {id}";
        return new Refusal(Errno.ENOENT, "object.lookup", $"No {what}: {why}.");
    }

    /// <summary>The id that <see cref="Reserve"/> would give next.</summary>
    internal uint NextId
    {
        get
        {
            int word = _lowWord;
            while (word < _taken.Count && _taken[word] == ulong.MaxValue)
                word++;
            return (uint)((word * 64) + (word < _taken.Count ? BitOperations.TrailingZeroCount(~_taken[word]) : 0));
        }
    }

    /// <summary>Whether one more id can be taken after <paramref name="joining"/> others. ENOMEM at the cap.</summary>
    internal Refusal? CheckRoom(int joining = 0) => TakenIds + joining < _cap ? null : EngineLimits.Reached(nameof(EngineLimits.ObjectsPerContext), _cap, "objects in one context");

    /// <summary>Takes the lowest free id. ENOMEM at the cap.</summary>
    internal Refusal? Reserve(IommufdObject reserved)
    {
        if (CheckRoom() is { } full)
            return full;
        if (_host?.Fails(FailurePoint.Allocation) == true)
            return Injected.Refusal(Errno.ENOMEM, FailurePoint.Allocation);
        reserved.Id = NextId;
        _lowWord = (int)(reserved.Id / 64);
        if (_lowWord == _taken.Count)
            _taken.Add(0);
        _taken[_lowWord] |= 1UL << (int)(reserved.Id % 64);
        TakenIds++;
        return null;
    }

    /// <summary>Makes a reserved id visible.</summary>
    internal void Finalize(IommufdObject reserved)
    {
        while (_slots.Count <= reserved.Id)
            _slots.Add(null);
        _slots[(int)reserved.Id] = reserved;
        Count++;
    }

    /// <summary>Gives a reserved id back after its object's creation failed.</summary>
    internal void Abort(IommufdObject reserved) => Release(reserved.Id);

    /// <summary>Takes an object out. With <paramref name="tombstone"/> the id stays taken by nothing.</summary>
    internal void Remove(IommufdObject removed, bool tombstone = false)
    {
        _slots[(int)removed.Id] = null;
        Count--;
        if (!tombstone)
            Release(removed.Id);
    }

    private void Release(uint id)
    {
        int word = (int)(id / 64);
        _taken[word] &= ~(1UL << (int)(id % 64));
        _lowWord = Math.Min(_lowWord, word);
        TakenIds--;
    }
}
