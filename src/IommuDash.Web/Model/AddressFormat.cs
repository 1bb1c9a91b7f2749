using System.Globalization;

namespace IommuDash.Web.Model;

/// <summary>Addresses as people read them: lower-case hex in groups of four digits, padded to whole groups.</summary>
public static class AddressFormat
{
    private const int GroupDigits = 4;

    /// <summary><c>0x0001_0000_0000</c>.</summary>
    public static string Full(ulong address) => "0x" + string.Join('_', Groups(address));

    /// <summary>At most two groups, <c>0x…_0000_0000</c> for what has more: for tight places, with the whole on hover.</summary>
    public static string Short(ulong address)
    {
        string[] groups = Groups(address);
        return groups.Length <= 2 ? Full(address) : $"0x…_{groups[^2]}_{groups[^1]}";
    }

    /// <summary>The inclusive end of a range whose start stands before it: leading groups equal to the start's become <c>…</c>.</summary>
    public static string LastAfter(ulong start, ulong last)
    {
        string[] first = Groups(start);
        string[] groups = Groups(last);
        int shared = first.Length == groups.Length ? first.Zip(groups).TakeWhile(static pair => pair.First == pair.Second).Count() : 0;
        shared = Math.Min(shared, groups.Length - 1);
        return shared == 0 ? Full(last) : "0x…_" + string.Join('_', groups[shared..]);
    }

    private static string[] Groups(ulong address)
    {
        string digits = address.ToString("x", CultureInfo.InvariantCulture);
        int count = (digits.Length + GroupDigits - 1) / GroupDigits;
        digits = digits.PadLeft(count * GroupDigits, '0');
        return [.. Enumerable.Range(0, count).Select(group => digits.Substring(group * GroupDigits, GroupDigits))];
    }
}
