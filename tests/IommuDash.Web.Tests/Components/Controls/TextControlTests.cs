using AngleSharp.Dom;

using Bunit;

using IommuDash.Engine;
using IommuDash.Web.Components.Controls;
using IommuDash.Web.Model;

namespace IommuDash.Web.Tests.Components.Controls;

/// <summary>The controls that only show something.</summary>
public sealed class TextControlTests : ComponentTest
{
    [Fact]
    public void AddressText_Short_KeepsTheWholeForHoverAndCopy()
    {
        IElement button = Render<AddressText>(p => p.Add(c => c.Value, 0xffff_8000_fee0_0000UL).Add(c => c.Short, true)).Find("button");
        Assert.Equal("0x…_fee0_0000", button.TextContent);
        Assert.Equal("0xffff_8000_fee0_0000", button.GetAttribute("title"));
        Assert.Equal("0xffff_8000_fee0_0000", button.GetAttribute("data-copy"));
    }

    [Fact]
    public void RangeText_NotCopying_HoldsNoButton()
    {
        var range = Render<RangeText>(p => p.Add(c => c.Range, new IovaRange(0x1_0000_0000, 0x1_0000_ffff)).Add(c => c.Copies, false));
        Assert.Empty(range.FindAll("button"));
        Assert.Equal("0x0001_0000_0000 – 0x…_ffff", range.Find(".range").TextContent);
    }

    [Fact]
    public void SizeText_OfTheWholeSpace_HasExactBytesOnHover()
    {
        IElement size = Render<SizeText>(p => p.Add(c => c.Bytes, IovaRange.Whole.LengthBytes)).Find("span");
        Assert.Equal("16 EiB", size.TextContent);
        Assert.Equal("18,446,744,073,709,551,616 bytes", size.GetAttribute("title"));
    }

    [Fact]
    public void CountText_ValueChanges_GlowsEachTimeAnew()
    {
        var count = Render<CountText>(p => p.Add(c => c.Value, 84_210));
        Assert.Equal("84,210", count.Find(".number").TextContent);
        Assert.Equal("glow", count.Find(".glow").ClassName);
        count.Render(p => p.Add(c => c.Value, 84_210));
        Assert.Equal("glow", count.Find(".glow").ClassName);
        count.Render(p => p.Add(c => c.Value, 84_211));
        Assert.Equal("glow glow-odd", count.Find(".glow").ClassName);
        count.Render(p => p.Add(c => c.Value, 84_212));
        Assert.Equal("glow glow-even", count.Find(".glow").ClassName);
    }

    [Fact]
    public void ErrnoBadge_AnyErrno_NamesItBeforeTheNumber() =>
        Assert.Equal("EEXIST 17", Render<ErrnoBadge>(p => p.Add(c => c.Value, Errno.EEXIST)).Find(".errno").TextContent);

    [Fact]
    public void Legend_EachKind_HasItsSwatch()
    {
        var legend = Render<Legend>(p => p.Add(c => c.Kinds, [LegendKind.Area, LegendKind.Reserved]));
        Assert.Equal(["area", "reserved"], legend.FindAll("li").Select(item => item.TextContent));
        Assert.Single(legend.FindAll(".swatch-reserved"));
    }

    [Theory]
    [InlineData(0, 500, 84_210, "areas 1–500 of 84,210")]
    [InlineData(84_000, 210, 84_210, "areas 84,001–84,210 of 84,210")]
    [InlineData(0, 0, 0, "no areas")]
    [InlineData(0, 0, 7, "none of 7 areas")]
    public void TableWindowNote_Window_SaysWhatIsLeftOut(long first, long shown, long total, string text) =>
        Assert.Equal(text, Render<TableWindowNote>(p => p.Add(c => c.What, "areas").Add(c => c.First, first).Add(c => c.Shown, shown).Add(c => c.Total, total)).Find("p").TextContent);

    [Fact]
    public void CopyButton_WithText_OffersItToTheScript()
    {
        IElement button = Render<CopyButton>(p => p.Add(c => c.Text, "curl -sS 'x'").Add(c => c.Label, "Copy as curl")).Find("button");
        Assert.Equal("curl -sS 'x'", button.GetAttribute("data-copy"));
        Assert.Contains("Copy as curl", button.TextContent, StringComparison.Ordinal);
    }
}
