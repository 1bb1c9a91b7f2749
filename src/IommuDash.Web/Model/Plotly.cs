// The part of plotly.js that IommuDash draws, in the shape of Plotly.Blazor (Data, Layout, Config), so that the one could take the other's place.
// Property names are plotly's own, which are lower case but for a few in Config. A colour may be a token, "var(--area)": the browser resolves it and redraws when the theme changes.
using System.Text.Json;
using System.Text.Json.Serialization;

namespace IommuDash.Web.Model.Plotly;

[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Bar), "bar")]
[JsonDerivedType(typeof(Scatter), "scatter")]
public abstract record Trace
{
    public string? Name { get; init; }

    /// <summary>Numbers or category names.</summary>
    public IReadOnlyList<object>? X { get; init; }

    public IReadOnlyList<object>? Y { get; init; }

    public IReadOnlyList<string>? Text { get; init; }

    public string? HoverTemplate { get; init; }

    public bool? ShowLegend { get; init; }

    public Marker? Marker { get; init; }
}

public sealed record Bar : Trace
{
    /// <summary>Where each bar starts; a span of an axis is a bar with a base.</summary>
    public IReadOnlyList<object>? Base { get; init; }

    /// <summary><c>h</c> or <c>v</c>.</summary>
    public string? Orientation { get; init; }

    public double? Width { get; init; }

    public string? TextPosition { get; init; }

    /// <summary>Of text on the bar itself. Without it plotly takes the layout's colour wherever that is light on dark or dark on light, however weak.</summary>
    public Font? InsideTextFont { get; init; }
}

public sealed record Font(string Color);

public sealed record Scatter : Trace
{
    /// <summary><c>lines</c>, <c>markers</c> or both with a plus.</summary>
    public string? Mode { get; init; }

    public Line? Line { get; init; }

    public string? Fill { get; init; }
}

public sealed record Marker
{
    public string? Color { get; init; }

    public double? Size { get; init; }

    public Line? Line { get; init; }

    public Pattern? Pattern { get; init; }
}

/// <param name="Shape"><c>/</c> is the hatch of what is reserved.</param>
public sealed record Pattern(string Shape);

public sealed record Line
{
    public string? Color { get; init; }

    public double? Width { get; init; }

    public string? Dash { get; init; }

    /// <summary><c>hv</c> draws steps.</summary>
    public string? Shape { get; init; }
}

public sealed record Layout
{
    public string? BarMode { get; init; }

    public double? BarGap { get; init; }

    public Axis? XAxis { get; init; }

    public Axis? YAxis { get; init; }

    public bool ShowLegend { get; init; }

    /// <summary>CSS pixels.</summary>
    public int Height { get; init; } = 240;

    public Margin? Margin { get; init; }

    public IReadOnlyList<Shape>? Shapes { get; init; }

    public IReadOnlyList<Annotation>? Annotations { get; init; }
}

public sealed record Axis
{
    public Title? Title { get; init; }

    /// <summary><c>linear</c>, <c>log</c> or <c>category</c>.</summary>
    public string? Type { get; init; }

    public IReadOnlyList<double>? Range { get; init; }

    /// <summary><c>true</c>, <c>false</c> or <c>reversed</c>.</summary>
    public object? AutoRange { get; init; }

    public IReadOnlyList<double>? TickVals { get; init; }

    public IReadOnlyList<string>? TickText { get; init; }

    public string? TickSuffix { get; init; }

    public bool? FixedRange { get; init; }

    public bool? AutoMargin { get; init; }
}

public sealed record Title(string Text);

/// <summary>CSS pixels.</summary>
public sealed record Margin(int L, int R, int T, int B);

public sealed record Shape
{
    public string Type { get; init; } = "line";
    public required object X0 { get; init; }
    public required object X1 { get; init; }
    public required object Y0 { get; init; }
    public required object Y1 { get; init; }
    public string? XRef { get; init; }
    public string? YRef { get; init; }
    public Line? Line { get; init; }
    public string? FillColor { get; init; }
}

public sealed record Annotation
{
    public required string Text { get; init; }
    public required object X { get; init; }
    public required object Y { get; init; }
    public string? XRef { get; init; }
    public string? YRef { get; init; }
    public bool ShowArrow { get; init; }
    public string? XAnchor { get; init; }
    public string? YAnchor { get; init; }
}

public sealed record Config
{
    [JsonPropertyName("displayModeBar")]
    public bool DisplayModeBar { get; init; }

    [JsonPropertyName("scrollZoom")]
    public bool ScrollZoom { get; init; }

    public bool Responsive { get; init; } = true;
}

/// <summary>A figure as the script wants it.</summary>
public static class PlotlyJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = new LowerCase(),
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public static string Figure(IReadOnlyList<Trace> data, Layout layout, Config config) => JsonSerializer.Serialize(new { data, layout, config }, Options);

    private sealed class LowerCase : JsonNamingPolicy
    {
        public override string ConvertName(string name) => name.ToLowerInvariant();
    }
}
