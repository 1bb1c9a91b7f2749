using System.Globalization;
using System.Numerics;
using System.Text;

using IommuDash.Engine;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Components.Dirty;

/// <summary>Where things stand on a strip: SVG paths over a window of addresses, <see cref="Width"/> units wide.</summary>
/// <param name="window">What the strip shows, both ends inclusive.</param>
public readonly struct DirtyFigure(IovaRange window)
{
    public const int Width = 1_000;

    /// <summary>Units from top to bottom; a level of dirtiness is one.</summary>
    public const int Height = 8;

    /// <summary>Narrower marks would vanish between pixels.</summary>
    private const double LeastWidth = 0.8;

    private const int MaxTicks = 6;

    // Further right the text of a tick would be cut.
    private const double LastTick = 0.84 * Width;

    /// <summary>Units from the left, not cut to the strip.</summary>
    public double X(UInt128 address) => ((double)address - window.Start) / (double)window.LengthBytes * Width;

    /// <summary>Dirty cells as one shape: the taller, the more of a cell is dirty.</summary>
    public string DirtyPath(DirtySnapshot dirty, IReadOnlyList<DirtyRun> runs)
    {
        var path = new StringBuilder();
        foreach (DirtyRun run in runs)
        {
            UInt128 start = dirty.Start + ((UInt128)dirty.CellBytes * (UInt128)run.Cell);
            Bar(path, start, start + ((UInt128)dirty.CellBytes * (UInt128)run.Cells), run.Level);
        }
        return path.ToString();
    }

    /// <summary>What is mapped as one shape. Where areas are too many to be drawn, columns are as tall as they are covered.</summary>
    public string AreasPath(IoasMapSnapshot areas)
    {
        var path = new StringBuilder();
        var columns = new AddressColumns(window, Math.Max(areas.Columns, 1), AddressScale.Linear);
        foreach (IoasMapItem item in areas.Items)
        {
            if (item is IoasMapArea area)
                Bar(path, area.Start, (UInt128)area.Last + 1, Height);
            else if (item is IoasMapColumn column && columns.TryGet(column.Column, out IovaRange range))
                Bar(path, range.Start, (UInt128)range.Last + 1, Math.Max(1, column.Covered * Height));
        }
        return path.ToString();
    }

    /// <summary>Addresses to write under the strips: multiples of a power of two.</summary>
    public IReadOnlyList<ulong> Ticks()
    {
        int shift = Math.Max(0, 128 - (int)UInt128.LeadingZeroCount(window.LengthBytes / MaxTicks));
        var ticks = new List<ulong>();
        for (UInt128 at = ((UInt128)window.Start + (UInt128.One << shift) - 1) >> shift << shift; at <= window.Last && X(at) <= LastTick; at += UInt128.One << shift)
            ticks.Add((ulong)at);
        return ticks;
    }

    /// <summary>An address is this far from the left, for style sheets.</summary>
    public string Percent(UInt128 address) => (X(address) * 100 / Width).ToString("0.###", CultureInfo.InvariantCulture) + "%";

    private void Bar(StringBuilder path, UInt128 start, UInt128 end, double height)
    {
        double left = Math.Max(X(start), 0);
        double right = Math.Min(Math.Max(X(end), left + LeastWidth), Width);
        if (left < Width && X(end) > 0)
            path.Append(CultureInfo.InvariantCulture, $"M{left:0.##} {Height}V{Height - height:0.##}H{right:0.##}V{Height}Z");
    }
}
