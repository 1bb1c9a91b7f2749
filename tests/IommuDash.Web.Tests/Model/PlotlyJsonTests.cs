using IommuDash.Web.Model.Plotly;

namespace IommuDash.Web.Tests.Model;

public sealed class PlotlyJsonTests
{
    [Fact]
    public void Figure_OfBars_HasPlotlysNames()
    {
        string json = PlotlyJson.Figure(
            [new Bar { Name = "hwpt 3", X = [39], Y = ["hwpt 3"], Base = [12.5], Orientation = "h", Marker = new Marker { Color = "var(--area)", Pattern = new Pattern("/") } }],
            new Layout { BarMode = "overlay", XAxis = new Axis { AutoRange = "reversed", TickVals = [0, 64] } },
            new Config());
        Assert.Equal(
            """{"data":[{"type":"bar","base":[12.5],"orientation":"h","name":"hwpt 3","x":[39],"y":["hwpt 3"],"marker":{"color":"var(--area)","pattern":{"shape":"/"}}}]""" +
            ""","layout":{"barmode":"overlay","xaxis":{"autorange":"reversed","tickvals":[0,64]},"showlegend":false,"height":240},"config":{"displayModeBar":false,"scrollZoom":false,"responsive":true}}""",
            json);
    }
}
