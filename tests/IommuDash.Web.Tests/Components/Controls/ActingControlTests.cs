using Bunit;

using IommuDash.Engine;
using IommuDash.Web.Components.Controls;
using IommuDash.Web.Model.Plotly;

namespace IommuDash.Web.Tests.Components.Controls;

/// <summary>The controls that answer a person.</summary>
public sealed class ActingControlTests : ComponentTest
{
    private static readonly IovaRange Area = new(0x1_0000_0000, 0x1_0000_ffff);

    [Fact]
    public void RefusalNotice_ChipChosen_HandsOverItsRange()
    {
        RefusalRange? shown = null;
        var refusal = new Refusal(Errno.EEXIST, "map.fixed.area", "It overlaps an area.") { Ranges = [new(RangeRole.Requested, new IovaRange(0, 0xfff)), new(RangeRole.Area, Area)] };
        var notice = Render<RefusalNotice>(p => p.Add(c => c.Refusal, refusal).Add(c => c.OnShow, range => shown = range));
        Assert.StartsWith("EEXIST 17 It overlaps an area.", notice.Find("[role=alert]").TextContent.Trim(), StringComparison.Ordinal);
        Assert.Equal("map.fixed.area", notice.Find("code").TextContent);
        notice.FindAll(".chip")[1].Click();
        Assert.Equal(new RefusalRange(RangeRole.Area, Area), shown);
    }

    [Fact]
    public void RefusalNotice_WithoutRanges_HasNoEmptyList() =>
        Assert.Empty(Render<RefusalNotice>(p => p.Add(c => c.Refusal, new Refusal(Errno.ENOENT, "object.missing", "No object 9."))).FindAll("ul"));

    [Fact]
    public void EmptyState_ButtonPressed_MakesWhatIsMissing()
    {
        bool made = false;
        var empty = Render<EmptyState>(p => p.Add(c => c.Title, "No areas yet").Add(c => c.ButtonText, "Map one").Add(c => c.OnButton, () => made = true).AddChildContent("An area leads to memory."));
        Assert.Empty(empty.FindAll("a"));
        empty.Find("button").Click();
        Assert.True(made);
    }

    [Fact]
    public void HexInput_Typed_KeepsTheTextAndGivesTheValue()
    {
        ulong? value = null;
        var input = Render<HexInput>(p => p.Add(c => c.Label, "IOVA").Bind(c => c.Value, value, typed => value = typed));
        input.Find("input").Input("2M");
        Assert.Equal(2UL << 20, value);
        input.Render(p => p.Add(c => c.Value, value));
        Assert.Equal("2M", input.Find("input").GetAttribute("value"));
        Assert.Empty(input.FindAll(".field-error"));
    }

    [Fact]
    public void HexInput_Unreadable_SaysWhyAndGivesNothing()
    {
        ulong? value = 0x1000;
        var input = Render<HexInput>(p => p.Add(c => c.Label, "IOVA").Bind(c => c.Value, value, typed => value = typed));
        Assert.Equal("0x1000", input.Find("input").GetAttribute("value"));
        input.Find("input").Input("fed0");
        Assert.Null(value);
        input.Render(p => p.Add(c => c.Value, value));
        Assert.Equal("fed0", input.Find("input").GetAttribute("value"));
        Assert.Equal("Hex starts with 0x: 0xfed0.", input.Find("[role=alert]").TextContent);
        Assert.Equal(input.Find("[role=alert]").Id, input.Find("input").GetAttribute("aria-describedby"));
    }

    [Fact]
    public void HexInput_ValueSetFromOutside_IsShown()
    {
        var input = Render<HexInput>(p => p.Add(c => c.Label, "IOVA"));
        input.Find("input").Input("x");
        input.Render(p => p.Add(c => c.Value, 0xfed0_0000UL));
        Assert.Equal("0xfed0_0000", input.Find("input").GetAttribute("value"));
        Assert.Empty(input.FindAll(".field-error"));
    }

    [Fact]
    public void HexInput_OptionalAndEmptied_IsNoError()
    {
        var input = Render<HexInput>(p => p.Add(c => c.Label, "IOVA").Add(c => c.Optional, true));
        input.Find("input").Input("4K");
        input.Find("input").Input("");
        Assert.Empty(input.FindAll(".field-error"));
    }

    [Fact]
    public async Task PlotlyChart_RenderedAgain_IsDrawnOnlyWhenItChanged()
    {
        BunitJSModuleInterop module = JSInterop.SetupModule("/js/plotly-chart.js");
        module.Mode = JSRuntimeMode.Loose;
        Bar[] data = [new() { Y = [1, 2] }];
        var chart = Render<PlotlyChart>(p => p.Add(c => c.Label, "two bars").Add(c => c.Data, data));
        chart.Render(p => p.Add(c => c.Data, [new Bar { Y = [1, 2] }]));
        Assert.Single(module.Invocations["draw"]);
        chart.Render(p => p.Add(c => c.Data, [new Bar { Y = [1, 3] }]));
        Assert.Equal(2, module.Invocations["draw"].Count);
        await DisposeComponentsAsync();
        Assert.Single(module.Invocations["forget"]);
    }
}
