using System.Globalization;

namespace IommuDash.Web.Model;

/// <summary>Sizes in binary units, up to the 16 EiB of a whole address space. Never looks exact when it is not: a rounded value has <c>≈</c> before it.</summary>
public static class SizeFormat
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>In the largest unit of which there is one, with at most one decimal: <c>4 KiB</c>, <c>1.5 MiB</c>, <c>≈ 899.6 MiB</c>. As size() in js/address-map-scale.js.</summary>
    public static string Text(UInt128 bytes)
    {
        int unit = 0;
        while (unit < Units.Length - 1 && bytes >> (10 * (unit + 1)) != 0)
            unit++;
        UInt128 one = UInt128.One << (10 * unit);
        // To the nearest tenth, halves upwards, but never up to a thousand and twenty-four of a unit.
        UInt128 tenths = (bytes * 10 + one / 2) / one;
        if (unit < Units.Length - 1 && tenths >= 10240)
            tenths = 10239;
        bool exact = tenths * one == bytes * 10;
        return $"{(exact ? "" : "≈ ")}{((decimal)tenths / 10).ToString("#,0.#", CultureInfo.InvariantCulture)} {Units[unit]}";
    }

    /// <summary><c>4,096 bytes</c>: what a size shows on hover.</summary>
    public static string Exact(UInt128 bytes) => bytes.ToString("#,0", CultureInfo.InvariantCulture) + (bytes == 1 ? " byte" : " bytes");

    /// <summary><c>84,210</c>.</summary>
    public static string Count(long count) => count.ToString("#,0", CultureInfo.InvariantCulture);
}
