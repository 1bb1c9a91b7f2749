using IommuDash.Engine;
using IommuDash.Web.Components.Domains;
using IommuDash.Web.Model.Plotly;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Tests.Components.Domains;

public sealed class ApertureFigureTests
{
    private static readonly IovaRange Aperture = new(0, (1UL << 39) - 1);
    private static readonly IovaRange Msi = new(0xfee0_0000, 0xfeef_ffff);
    private static readonly ApertureRow Domain = new("hwpt:3", ApertureKind.Domain, "hwpt 3", "", [Aperture]);
    private static readonly ApertureRow Left = new("ioas:1", ApertureKind.Usable, "IOAS 1", "", [new(0, Msi.Start - 1), new(Msi.Last + 1, Aperture.Last)]);

    [Fact]
    public void Scale_WithoutLens_CountsAddressBits()
    {
        var scale = new ApertureScale();
        Assert.Equal((0.0, 39.0, 64.0), (scale.Start(0), scale.End(Aperture.Last), scale.End(ulong.MaxValue)));
        Assert.Equal(32, scale.Start(1UL << 32));
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(0xfee0_0000UL)]
    [InlineData(ulong.MaxValue)]
    public void Lens_AroundAnyAddress_HoldsIt(ulong address)
    {
        IovaRange lens = ApertureScale.LensAround(address);
        Assert.True(lens.Contains(address));
        var scale = new ApertureScale(lens);
        Assert.InRange(scale.Start(address), 0, scale.Length);
        Assert.Equal(scale.Length, scale.End(ulong.MaxValue));
        Assert.All(scale.Axis().TickVals!, mark => Assert.InRange(mark, 0, scale.Length));
    }

    [Fact]
    public void Lines_DevicesWithEqualRegions_ShareOne()
    {
        ApertureRow[] rows = [Domain, Reserved("a"), Reserved("b"), Left];
        var lines = ApertureFigure.Lines(rows, null);
        Assert.Equal(["hwpt 3", "2 devices", "IOAS 1"], lines.Select(static line => line.Label));
        Assert.Equal(["device:a", "device:b"], lines[1].Keys);
    }

    [Fact]
    public void Lines_ManyRows_KeepTheResultInSight()
    {
        ApertureRow[] rows = [.. Enumerable.Range(0, 100).Select(i => Domain with { Key = $"hwpt:{i}", Label = $"hwpt {i}" }), Left];
        var lines = ApertureFigure.Lines(rows, null);
        Assert.InRange(lines.Count, 2, ApertureFigure.MaxLines);
        Assert.Equal("IOAS 1", lines[^1].Label);
    }

    [Fact]
    public void Draw_NarrowWindow_IsMarkedAndTiedToItsEdge()
    {
        var lines = ApertureFigure.Lines([Domain, Reserved("a"), Left], null);
        (IReadOnlyList<Trace> data, Web.Model.Plotly.Layout layout) = ApertureFigure.Draw(lines, [new ApertureEdge(Msi.Start - 1, false, ["device:a"], "")], new ApertureScale());
        Assert.Equal("a", Assert.Single(Assert.IsType<Scatter>(data[^1]).Y!));
        Shape tie = Assert.Single(layout.Shapes!);
        Assert.Equal((1, 2), ((int)tie.Y0, (int)tie.Y1));
    }

    private static ApertureRow Reserved(string address) => new($"device:{address}", ApertureKind.Reserved, address, "", [Msi]);
}
