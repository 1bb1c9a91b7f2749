using System.Globalization;

namespace IommuDash.Web.Model;

/// <summary>
/// Reads what people type for an address or a size: <c>0xfed0_0000</c>, <c>4096</c>, <c>4K</c>, <c>2 MiB</c>. Underscores and spaces between digits do not count; a suffix goes with a decimal number only, since E is a hex digit.
/// </summary>
public static class AddressParser
{
    private const string Suffixes = "KMGTPE";

    /// <summary>Null on success; otherwise one sentence for the person who typed, and <paramref name="value"/> is 0.</summary>
    public static string? Parse(string? text, out ulong value)
    {
        value = 0;
        string typed = (text ?? "").Replace("_", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal);
        if (typed.Length == 0)
            return "Type a number, e.g. 0xfed0_0000, 4096 or 2M.";
        return typed.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? ParseHex(typed[2..], out value) : ParseDecimal(typed, out value);
    }

    private static string? ParseHex(string digits, out ulong value)
    {
        value = 0;
        if (digits.Length == 0)
            return "Hex digits must follow 0x.";
        if (digits.FirstOrDefault(static c => !char.IsAsciiHexDigit(c)) is var wrong and not '\0')
            return $"“{wrong}” is not a hex digit.";
        return ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value) ? null : "More than 64 bits: the largest address is 0xffff_ffff_ffff_ffff.";
    }

    private static string? ParseDecimal(string typed, out ulong value)
    {
        value = 0;
        int length = typed.TakeWhile(char.IsAsciiDigit).Count();
        if (length == 0 || (length < typed.Length && typed.All(char.IsAsciiHexDigit) && !IsSuffix(typed[length..], out _)))
            return typed.All(char.IsAsciiHexDigit) ? $"Hex starts with 0x: 0x{typed.ToLowerInvariant()}." : $"“{typed}” is not a number; write e.g. 0xfed0_0000, 4096 or 2M.";
        if (!IsSuffix(typed[length..], out int shift))
            return $"“{typed[length..]}” is no unit; use K, M, G, T, P or E (powers of 1,024).";
        if (!UInt128.TryParse(typed[..length], NumberStyles.None, CultureInfo.InvariantCulture, out UInt128 number) || number > ulong.MaxValue >> shift)
            return "More than 64 bits: the largest value is 2^64 − 1.";
        value = (ulong)number << shift;
        return null;
    }

    private static bool IsSuffix(string suffix, out int shift)
    {
        shift = 0;
        if (suffix.Length == 0)
            return true;
        shift = 10 * (Suffixes.IndexOf(char.ToUpperInvariant(suffix[0]), StringComparison.Ordinal) + 1);
        return shift != 0 && suffix[1..].ToUpperInvariant() is ("" or "B" or "IB");
    }
}
