// Apertures as a chart: one line per row, bars where addresses may (domains, what is left) or may not (reserved) be used, and a dashed line from each edge of what is left up to the row that makes it.
// Devices that reserve the same ranges share a line. A range too narrow to see gets a diamond, so that an MSI window is not lost between 2^31 and 2^32.
using IommuDash.Engine;
using IommuDash.Web.Model;
using IommuDash.Web.Model.Plotly;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Components.Domains;

internal static class ApertureFigure
{
    /// <summary>Most lines drawn; the table has all.</summary>
    public const int MaxLines = 16;

    private const int MaxEdges = 12;
    private const int LinePixels = 30;
    private const double NarrowShare = 0.006;

    /// <summary>A line of the picture.</summary>
    /// <param name="Keys">Rows it stands for.</param>
    internal sealed record PictureLine(string Label, ApertureKind Kind, string Colour, IReadOnlyList<IovaRange> Ranges, IReadOnlyList<string> Keys);

    public static IReadOnlyList<PictureLine> Lines(IReadOnlyList<ApertureRow> rows, AttachPreviewSnapshot? preview)
    {
        List<PictureLine> lines = [.. rows.Where(static row => row.Kind == ApertureKind.Domain).Select(static row => new PictureLine(row.Label, row.Kind, "var(--area)", row.Ranges, [row.Key]))];
        lines.AddRange(rows.Where(static row => row.Kind == ApertureKind.Reserved).GroupBy(static row => string.Join(',', row.Ranges)).Select(static same => Shared([.. same])));
        if (preview is not null)
            lines.AddRange(preview.Added.Select(static row => new PictureLine($"+ {row.Label}", row.Kind, row.Kind == ApertureKind.Domain ? "var(--frozen)" : "var(--dirty)", row.Ranges, [row.Key + "+"])));
        lines = [.. lines.Take(MaxLines - 2)];
        foreach (ApertureRow row in rows.Where(static row => row.Kind == ApertureKind.Usable))
            lines.Add(new PictureLine(preview is null ? row.Label : $"{row.Label} now", row.Kind, preview is null ? "var(--allowed)" : "var(--reserved)", row.Ranges, [row.Key]));
        if (preview is not null)
            lines.Add(new PictureLine("then", ApertureKind.Usable, "var(--allowed)", preview.After, ["then"]));
        return lines;
    }

    public static (IReadOnlyList<Trace> Data, Model.Plotly.Layout Layout) Draw(IReadOnlyList<PictureLine> lines, IReadOnlyList<ApertureEdge> edges, ApertureScale scale)
    {
        List<Trace> data = [.. lines.Select(line => BarOf(line, scale))];
        if (Diamonds(lines, scale) is { X.Count: > 0 } diamonds)
            data.Add(diamonds);
        var layout = new Model.Plotly.Layout
        {
            BarMode = "overlay",
            BarGap = 0.45,
            Height = 56 + (LinePixels * lines.Count),
            Margin = new Margin(132, 16, 8, 40),
            XAxis = scale.Axis(),
            YAxis = new Axis { Type = "category", AutoRange = "reversed", FixedRange = true },
            Shapes = [.. edges.Where(edge => scale.Shows(new IovaRange(edge.Address, edge.Address))).Take(MaxEdges).SelectMany(edge => Ties(edge, lines, scale))],
        };
        return (data, layout);
    }

    private static PictureLine Shared(ApertureRow[] rows) => rows.Length == 1
        ? new PictureLine(rows[0].Label, rows[0].Kind, "var(--reserved)", rows[0].Ranges, [rows[0].Key])
        : new PictureLine($"{rows.Length} devices", rows[0].Kind, "var(--reserved)", rows[0].Ranges, [.. rows.Select(static row => row.Key)]);

    private static Bar BarOf(PictureLine line, ApertureScale scale)
    {
        IovaRange[] shown = [.. line.Ranges.Where(scale.Shows)];
        return new Bar
        {
            Orientation = "h",
            // A line without a range in sight keeps its place.
            Y = shown.Length == 0 ? [line.Label] : [.. shown.Select(object (_) => line.Label)],
            Base = shown.Length == 0 ? [0] : [.. shown.Select(object (range) => scale.Start(range.Start))],
            X = shown.Length == 0 ? [0] : [.. shown.Select(object (range) => scale.End(range.Last) - scale.Start(range.Start))],
            Text = [.. shown.Select(static range => $"{AddressFormat.Full(range.Start)} – {AddressFormat.Full(range.Last)}, {SizeFormat.Text(range.LengthBytes)}")],
            TextPosition = "none",
            HoverTemplate = "%{y}: %{text}<extra></extra>",
            Marker = new Marker { Color = line.Colour, Pattern = line.Kind == ApertureKind.Reserved ? new Pattern("/") : null },
        };
    }

    private static Scatter Diamonds(IReadOnlyList<PictureLine> lines, ApertureScale scale)
    {
        (PictureLine Line, IovaRange Range)[] narrow = [.. lines.SelectMany(static line => line.Ranges, static (line, range) => (line, range))
            .Where(item => scale.Shows(item.range) && scale.End(item.range.Last) - scale.Start(item.range.Start) < scale.Length * NarrowShare)];
        return new Scatter
        {
            Mode = "markers",
            X = [.. narrow.Select(object (item) => scale.Start(item.Range.Start))],
            Y = [.. narrow.Select(object (item) => item.Line.Label)],
            Text = [.. narrow.Select(static item => $"{AddressFormat.Full(item.Range.Start)} – {AddressFormat.Full(item.Range.Last)}, {SizeFormat.Text(item.Range.LengthBytes)}")],
            HoverTemplate = "%{y}: %{text}<extra></extra>",
            Marker = new Marker { Color = "var(--reserved-text)", Size = 9 },
        };
    }

    // From the usable row up to the line of each owner, so that the eye runs from the edge to who makes it.
    private static IEnumerable<Shape> Ties(ApertureEdge edge, IReadOnlyList<PictureLine> lines, ApertureScale scale)
    {
        double x = edge.IsLower ? scale.Start(edge.Address) : scale.End(edge.Address);
        int bottom = lines.Count - 1;
        for (int i = 0; i < lines.Count; i++)
        {
            if (lines[i].Keys.Any(edge.Owners.Contains))
                yield return new Shape { X0 = x, X1 = x, Y0 = i, Y1 = bottom, Line = new Line { Color = "var(--fault)", Width = 1.5, Dash = "dot" } };
        }
    }
}
