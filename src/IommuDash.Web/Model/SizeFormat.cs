using System.Globalization;

namespace IommuDash.Web.Model;

/// <summary>Sizes in binary units, up to the 16 EiB of a whole address space. Never looks exact when it is not: a rounded value has <c>≈</c> before it.</summary>
public static class SizeFormat
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    public static string Text(UInt128 bytes)
    {
        int unit = 0;
        while (unit < Units.Length - 1 && bytes >> (10 * (unit + 1)) != 0)
            unit++;
        UInt128 one = UInt128.One << (10 * unit);
        if (bytes * 100 % one == 0)
            return Number(bytes, one) + " " + Units[unit];
        UInt128 smaller = one >> 10;
        return bytes % smaller == 0 ? $"{Number(bytes, smaller)} {Units[unit - 1]}" : $"≈ {Number(bytes, one)} {Units[unit]}";
    }

    /// <summary><c>4,096 bytes</c>: what a size shows on hover.</summary>
    public static string Exact(UInt128 bytes) => bytes.ToString("#,0", CultureInfo.InvariantCulture) + (bytes == 1 ? " byte" : " bytes");

    /// <summary><c>84,210</c>.</summary>
    public static string Count(long count) => count.ToString("#,0", CultureInfo.InvariantCulture);

    private static string Number(UInt128 bytes, UInt128 unit) => ((decimal)(bytes * 100 / unit) / 100).ToString("#,0.##", CultureInfo.InvariantCulture);
}
