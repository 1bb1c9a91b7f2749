// The bits of the VT-d capability registers that shape second-stage tables (VT-d specification, CAP_REG 11.4.2 and ECAP_REG 11.4.3).
namespace IommuDash.Engine.Hardware.Import;

internal static class VtdCapability
{
    private const int SagawBit = 8;
    private const int MgawBit = 16;
    private const int Pages2MBit = 34;
    private const int Pages1GBit = 35;
    private const int SnoopControlBit = 7;
    private const int NestingBit = 26;
    private const int PasidBit = 40;
    private const int ScalableModeBit = 43;
    private const int DirtyBit = 45;
    private const int SecondStageBit = 46;
    private const int FirstStageBit = 47;

    /// <summary>Widths of tables of 3, 4 and 5 levels, by their bit in SAGAW.</summary>
    private static readonly (int Bit, int Width)[] Widths = [(1, 39), (2, 48), (3, 57)];

    /// <summary>MGAW: widest address the unit takes, 1 … 64.</summary>
    public static int GuestAddressBits(ulong cap) => (int)(cap >> MgawBit & 0x3f) + 1;

    /// <summary>Width of the widest table in SAGAW; 0 if none.</summary>
    public static int TableBits(ulong cap) => Widths.LastOrDefault(w => (cap >> SagawBit >> w.Bit & 1) != 0).Width;

    /// <summary>Second-stage width: what neither the tables nor MGAW cut; null if that is not a table of 3 to 5 levels.</summary>
    public static int? InputBits(ulong cap) => Math.Min(TableBits(cap), GuestAddressBits(cap)) is var bits and >= 31 ? bits : null;

    /// <summary>SLLPS; 1 GiB pages never come without 2 MiB pages.</summary>
    public static int LargestPageShift(ulong cap) => (cap >> Pages2MBit & 1) == 0 ? 12 : (cap >> Pages1GBit & 1) == 0 ? 21 : 30;

    /// <summary>The capability register of a unit as described: widths and page sizes.</summary>
    public static ulong Capability(IommuUnitDescription unit)
    {
        ulong capability = (ulong)(unit.InputBits - 1) << MgawBit;
        foreach ((int bit, int width) in Widths)
            capability |= width <= Math.Max(unit.InputBits, Widths[0].Width) ? 1UL << (SagawBit + bit) : 0;
        return capability | (unit.LargestLeafShift >= 21 ? 1UL << Pages2MBit : 0) | (unit.LargestLeafShift >= 30 ? 1UL << Pages1GBit : 0);
    }

    /// <summary>The extended capability register of a unit as described. Nesting, PASIDs and dirty tracking exist in scalable mode only, which brings the second stage with it; nesting needs a first stage too.</summary>
    public static ulong ExtendedCapability(IommuUnitDescription unit)
    {
        bool scalable = unit.Nesting || unit.Pasid || unit.DirtyTracking;
        return Bit(unit.SnoopControl, SnoopControlBit) | Bit(unit.Nesting, NestingBit) | Bit(unit.Nesting, FirstStageBit)
            | Bit(unit.Pasid, PasidBit) | Bit(unit.DirtyTracking, DirtyBit) | Bit(scalable, ScalableModeBit) | Bit(scalable, SecondStageBit);
    }

    private static ulong Bit(bool set, int position) => set ? 1UL << position : 0;

    public static bool SnoopControl(ulong extendedCap) => (extendedCap >> SnoopControlBit & 1) != 0;
}
