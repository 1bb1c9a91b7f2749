using Bunit;

using IommuDash.Web.Components.Controls;
using IommuDash.Web.Model;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

using Microsoft.AspNetCore.Components.Web;

namespace IommuDash.Web.Tests.Components.Calls;

public sealed class CallsPageTests : WorkspacePageTest
{
    [Fact]
    public void Page_NoCallMatches_OffersAllOfThem()
    {
        IRenderedComponent<Web.Components.Pages.Calls> page = Open("call=IOAS_COPY");
        Assert.Contains("No call matches", page.Find(".empty-state").TextContent, StringComparison.Ordinal);
        page.Find(".empty-state button").Click();
        page.WaitForAssertion(() => Assert.DoesNotContain("call=", Navigation.Uri, StringComparison.Ordinal));
        page.WaitForAssertion(() => Assert.Contains("1 call", page.Find("[role=status]").TextContent, StringComparison.Ordinal));
    }

    [Fact]
    public void Call_Selected_ShowsFieldsBesideBytesAndWhatItChanged()
    {
        Attach();
        Map(4, 0x10_0000);
        IRenderedComponent<Web.Components.Pages.Calls> page = Open("sel=call:5");
        string[] flags = Cells(page, "flags");
        Assert.Equal(["4", "4", "FIXED_IOVA|WRITEABLE|READABLE", ""], flags);
        Assert.Equal(["8", "4", "1", ""], Cells(page, "ioas_id"));
        Assert.Equal(40, page.FindAll("table[aria-label='Bytes before the call'] td").Count);
        // Bytes and the row of a field are lit together, so they say the same number.
        int row = page.FindAll(".field-table tbody tr").ToList().FindIndex(r => r.QuerySelector("th")!.TextContent == "length");
        Assert.Equal(8, page.FindAll($"table[aria-label='Bytes before the call'] td[data-field='{row}']").Count);
        IRenderedComponent<Web.Components.Layout.Inspector> inspector = Render<Web.Components.Layout.Inspector>();
        Assert.Contains(inspector.FindAll("ul[aria-label='What it changed'] a"), link => link.TextContent.Contains("area mapped", StringComparison.Ordinal));
        Assert.Contains("\"op\":\"ioas.map\"", inspector.FindAll("button[data-copy]").Single(b => b.TextContent.Contains("Copy as command", StringComparison.Ordinal)).GetAttribute("data-copy"), StringComparison.Ordinal);
        Assert.Contains("IOMMU_IOAS_MAP", inspector.FindAll("button[data-copy]").Single(b => b.TextContent.Contains("Copy as C", StringComparison.Ordinal)).GetAttribute("data-copy"), StringComparison.Ordinal);
    }

    [Fact]
    public void Output_ThatTheCallFilled_StandsInTheAfterColumn()
    {
        Do(new IoasAlloc());
        IRenderedComponent<Web.Components.Pages.Calls> page = Open("sel=call:2");
        Assert.Equal(["8", "4", "0", "1"], Cells(page, "out_ioas_id"));
        Assert.Single(page.FindAll("table[aria-label='Bytes after the call'] td.changed"));
    }

    [Fact]
    public async Task Row_Failed_IsTintedAndSaysTheRule()
    {
        await Workspace.ExecuteAsync(new ObjectDestroy { Id = 9 }, "test");
        IRenderedComponent<Web.Components.Calls.CallRow> row = Render<Web.Components.Calls.CallRow>(parameters => parameters.Add(p => p.Item, Item(2)));
        Assert.Contains("refused", row.Find("tr").ClassList);
        Assert.Contains("DESTROY(id=9)", row.Find("tr").TextContent, StringComparison.Ordinal);
        Assert.Contains("ENOENT", row.Find("tr").TextContent, StringComparison.Ordinal);
        IRenderedComponent<Web.Components.Pages.Calls> page = Open();
        page.WaitForAssertion(() => Assert.Equal(1, Service<ShellState>().CountOf("calls")));
    }

    [Fact]
    public void Row_ClickedAnywhere_IsSelected()
    {
        Do(new IoasAlloc());
        CallItem? chosen = null;
        IRenderedComponent<Web.Components.Calls.CallRow> row = Render<Web.Components.Calls.CallRow>(parameters => parameters.Add(p => p.Item, Item(2)).Add(p => p.OnSelect, item => chosen = item));
        row.FindAll("td")[^1].Click();
        Assert.Equal(2, chosen?.Number);
        chosen = null;
        row.Find("button[aria-pressed]").Click();
        Assert.Equal(2, chosen?.Number);
    }

    [Fact]
    public void Facts_OfACall_SayTheTimeOfDayWithTheWholeOnHover()
    {
        CallItem call = Item(1) with { Time = new DateTimeOffset(2026, 11, 22, 17, 50, 24, 813, TimeSpan.Zero) };
        IRenderedComponent<Web.Components.Calls.CallFacts> facts = Render<Web.Components.Calls.CallFacts>(parameters => parameters.Add(p => p.Call, call).Add(p => p.Ranges, []).Add(p => p.ObjectUrl, _ => ""));
        Assert.Equal("17:50:24.813 UTC", facts.Find("time").TextContent);
        Assert.Equal("2026-11-22T17:50:24.8130000+00:00", facts.Find("time").GetAttribute("title"));
    }

    [Fact]
    public void Arrows_MoveTheSelectionThroughWhatMatches()
    {
        Do(new IoasAlloc());
        Do(new OptionGet { Option = Engine.Iommufd.IommufdOption.RlimitMode });
        Do(new IoasAlloc());
        IRenderedComponent<Web.Components.Pages.Calls> page = Open("call=IOAS_ALLOC&sel=call:4");
        Press(page, "ArrowDown");
        page.WaitForAssertion(() => Assert.Contains("sel=call%3A2", Navigation.Uri, StringComparison.Ordinal));
        Press(page, "ArrowDown");
        Assert.Contains("sel=call%3A2", Navigation.Uri, StringComparison.Ordinal);
        Press(page, "ArrowUp");
        page.WaitForAssertion(() => Assert.Contains("sel=call%3A4", Navigation.Uri, StringComparison.Ordinal));
    }

    [Fact]
    public void Pause_HoldsTheListAndCountsWhatComes()
    {
        Do(new IoasAlloc());
        IRenderedComponent<Web.Components.Pages.Calls> page = Open();
        page.InvokeAsync(() => Service<ShellState>().SetPaused(true));
        page.WaitForAssertion(() => Assert.Contains("upto=2", Navigation.Uri, StringComparison.Ordinal));
        Do(new IoasAlloc());
        page.WaitForAssertion(() => Assert.Contains("1 came since", page.Find("[role=status]").TextContent, StringComparison.Ordinal));
        page.Find("[role=status] button").Click();
        page.WaitForAssertion(() => Assert.DoesNotContain("upto", Navigation.Uri, StringComparison.Ordinal));
        Assert.False(Service<ShellState>().Paused);
    }

    [Fact]
    public void Filter_ByObjectAndErrno_StandsInTheUrl()
    {
        Attach();
        IRenderedComponent<Web.Components.Pages.Calls> page = Open();
        page.Find("input.log-object").Change("3");
        page.WaitForAssertion(() => Assert.Contains("object=3", Navigation.Uri, StringComparison.Ordinal));
        page.WaitForAssertion(() => Assert.Contains("1 match of 4", page.Find("[role=status]").TextContent, StringComparison.Ordinal));
        page.FindAll("select")[^1].Change("EBUSY");
        page.WaitForAssertion(() => Assert.Contains("errno=EBUSY", Navigation.Uri, StringComparison.Ordinal));
        page.WaitForAssertion(() => Assert.Contains("0 match of 4", page.Find("[role=status]").TextContent, StringComparison.Ordinal));
    }

    private static void Press(IRenderedComponent<Web.Components.Pages.Calls> page, string key) =>
        page.Find("[role=region][aria-label='Call list']").KeyDown(new KeyboardEventArgs { Key = key });

    private static string[] Cells(IRenderedComponent<Web.Components.Pages.Calls> page, string field) =>
        [.. page.FindAll(".field-table tbody tr").Single(row => row.QuerySelector("th")!.TextContent == field).QuerySelectorAll("td").Select(cell => cell.TextContent.Trim())];

    private CallItem Item(long number) =>
        Workspace.ReadLogAsync<CallView, CallQuery, CallSnapshot>(new CallQuery(number)).AsTask().GetAwaiter().GetResult().Data.Call!;

    private IRenderedComponent<Web.Components.Pages.Calls> Open(string query = "")
    {
        Navigation.NavigateTo($"/w/w1/calls?{query}");
        return Render<Web.Components.Pages.Calls>(parameters => parameters.Add(p => p.Id, "w1"));
    }
}
