namespace IommuDash.Engine.Iova;

/// <summary>
/// What a tree keeps per node beyond its range: values of the node's own that follow from its predecessor, and a summary of the whole subtree.
/// The members are static so that the JIT specialises the tree for each augmentation.
/// </summary>
public interface ITreeAugment<TSelf>
    where TSelf : struct, ITreeAugment<TSelf>
{
    /// <summary>Whether a node knows the hole before it. Such a tree holds disjoint ranges only.</summary>
    static abstract bool TracksHoles { get; }

    /// <summary>First address after the predecessor, 0 without one; meaningless unless <see cref="TracksHoles"/>.</summary>
    static abstract ulong GetHoleStart(in TSelf self);

    /// <summary>Sets the node's own value only; the tree refreshes the subtree's afterwards.</summary>
    static abstract void SetHoleStart(ref TSelf self, ulong holeStart);

    /// <summary>Computes the subtree's summary again from the node's own values and its children's (default for a missing child).</summary>
    /// <returns>Whether the summary changed, that is whether the parent must look again.</returns>
    static abstract bool Refresh(ref TSelf self, ulong nodeStart, in TSelf left, in TSelf right);
}

/// <summary>Nothing beyond the range: a plain interval tree.</summary>
public readonly struct NoAugment : ITreeAugment<NoAugment>
{
    public static bool TracksHoles => false;

    public static ulong GetHoleStart(in NoAugment self) => 0;

    public static void SetHoleStart(ref NoAugment self, ulong holeStart)
    {
    }

    public static bool Refresh(ref NoAugment self, ulong nodeStart, in NoAugment left, in NoAugment right) => false;
}
