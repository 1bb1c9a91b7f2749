using System.Runtime.CompilerServices;

namespace IommuDash.Engine.PageTables;

/// <summary>Format of the kernel selftest's mock IOMMU: AMD v1 with a granule of 2 KiB, so that one processor page takes two entries; 5 levels.</summary>
public readonly struct MockAmdV1 : IPageTableFormat
{
    public static string Name => "mock AMD v1";

    public static int GranuleShift => 11;

    public static int OutputBits => 51;

    /// <summary>Every power of two from 2 KiB to 64 TiB but 512 GiB.</summary>
    public static ulong PageSizes => 0x0000_7F7F_FFFF_F800;

    public static bool HasRuns => true;

    public static ulong DirtyBit => AmdV1Entry.Dirty;

    public static ulong TableEntry(int level, ulong tablePhysical) => AmdV1Entry.TableEntry(GranuleShift, level, tablePhysical);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LeafAttributes(int level, int pageShift, IommuProt prot, bool coherent) => AmdV1Entry.LeafAttributes(GranuleShift, level, pageShift, prot, coherent);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LeafAddress(int level, int pageShift, ulong physical) => AmdV1Entry.LeafAddress(GranuleShift, level, pageShift, physical);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsTable(int level, ulong raw) => AmdV1Entry.IsTable(level, raw);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LeafTarget(int level, ulong raw, out int pageShift) => AmdV1Entry.LeafTarget(GranuleShift, level, raw, out pageShift);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong TableTarget(ulong raw) => AmdV1Entry.TableTarget(GranuleShift, raw);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPresent(ulong raw) => AmdV1Entry.IsPresent(raw);

    public static IReadOnlyList<EntryField> Describe(int level, ulong raw) => AmdV1Entry.Describe(GranuleShift, level, raw);
}
