using System.Globalization;

namespace IommuDash.Engine.Hardware;

/// <summary>
/// Address of a PCI function. Written <c>dddd:bb:dd.f</c> in lower-case hex; domains made by a driver (Intel VMD) start at 0x10000 and have more digits.
/// Ordered by domain, bus, device, function.
/// </summary>
/// <param name="Domain">PCI segment, 0 … 0xffffffff.</param>
/// <param name="Bus">0 … 255.</param>
/// <param name="Device">0 … 31.</param>
/// <param name="Function">0 … 7.</param>
public readonly record struct PciAddress(uint Domain, byte Bus, byte Device, byte Function) : IComparable<PciAddress>
{
    /// <summary>Reads <c>dddd:bb:dd.f</c> or, for domain 0, <c>bb:dd.f</c>; hex digits of either case, nothing before or after.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out PciAddress address)
    {
        address = default;
        uint domain = 0;
        if (text.Length > 7)
        {
            int colon = text.Length - 8;
            if (colon is < 4 or > 8 || text[colon] != ':' || !TryHex(text[..colon], out domain))
                return false;
            text = text[(colon + 1)..];
        }
        if (text.Length != 7 || text[2] != ':' || text[5] != '.')
            return false;
        if (!TryHex(text[..2], out uint bus) || !TryHex(text[3..5], out uint device) || !TryHex(text[6..], out uint function))
            return false;
        if (device > 31 || function > 7)
            return false;
        address = new PciAddress(domain, (byte)bus, (byte)device, (byte)function);
        return true;
    }

    public int CompareTo(PciAddress other) => (Domain, Bus, Device, Function).CompareTo((other.Domain, other.Bus, other.Device, other.Function));

    public static bool operator <(PciAddress left, PciAddress right) => left.CompareTo(right) < 0;

    public static bool operator >(PciAddress left, PciAddress right) => left.CompareTo(right) > 0;

    public static bool operator <=(PciAddress left, PciAddress right) => left.CompareTo(right) <= 0;

    public static bool operator >=(PciAddress left, PciAddress right) => left.CompareTo(right) >= 0;

    public override string ToString() => $"{Domain:x4}:{Bus:x2}:{Device:x2}.{Function:x}";

    private static bool TryHex(ReadOnlySpan<char> digits, out uint value) =>
        uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}
