using System.Runtime.CompilerServices;

namespace IommuDash.Engine.PageTables;

/// <summary>Format of AMD's host (v1) table: starts at 3 levels and grows to 6; a 512 GiB page does not work in hardware, so it is left out.</summary>
public readonly struct AmdV1 : IPageTableFormat
{
    public static string Name => "AMD v1";

    public static int GranuleShift => 12;

    public static int OutputBits => 52;

    /// <summary>Every power of two from 4 KiB to 2 PiB but 512 GiB.</summary>
    public static ulong PageSizes => 0x000F_FF7F_FFFF_F000;

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
