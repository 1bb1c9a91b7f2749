// VT-d second-stage tables (Intel VT-d specification, "second-stage paging entries"; Linux generic_pt/fmt/vtdss.h).
// There is no present bit: R or W makes an entry present, and any word that is not zero is taken. Write-only is spelled W alone, as kernels with the generic table do.
// Leaves out: A and D (hardware sets them, software never does), the kernel's own software bits, execute permission.
using System.Runtime.CompilerServices;

namespace IommuDash.Engine.PageTables;

/// <summary>Format of Intel's second-stage table: 3, 4 or 5 levels.</summary>
public readonly struct VtdSecondStage : IPageTableFormat
{
    private const ulong Readable = 1UL << 0;
    private const ulong Writable = 1UL << 1;
    private const ulong PageSize = 1UL << 7;
    private const ulong Snoop = 1UL << 11;
    private const ulong AddressMask = 0x000F_FFFF_FFFF_F000;

    public static string Name => "VT-d second stage";

    public static int GranuleShift => 12;

    public static int OutputBits => 52;

    /// <summary>4 KiB, 2 MiB, 1 GiB.</summary>
    public static ulong PageSizes => 0x4020_1000;

    public static bool HasRuns => false;

    public static ulong DirtyBit => 1UL << 9;

    public static ulong TableEntry(int level, ulong tablePhysical) => tablePhysical | Readable | Writable;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LeafAttributes(int level, int pageShift, IommuProt prot, bool coherent) =>
        ((prot & IommuProt.Read) != 0 ? Readable : 0)
        | ((prot & IommuProt.Write) != 0 ? Writable : 0)
        | (level > 0 ? PageSize : 0)
        | (coherent ? Snoop : 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LeafAddress(int level, int pageShift, ulong physical) => physical;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsTable(int level, ulong raw) => level > 0 && (raw & PageSize) == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LeafTarget(int level, ulong raw, out int pageShift)
    {
        pageShift = GranuleShift + (9 * level);
        return raw & AddressMask & ~((1UL << pageShift) - 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong TableTarget(ulong raw) => raw & AddressMask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPresent(ulong raw) => raw != 0;

    public static IReadOnlyList<EntryField> Describe(int level, ulong raw)
    {
        var fields = new EntryFields(raw);
        if (raw == 0)
            return fields.Empty();
        bool table = IsTable(level, raw);
        fields.Flag("R", 0, "reads allowed", "reads blocked");
        fields.Flag("W", 1, "writes allowed", "writes blocked");
        if (level > 0)
            fields.Flag("PS", 7, $"page size: this entry is a {EntryFields.Bytes(GranuleShift + (9 * level))} page", "page size: points to a table");
        if (!table)
        {
            fields.Flag("A", 8, "accessed", "not accessed since cleared");
            fields.Flag("D", 9, "dirty: written to", "clean");
            fields.Flag("SNP", 11, "snoop: accesses are coherent with the caches", "snoop as the device asks");
        }
        ulong target = table ? TableTarget(raw) : LeafTarget(level, raw, out _);
        fields.Add("ADDR", 12, 51, table ? $"table of level {level - 1} at 0x{target:x}" : $"page at 0x{target:x}");
        return fields.ToList();
    }
}
