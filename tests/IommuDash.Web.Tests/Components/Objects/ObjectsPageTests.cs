using Bunit;

using IommuDash.Web.Components.Pages;
using IommuDash.Web.Model;
using IommuDash.Workspaces.Commands;

using Microsoft.AspNetCore.Components.Web;

namespace IommuDash.Web.Tests.Components.Objects;

public sealed class ObjectsPageTests : WorkspacePageTest
{
    [Fact]
    public void Page_NothingMade_InvitesAndMakesAnIoas()
    {
        IRenderedComponent<Web.Components.Pages.Objects> page = Open();
        Assert.Equal("/w/w1/topology", page.Find(".empty-state a").GetAttribute("href"));
        page.Find(".empty-state button").Click();
        page.WaitForAssertion(() => Assert.StartsWith("IOAS 1", page.Find("g[role=button]").GetAttribute("aria-label"), StringComparison.Ordinal));
    }

    [Fact]
    public void Ioas_Selected_LightsWhatBlocksItsDestroyAndSaysWhy()
    {
        Attach();
        IRenderedComponent<Web.Components.Pages.Objects> page = Open("sel=ioas:1");
        Assert.Equal(3, page.FindAll("g[role=button]").Count);
        Assert.StartsWith("hw_pagetable 3", page.Find("g.blocks").GetAttribute("aria-label"), StringComparison.Ordinal);
        Assert.Single(page.FindAll("svg.graph path.graph-edge.blocks"));
        Assert.Contains("it is used by 3", page.Find("figcaption [role=status]").TextContent, StringComparison.Ordinal);
        Assert.Equal(new SelectionKey("ioas", "1"), Service<InspectorSelection>().Key);
    }

    [Fact]
    public void Destroy_Refused_IsShownAndSucceedsWhenTheHoldersAreGone()
    {
        Attach();
        IRenderedComponent<Web.Components.Pages.Objects> page = Open("sel=ioas:1");
        Inspector().Find(".inspector-actions button").Click();
        page.WaitForAssertion(() => Assert.Contains("destroy.users", page.Find("[role=alert]").TextContent, StringComparison.Ordinal));
        Do(new DeviceDetach { Device = 2 });
        page.WaitForAssertion(() => Assert.Contains("DESTROY would succeed", page.Find("figcaption").TextContent, StringComparison.Ordinal));
        Inspector().Find(".inspector-actions button").Click();
        page.WaitForAssertion(() => Assert.DoesNotContain("IOAS 1", string.Concat(page.FindAll("g[role=button]").Select(box => box.GetAttribute("aria-label"))), StringComparison.Ordinal));
        Assert.Null(Service<InspectorSelection>().Key);
        Assert.DoesNotContain("sel=", Navigation.Uri, StringComparison.Ordinal);
    }

    [Fact]
    public void Boxes_AreOneTabStopWalkedByArrows()
    {
        Attach();
        IRenderedComponent<Web.Components.Pages.Objects> page = Open("sel=ioas:1");
        Assert.Single(page.FindAll("g[role=button][tabindex='0']"));
        page.Find("g[aria-pressed=true]").KeyDown(new KeyboardEventArgs { Key = "ArrowUp" });
        page.WaitForAssertion(() => Assert.Contains("sel=hwpt%3A3", Navigation.Uri, StringComparison.Ordinal));
        page.WaitForAssertion(() => Assert.StartsWith("hw_pagetable 3", page.Find("g[tabindex='0']").GetAttribute("aria-label"), StringComparison.Ordinal));
    }

    [Fact]
    public void Table_SaysTheSame()
    {
        Attach();
        IRenderedComponent<Web.Components.Pages.Objects> page = Open("table=on&sel=ioas:1");
        string[] cells = [.. page.Find("tr.selected").Children.Select(cell => cell.TextContent.Trim())];
        Assert.Equal(["1", "IOAS 1", "0 areas", "1", "0", "", "3"], cells);
        Assert.Contains("it is used by 3", page.Find("[role=status]").TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void Contexts_Several_CanBeChosen()
    {
        Do(new ContextOpen { Pid = Pid });
        Do(new IoasAlloc { Context = 2 });
        IRenderedComponent<Web.Components.Pages.Objects> page = Open();
        page.Find("select").Change("2");
        page.WaitForAssertion(() => Assert.Single(page.FindAll("g[role=button]")));
        Assert.Contains("context=2", Navigation.Uri, StringComparison.Ordinal);
    }

    private IRenderedComponent<Web.Components.Pages.Objects> Open(string query = "")
    {
        Navigation.NavigateTo($"/w/w1/objects?{query}");
        return Render<Web.Components.Pages.Objects>(parameters => parameters.Add(p => p.Id, "w1"));
    }

    private IRenderedComponent<Web.Components.Layout.Inspector> Inspector() => Render<Web.Components.Layout.Inspector>();
}
