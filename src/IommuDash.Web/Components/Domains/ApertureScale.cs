using System.Globalization;
using IommuDash.Engine;
using IommuDash.Web.Model;

namespace IommuDash.Web.Components.Domains;

/// <summary>
/// The axis of the aperture picture. Without a lens it counts address bits, 0 to 64: an address stands at its binary logarithm, so that windows of a page and of the whole space fit one picture.
/// With a lens it is linear over the lens.
/// </summary>
public sealed record ApertureScale(IovaRange? Lens = null)
{
    private const int MaxBits = 64;

    /// <summary>Where an address begins on the axis.</summary>
    public double Start(ulong address) => Lens is { } lens
        ? Math.Clamp(address, lens.Start, lens.Last) - lens.Start
        : address == 0 ? 0 : Math.Log2(address);

    /// <summary>Where an inclusive last address ends on the axis.</summary>
    public double End(ulong last) => Lens is { } lens
        ? last < lens.Start ? 0 : (double)new IovaRange(lens.Start, Math.Min(last, lens.Last)).LengthBytes
        : last == ulong.MaxValue ? MaxBits : Math.Log2((double)last + 1);

    /// <summary>Length of the axis.</summary>
    public double Length => Lens is { } lens ? (double)lens.LengthBytes : MaxBits;

    public bool Shows(IovaRange range) => Lens is not { } lens || lens.Overlaps(range);

    public Model.Plotly.Axis Axis()
    {
        if (Lens is not { } lens)
        {
            int[] bits = [0, 12, 21, 30, 39, 48, 57, 64];
            return new Model.Plotly.Axis
            {
                Title = new("address bits"),
                Range = [0, MaxBits],
                TickVals = [.. bits.Select(static bit => (double)bit)],
                TickText = [.. bits.Select(static bit => bit == 0 ? "0" : string.Create(CultureInfo.InvariantCulture, $"2^{bit}"))],
                FixedRange = true,
            };
        }
        double[] marks = [.. Enumerable.Range(0, 5).Select(step => Length / 4 * step)];
        return new Model.Plotly.Axis
        {
            Title = new($"linear, {SizeFormat.Text(lens.LengthBytes)} from {AddressFormat.Full(lens.Start)}"),
            Range = [0, Length],
            TickVals = marks,
            TickText = [.. marks.Select(mark => AddressFormat.Short(mark >= (double)ulong.MaxValue - lens.Start ? lens.Last : lens.Start + (ulong)mark))],
            FixedRange = true,
        };
    }

    /// <summary>A lens of 64 MiB, in whole MiB, with an address near its middle; kept inside the address space.</summary>
    public static IovaRange LensAround(ulong address)
    {
        const ulong Width = 64UL << 20;
        const ulong Step = 1UL << 20;
        ulong start = (address > Width / 2 ? address - (Width / 2) : 0) & ~(Step - 1);
        start = Math.Min(start, ulong.MaxValue - (Width - 1));
        return new IovaRange(start, start + (Width - 1));
    }
}
