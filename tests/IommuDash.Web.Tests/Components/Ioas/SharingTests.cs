using Bunit;

using IommuDash.Web.Components.Pages;
using IommuDash.Web.Model;
using IommuDash.Workspaces.Commands;

using Microsoft.Extensions.DependencyInjection;

namespace IommuDash.Web.Tests.Components.Ioas;

public sealed class SharingTests : WorkspacePageTest
{
    private const ulong Base = 0x100_0000;

    public SharingTests() => Services.AddSingleton(TimeProvider.System);

    [Fact]
    public void Sharing_NoArea_InvitesToChooseOne()
    {
        Attach();
        Map(4, Base);
        IRenderedComponent<IoasPage> page = Open("tab=sharing");
        page.Find(".sharing-panel .empty-state button").Click();
        page.WaitForAssertion(() => Assert.Contains("4 pages of process vmm (pid 100)", page.Find(".sharing-facts").TextContent, StringComparison.Ordinal));
        Assert.Contains("sel=area%3A1%2F0x1000000", Navigation.Uri, StringComparison.Ordinal);
    }

    [Fact]
    public void Sharing_CopyInAnotherIoas_LeadsThereAndSaysWhatMoves()
    {
        Attach();
        Map(4, Base);
        Assert.Equal(4u, Do(new IoasAlloc()).Ioas);
        Do(new IoasCopy { Ioas = 4, SourceIoas = 1, SourceIova = Base, Length = 4 * Page, Iova = 0x20_0000 });
        IRenderedComponent<IoasPage> page = Open("tab=sharing&sel=area:1/0x1000000");
        Assert.Contains("If hw_pagetable 3 goes: 4 pages are unpinned. Destroying it would be refused now, EBUSY", page.Find(".sharing figcaption").TextContent, StringComparison.Ordinal);
        Assert.Equal(2, page.FindAll("button.sharing-bar.area").Count);
        page.Find("button.sharing-bar.area.no-domain").Click();
        page.WaitForAssertion(() => Assert.Equal("area:4/0x200000", Service<InspectorSelection>().Key.ToString()));
        Assert.Contains("in no domain", page.Find(".sharing figcaption").TextContent, StringComparison.Ordinal);
        Assert.Equal(2, page.Find("table[aria-label='Users of the pages'] tbody").Children.Length);
    }

    [Fact]
    public void Accesses_OpenPinUnpinClose_AreCommandsAndShowWhereTheFramesAre()
    {
        Attach();
        Map(4, Base);
        IRenderedComponent<IoasPage> page = Open("tab=sharing&sel=area:1/0x1000000");
        page.InvokeAsync(() => Button(page, "Open an emulated device").Click());
        page.WaitForAssertion(() => Assert.Equal("0x0100_0000", page.Find("input[name=pin-iova]").GetAttribute("value")));
        page.InvokeAsync(() => page.Find("button[aria-label='Pin through access 4']").Click());
        page.WaitForAssertion(() => Assert.Contains("pages 0 – 0: in the PFN store", page.Find(".sharing-bar.store").GetAttribute("title"), StringComparison.Ordinal));
        Assert.Contains("If hw_pagetable 3 goes: 3 pages are unpinned.", page.Find(".sharing figcaption").TextContent, StringComparison.Ordinal);
        page.Find("button.sharing-bar.pin").Click();
        page.WaitForAssertion(() => Assert.Equal("object:4", Service<InspectorSelection>().Key.ToString()));
        page.Find("button[aria-label='Unpin item 0 of access 4']").Click();
        page.WaitForAssertion(() => Assert.Contains("none", page.Find("table[aria-label='Access objects'] tbody tr").TextContent, StringComparison.Ordinal));
        page.Find("button[aria-label='Close access 4']").Click();
        page.WaitForAssertion(() => Assert.Empty(page.FindAll("table[aria-label='Access objects']")));
    }

    private static AngleSharp.Dom.IElement Button(IRenderedComponent<IoasPage> page, string text) => page.FindAll("button").Single(button => button.TextContent.Trim() == text);

    private IRenderedComponent<IoasPage> Open(string query)
    {
        Navigation.NavigateTo($"/w/w1/ioas?{query}");
        return Render<IoasPage>(parameters => parameters.Add(p => p.WorkspaceId, "w1"));
    }
}
