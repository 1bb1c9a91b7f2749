using Bunit;

using IommuDash.Engine.Hardware;
using IommuDash.Web.Components.Pages;
using IommuDash.Web.Model;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Tests.Components.Pinned;

public sealed class PinnedPagesTests : WorkspacePageTest
{
    [Fact]
    public void Page_NothingPinned_InvitesToAttach()
    {
        var page = Open();
        Assert.Contains("Nothing is pinned", page.Markup, StringComparison.Ordinal);
        Assert.Equal("/w/w1/topology", page.Find(".empty-state a").GetAttribute("href"));
    }

    [Fact]
    public void Process_FourFifthsCharged_IsMarkedNearItsLimitWhileOneWatches()
    {
        Attach();
        var page = Open();
        Assert.DoesNotContain("near the limit", page.Markup, StringComparison.Ordinal);
        Map(80, 0x10_0000);
        page.WaitForAssertion(() => Assert.Contains("80 %", page.Find("[role=meter]").GetAttribute("aria-valuetext"), StringComparison.Ordinal));
        Assert.Contains("near the limit", page.Find(".gauge-cell").TextContent, StringComparison.Ordinal);
        Assert.Contains("80 frames pinned", page.Find(".summary-line").TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void Frame_Selected_SaysWhoHoldsIt()
    {
        Attach();
        Map(8, 0x10_0000);
        long frame = LowestPinned() + 3;
        var page = Open($"sel=frame:0x{frame:x}");
        string detail = page.Find("[aria-label='Who holds the frame']").TextContent;
        Assert.Contains("Pinned once", detail, StringComparison.Ordinal);
        Assert.Contains("0x7f00_0000_3000", detail, StringComparison.Ordinal);
        Assert.Contains("0x0010_3000", detail, StringComparison.Ordinal);
        Assert.Equal("/w/w1/domains?sel=hwpt%3A3&tab=table&iova=0x103000", page.FindAll("[aria-label='Who holds the frame'] a").Single(link => link.TextContent == "hwpt 3").GetAttribute("href"));
        Assert.Equal(new SelectionKey("frame", $"0x{frame:x}"), Service<InspectorSelection>().Key);
    }

    [Fact]
    public void Frames_AsTable_ListRunsAndSelect()
    {
        Attach();
        Map(8, 0x10_0000);
        var page = Open("table=on");
        var row = page.FindAll("[aria-label='Frames of memory'] tbody tr").Single(row => row.Children[3].TextContent == "8");
        row.QuerySelector("button")!.Click();
        page.WaitForAssertion(() => Assert.Contains($"sel=frame%3A0x{LowestPinned():x}", Navigation.Uri, StringComparison.Ordinal));
    }

    [Fact]
    public void Fit_TooLong_SaysWhyAndPinsNothing()
    {
        Attach();
        Map(80, 0x10_0000);
        var page = Open("sel=process:100");
        Input(page, "process address", "0x7f0000000000");
        Input(page, "length", "80K");
        page.WaitForAssertion(() => Assert.Contains("It fits.", page.Find("[aria-label='Would this map fit']").TextContent, StringComparison.Ordinal));
        Input(page, "length", "84K");
        page.WaitForAssertion(() => Assert.Contains("account.memlock", page.Find("[aria-label='Would this map fit']").TextContent, StringComparison.Ordinal));
        Assert.NotEmpty(page.FindAll(".gauge-over"));
        Assert.Contains("length=0x15000", Navigation.Uri, StringComparison.Ordinal);
        Assert.Contains("80 frames pinned", page.Find(".summary-line").TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void Process_GivenMemoryAndBytes_ShowsThem()
    {
        var page = Open("sel=process:100");
        Input(page, "start", "0x10000");
        Input(page, "length", "8K", section: "Actions on the process");
        Click(page, "Map");
        page.WaitForAssertion(() => Assert.Contains("mappings 1–2 of 2", page.Markup, StringComparison.Ordinal));
        Input(page, "address", "0x10ffe", section: "Actions on the process");
        page.Find("input[placeholder='de ad be ef']").Input("de ad be ef");
        Click(page, "Write");
        page.WaitForAssertion(() => Assert.Contains("Pid 100 wrote 4 bytes", page.Markup, StringComparison.Ordinal));
        page.WaitForAssertion(() => Assert.Equal("2", page.FindAll("[aria-label='Memory of the process'] tbody tr")[0].Children[5].TextContent));
    }

    [Fact]
    public void Process_MappedOverItsMemory_RefusesAndKeepsTheForm()
    {
        var page = Open("sel=process:100");
        Input(page, "start", "0x7f0000001000");
        Input(page, "length", "4K", section: "Actions on the process");
        Click(page, "Map");
        page.WaitForAssertion(() => Assert.Contains("EEXIST", page.Find("[role=alert]").TextContent, StringComparison.Ordinal));
        Assert.Contains("mappings 1–1 of 1", page.Markup, StringComparison.Ordinal);
        Assert.Equal("4K", Field(page, "length", "Actions on the process").GetAttribute("value"));
    }

    [Fact]
    public void Process_Exited_SaysWhatStays()
    {
        Attach();
        var page = Open("sel=process:100");
        Click(page, "Exit pid 100");
        page.WaitForAssertion(() => Assert.Contains("(exited)", page.Markup, StringComparison.Ordinal));
        Assert.Contains("It has exited", page.Markup, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_OddDigits_AreNotSent()
    {
        var page = Open("sel=process:100");
        Input(page, "address", "0x7f0000000000", section: "Actions on the process");
        page.Find("input[placeholder='de ad be ef']").Input("abc");
        Assert.Contains("Two hex digits make a byte", page.Find(".field-error").TextContent, StringComparison.Ordinal);
        Assert.True(page.FindAll("button").Single(button => button.TextContent == "Write").HasAttribute("disabled"));
    }

    [Fact]
    public void Process_Created_IsListed()
    {
        var page = Open("sel=process:100");
        page.Find("input[maxlength='64']").Change("guest");
        Click(page, "Create");
        page.WaitForAssertion(() => Assert.Contains("guest", page.FindAll("table")[0].TextContent, StringComparison.Ordinal));
        Assert.Contains("Started guest as pid 9000.", page.Markup, StringComparison.Ordinal);
    }

    private long LowestPinned() =>
        Workspace.ReadAsync<PinnedFramesView, PinnedFramesQuery, PinnedFramesSnapshot>(new(0, 0, 1)).AsTask().GetAwaiter().GetResult().Data.LowestPinned!.Value;

    private IRenderedComponent<PinnedPages> Open(string query = "")
    {
        Navigation.NavigateTo("/w/w1/pages" + (query.Length == 0 ? "" : "?" + query));
        return Render<PinnedPages>(p => p.Add(c => c.Id, "w1"));
    }

    private static AngleSharp.Dom.IElement Field(IRenderedComponent<PinnedPages> page, string label, string section)
    {
        AngleSharp.Dom.IElement field = page.FindAll($"[aria-label='{section}'] label").First(found => found.TextContent == label);
        return page.Find("#" + field.GetAttribute("for"));
    }

    private static void Input(IRenderedComponent<PinnedPages> page, string label, string text, string? section = null) =>
        Field(page, label, section ?? (label == "start" ? "Actions on the process" : "Would this map fit")).Input(text);

    private static void Click(IRenderedComponent<PinnedPages> page, string name) => page.FindAll("button").Single(button => button.TextContent == name).Click();
}
