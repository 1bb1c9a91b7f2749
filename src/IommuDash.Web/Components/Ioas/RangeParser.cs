using IommuDash.Engine;
using IommuDash.Web.Model;

namespace IommuDash.Web.Components.Ioas;

/// <summary>Reads an address or a range as people type them: <c>0x1000</c>, <c>0x1000-0x1fff</c> (last inclusive; <c>–</c>, <c>..</c> and <c>to</c> do too), <c>0x1000+4K</c>.</summary>
public static class RangeParser
{
    private static readonly string[] Separators = ["..", "–", "-", "to"];

    /// <summary>Null on success; otherwise one sentence for the person who typed.</summary>
    public static string? Parse(string? text, out IovaRange range)
    {
        range = default;
        string typed = (text ?? "").Trim();
        int plus = typed.IndexOf('+', StringComparison.Ordinal);
        if (plus > 0)
            return ParseLength(typed[..plus], typed[(plus + 1)..], out range);
        foreach (string separator in Separators)
        {
            int at = typed.IndexOf(separator, StringComparison.OrdinalIgnoreCase);
            if (at > 0)
                return ParseEnds(typed[..at], typed[(at + separator.Length)..], out range);
        }
        string? problem = AddressParser.Parse(typed, out ulong address);
        range = new IovaRange(address, address);
        return problem;
    }

    private static string? ParseLength(string start, string length, out IovaRange range)
    {
        range = default;
        if ((AddressParser.Parse(start, out ulong first) ?? AddressParser.Parse(length, out _)) is { } problem)
            return problem;
        AddressParser.Parse(length, out ulong bytes);
        return IovaRange.TryOfLength(first, bytes, out range) ? null : "The length is 0 or the range passes 2^64 − 1.";
    }

    private static string? ParseEnds(string start, string last, out IovaRange range)
    {
        range = default;
        if ((AddressParser.Parse(start, out ulong first) ?? AddressParser.Parse(last, out _)) is { } problem)
            return problem;
        AddressParser.Parse(last, out ulong end);
        range = new IovaRange(first, end);
        return first <= end ? null : "The last address lies below the first.";
    }
}
