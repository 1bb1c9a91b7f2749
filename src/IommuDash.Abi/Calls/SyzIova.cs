using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;

namespace IommuDash.Abi;

/// <summary>IOVAs as fuzzers give them, where the selftest is built in: {ordinal u32, offset u32} with flag 1&lt;&lt;16 means "so far into the n-th area", so that random numbers hit something.</summary>
internal static class SyzIova
{
    private const uint Flag = 1 << 16;

    /// <summary>Takes the flag away and puts the address it stands for in place of <paramref name="iova"/>, 0 if there is no such area. Without an IOAS the number stays, for the call to refuse.</summary>
    public static void Resolve(Ioas? ioas, ref uint flags, ref ulong iova)
    {
        if ((flags & Flag) == 0)
            return;
        flags &= ~Flag;
        if (ioas is null)
            return;
        uint ordinal = (uint)iova;
        uint offset = (uint)(iova >> 32);
        AreaTree<IopArea> areas = ioas.Pagetable.Areas;
        int slot = areas.First;
        for (; slot >= 0 && ordinal != 0; ordinal--)
            slot = areas.Next(slot);
        iova = slot < 0 ? 0 : areas.Range(slot).Start + offset;
    }
}
