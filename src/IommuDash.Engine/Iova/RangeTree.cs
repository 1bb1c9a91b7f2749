namespace IommuDash.Engine.Iova;

/// <summary>Ranges with an owner: reserved ranges, which may overlap and go by owner, and allowed ranges, which have none.</summary>
public sealed class RangeTree<TOwner> : IntervalTree<TOwner, NoAugment>
{
    /// <summary>Removes every range of <paramref name="owner"/>. O(n): these trees are small.</summary>
    /// <returns>How many there were.</returns>
    public int RemoveOwner(TOwner owner)
    {
        int removed = 0;
        for (int slot = First; slot != None;)
        {
            int next = Next(slot);
            if (EqualityComparer<TOwner>.Default.Equals(Payload(slot), owner))
            {
                Remove(slot);
                removed++;
            }
            slot = next;
        }
        return removed;
    }
}
