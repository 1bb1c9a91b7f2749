namespace IommuDash.Engine;

/// <summary>
/// A range of 64-bit addresses, both ends inclusive: the address space reaches 2^64-1, where an open end would overflow.
/// Always holds at least one address; <see cref="Start"/> ≤ <see cref="Last"/> is the maker's duty.
/// </summary>
/// <param name="Start">First address.</param>
/// <param name="Last">Last address, inclusive.</param>
public readonly record struct IovaRange(ulong Start, ulong Last)
{
    /// <summary>All 2^64 addresses.</summary>
    public static IovaRange Whole => new(0, ulong.MaxValue);

    /// <summary>Number of addresses, 1 … 2^64.</summary>
    public UInt128 LengthBytes => (UInt128)Last - Start + 1;

    public bool Contains(ulong address) => address >= Start && address <= Last;

    public bool Contains(IovaRange other) => other.Start >= Start && other.Last <= Last;

    public bool Overlaps(IovaRange other) => other.Start <= Last && other.Last >= Start;

    /// <summary>Makes the range of <paramref name="length"/> bytes at <paramref name="start"/>; false if the length is 0 or the end passes 2^64-1.</summary>
    public static bool TryOfLength(ulong start, ulong length, out IovaRange range)
    {
        ulong last = unchecked(start + length - 1);
        range = new IovaRange(start, last);
        return length != 0 && last >= start;
    }

    /// <summary><c>0x1000–0x1fff</c>; both ends inclusive.</summary>
    public override string ToString() => $"0x{Start:x}–0x{Last:x}";
}
