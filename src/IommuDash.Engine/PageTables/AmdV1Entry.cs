// Words of an AMD v1 table (AMD IOMMU specification, "I/O page tables for host translations"; Linux generic_pt/fmt/amdv1.h), for any granule: the selftest's mock uses the same
// words with 2 KiB units in the address field.
// A leaf larger than its level's item is spelled NL = 7 with its size as a run of ones at the bottom of the address field, and repeated in every item it takes.
using System.Numerics;
using System.Runtime.CompilerServices;

namespace IommuDash.Engine.PageTables;

internal static class AmdV1Entry
{
    private const ulong Present = 1UL << 0;
    public const ulong Dirty = 1UL << 6;
    private const int NextLevelShift = 9;
    private const ulong NextLevelMask = 7;
    private const ulong NextLevelLeaf = 0;
    private const ulong NextLevelCodedSize = 7;
    private const int AddressShift = 12;
    private const ulong AddressMask = 0x000F_FFFF_FFFF_F000;
    private const ulong ForceCoherent = 1UL << 60;
    private const ulong Readable = 1UL << 61;
    private const ulong Writable = 1UL << 62;

    public static ulong TableEntry(int granuleShift, int level, ulong tablePhysical) =>
        (tablePhysical >> granuleShift << AddressShift) | ((ulong)level << NextLevelShift) | Present | Readable | Writable;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LeafAttributes(int granuleShift, int level, int pageShift, IommuProt prot, bool coherent) =>
        Present
        | (pageShift == granuleShift + (9 * level) ? NextLevelLeaf : NextLevelCodedSize << NextLevelShift)
        | (coherent ? ForceCoherent : 0)
        | ((prot & IommuProt.Read) != 0 ? Readable : 0)
        | ((prot & IommuProt.Write) != 0 ? Writable : 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LeafAddress(int granuleShift, int level, int pageShift, ulong physical)
    {
        if (pageShift != granuleShift + (9 * level))
        {
            ulong size = 1UL << pageShift;
            physical = (physical | (size - 1)) & ~(size >> 1);
        }
        return physical >> granuleShift << AddressShift;
    }

    /// <summary>At level 0 every present entry is a leaf.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsTable(int level, ulong raw)
    {
        ulong nextLevel = (raw >> NextLevelShift) & NextLevelMask;
        return level > 0 && nextLevel != NextLevelLeaf && nextLevel != NextLevelCodedSize;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LeafTarget(int granuleShift, int level, ulong raw, out int pageShift)
    {
        ulong units = (raw & AddressMask) >> AddressShift;
        pageShift = granuleShift + (9 * level);
        if (((raw >> NextLevelShift) & NextLevelMask) != NextLevelCodedSize)
            return units << granuleShift;
        int ones = BitOperations.TrailingZeroCount(~units);
        pageShift = granuleShift + 1 + ones;
        return units >> (ones + 1) << pageShift;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong TableTarget(int granuleShift, ulong raw) => (raw & AddressMask) >> AddressShift << granuleShift;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPresent(ulong raw) => (raw & Present) != 0;

    public static IReadOnlyList<EntryField> Describe(int granuleShift, int level, ulong raw)
    {
        var fields = new EntryFields(raw);
        if (!IsPresent(raw))
            return fields.Empty();
        bool table = IsTable(level, raw);
        ulong nextLevel = (raw >> NextLevelShift) & NextLevelMask;
        ulong target = LeafTarget(granuleShift, level, raw, out int pageShift);
        string size = EntryFields.Bytes(pageShift);
        fields.Flag("PR", 0, "present", "not present");
        if (!table)
            fields.Flag("D", 6, "dirty: written to", "clean");
        fields.Add("NL", NextLevelShift, 11, table ? $"next level {nextLevel}: points to a table"
            : nextLevel == NextLevelCodedSize ? $"a page whose size the address codes: {size} in {1 << (pageShift - granuleShift - (9 * level))} equal entries"
            : $"a page of this level's own size: {size}");
        fields.Add("ADDR", AddressShift, 51, table ? $"table at 0x{TableTarget(granuleShift, raw):x}" : $"page at 0x{target:x}");
        if (!table)
            fields.Flag("FC", 60, "force coherent: accesses snoop the caches", "snoop as the device asks");
        fields.Flag("IR", 61, "reads allowed", "reads blocked");
        fields.Flag("IW", 62, "writes allowed", "writes blocked");
        return fields.ToList();
    }
}
