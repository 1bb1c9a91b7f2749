using Bunit;

using IommuDash.Web.Components.Pages;
using IommuDash.Web.Model;
using IommuDash.Workspaces.Commands;

using Microsoft.AspNetCore.Components;

namespace IommuDash.Web.Tests.Components.Domains;

public sealed class DomainsPageTests : WorkspacePageTest
{
    [Fact]
    public void Page_UnknownWorkspace_LeadsToTheHosts()
    {
        Navigation.NavigateTo("/w/none/domains");
        var page = Render<IommuDash.Web.Components.Pages.Domains>(p => p.Add(c => c.Id, "none"));
        Assert.Equal("/", page.Find(".empty-state a").GetAttribute("href"));
    }

    [Fact]
    public void Page_WithoutDomain_InvitesToAttach()
    {
        var page = Open();
        Assert.Contains("No domains yet", page.Markup, StringComparison.Ordinal);
        Assert.Equal("/w/w1/topology", page.Find(".empty-state a").GetAttribute("href"));
    }

    [Fact]
    public void Domain_AttachedWhileOpen_AppearsWithWhatItNarrows()
    {
        var page = Open();
        Attach();
        page.WaitForAssertion(() => Assert.Contains("dmar0's 48-bit table (hwpt 3) ends the IOAS at 0xffff_ffff_ffff", page.Markup, StringComparison.Ordinal));
        Assert.Contains("VT-d second stage", page.Find("tbody tr").TextContent, StringComparison.Ordinal);
        Assert.Contains($"the MSI window of {FirstDevice} begins a usable range at 0xfef0_0000", page.Markup, StringComparison.Ordinal);
    }

    [Fact]
    public void Domain_Chosen_IsInTheInspectorAndTheUrl()
    {
        Attach();
        var page = Open();
        page.Find("tbody .link-button").Click();
        page.WaitForAssertion(() => Assert.Equal(new SelectionKey("hwpt", "3"), Service<InspectorSelection>().Key));
        Assert.EndsWith("/w/w1/domains?sel=hwpt%3A3&hwpt=3", Navigation.Uri, StringComparison.Ordinal);
        page.InvokeAsync(Service<InspectorSelection>().Clear);
        page.WaitForAssertion(() => Assert.DoesNotContain("sel=", Navigation.Uri, StringComparison.Ordinal));
    }

    [Fact]
    public void Edge_Chosen_OpensALinearLensAroundIt()
    {
        Attach();
        var page = Open();
        page.FindAll(".edges button").Single(button => button.TextContent.Contains("0xfedf_ffff", StringComparison.Ordinal)).Click();
        page.WaitForAssertion(() => Assert.Contains("from=0xfcd00000", Navigation.Uri, StringComparison.Ordinal));
        page.FindAll("button").Single(button => button.TextContent == "All 64 bits").Click();
        page.WaitForAssertion(() => Assert.DoesNotContain("from=", Navigation.Uri, StringComparison.Ordinal));
    }

    [Fact]
    public void Apertures_AsTable_ListEveryRange()
    {
        Attach();
        var page = Open();
        page.FindAll("button").Single(button => button.TextContent == "Table").Click();
        var table = page.Find("[aria-label=Apertures] table");
        Assert.Equal(["translated", "reserved", "usable", "usable"], table.QuerySelectorAll("tbody tr").Select(row => row.Children[1].TextContent));
        Assert.Contains("rows 1–3 of 3", page.Markup, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIf_MappingInTheWay_IsNamedAndNothingChanges()
    {
        Do(new IoasAlloc());
        Map(2, MsiStart - Page);
        long version = Workspace.Version;
        var page = Open();
        page.Find("[aria-label='What if a device attached'] select").Change(SecondDevice);
        page.WaitForAssertion(() => Assert.Contains("One mapping would fall outside", page.Markup, StringComparison.Ordinal));
        Assert.Contains("0xfedf_f000 – 0xfee0_0fff", page.Find("li.chip-area").TextContent, StringComparison.Ordinal);
        Assert.Contains("device=0000%3A02%3A00.0", Navigation.Uri, StringComparison.Ordinal);
        Assert.Equal(version, Workspace.Version);
    }

    [Fact]
    public void Iova_Typed_IsWalkedLevelByLevelAndItsTablesOpen()
    {
        Attach();
        Map(5, 0x123_4000);
        var page = Open("tab=table");
        page.Find("input[name=iova]").Input("0x1236abc");
        page.WaitForAssertion(() => Assert.Contains("0x123_6abc leads to", page.Find(".walk-outcome").TextContent, StringComparison.Ordinal));
        Assert.Equal(4, page.FindAll(".walk-hit ~ table tbody tr").Count);
        Assert.Equal(4, page.FindAll(".miller-column").Count);
        Assert.Contains("level 0 · entry 54", page.Find(".entry-bits").TextContent, StringComparison.Ordinal);
        Assert.Contains("52–56", page.FindAll(".miller-column")[3].TextContent, StringComparison.Ordinal);
        Assert.Contains("iova=0x1236abc", Navigation.Uri, StringComparison.Ordinal);

        Do(new IoasUnmapAll { Ioas = 1 });
        page.WaitForAssertion(() => Assert.StartsWith("Not mapped: the walk ends at level", page.Find(".walk-outcome").TextContent, StringComparison.Ordinal));
    }

    [Fact]
    public void Run_Chosen_ShowsItsFirstEntryInBits()
    {
        Attach();
        Map(5, 0x123_4000);
        var page = Open("tab=table&path=0.0.9");
        page.FindAll(".miller-column")[3].QuerySelectorAll("button.run").Single(run => run.TextContent.StartsWith("52–56", StringComparison.Ordinal)).Click();
        page.WaitForAssertion(() => Assert.Contains("reads allowed", page.Find(".entry-bits").TextContent, StringComparison.Ordinal));
        Assert.Contains("path=0.0.9.52", Navigation.Uri, StringComparison.Ordinal);
        Assert.Matches("/w/w1/pages\\?sel=frame%3A0x[0-9a-f]+", page.Find(".entry-bits ~ p a").GetAttribute("href")!);
    }

    [Fact]
    public void SecondDomain_Beside_WalksTheSameIova()
    {
        Attach();
        Map(1, 0x5000);
        uint other = Do(new HwptAlloc { Device = 2, Pt = 1 }).Hwpt!.Value;
        var page = Open($"tab=table&iova=0x5000&hwpt=3&beside={other}");
        page.WaitForAssertion(() => Assert.Equal(2, page.FindAll(".walk-hit").Count));
        Assert.Equal(2, page.FindAll(".iova-field").Count);
    }

    [Fact]
    public void SecondDomain_Beside_ShowsItsTablesAtTheChosenIova()
    {
        Attach();
        Map(1, 0x123_4000);
        uint other = Do(new HwptAlloc { Device = 2, Pt = 1 }).Hwpt!.Value;
        var page = Open($"tab=table&path=0.0.9.52&hwpt=3&beside={other}");
        page.WaitForAssertion(() => Assert.Equal(8, page.FindAll(".miller-column").Count));
        Assert.Equal(2, page.FindAll(".entry-bits").Count(bits => bits.TextContent.Contains("level 0 · entry 52", StringComparison.Ordinal)));

        page.FindAll(".miller-column")[7].QuerySelectorAll("button.run").Single(run => run.TextContent.StartsWith("53–511", StringComparison.Ordinal)).Click();
        page.WaitForAssertion(() => Assert.Equal(2, page.FindAll(".entry-bits").Count(bits => bits.TextContent.Contains("level 0 · entry 53", StringComparison.Ordinal))));
        Assert.Contains("iova=0x1235000", Navigation.Uri, StringComparison.Ordinal);
    }

    [Fact]
    public void Tree_AsTable_OpensATableInTheColumnsAndLooksIntoAColumn()
    {
        Attach();
        Map(5, 0x123_4000);
        Map(1, 0x5000_0000);
        var page = Open("tab=table&at=0x0&bits=48");
        Assert.Contains("In this window 6 of 6 tables and 6 of 6 pages", page.Find("[aria-label='The whole tree']").TextContent, StringComparison.Ordinal);
        page.Find("[aria-label='The whole tree']").QuerySelectorAll("button").Single(button => button.TextContent == "Table").Click();
        AngleSharp.Dom.IElement Row(string text) => page.FindAll("[aria-label='The whole tree'] tbody tr").Single(row => row.TextContent.Contains(text, StringComparison.Ordinal));

        Row("2 entries used: 2 tables").QuerySelector("button.link-button")!.Click();
        page.WaitForAssertion(() => Assert.Contains("bits=39", Navigation.Uri, StringComparison.Ordinal));
        Assert.Contains("path=0", Navigation.Uri, StringComparison.Ordinal);
    }

    [Fact]
    public void Tree_Breadcrumb_LeadsBackToTheWholeTable()
    {
        Attach();
        Map(5, 0x123_4000);
        var page = Open("tab=table&at=0x1200000&bits=21");
        Assert.Equal(["whole table, 256 TiB", "level 2 from 0x0000, 512 GiB", "level 1 from 0x0000, 1 GiB", "level 0 from 0x0120_0000, 2 MiB"], page.FindAll(".crumbs button").Where(button => button.HasAttribute("title") && button.ClassList.Contains("link-button")).Select(crumb => crumb.TextContent));
        page.FindAll(".crumbs .link-button")[0].Click();
        page.WaitForAssertion(() => Assert.Contains("at=0x0&bits=48", Navigation.Uri, StringComparison.Ordinal));
    }

    [Fact]
    public void Domain_OfAnotherContext_NamesItsProgramAndLeadsToItsOwnIoas()
    {
        int context = Do(new ContextOpen { Pid = Pid }).Context!.Value;
        uint ioas = Do(new IoasAlloc { Context = context }).Ioas!.Value;
        uint device = Do(new DeviceBind { Context = context, Address = FirstDevice }).Device!.Value;
        uint hwpt = Do(new HwptAlloc { Context = context, Device = device, Pt = ioas }).Hwpt!.Value;
        var page = Open($"context={context}&sel=hwpt:{hwpt}");
        Assert.Contains(page.FindAll("label select option"), option => option.HasAttribute("selected") && option.TextContent.StartsWith($"{context} · ", StringComparison.Ordinal) && option.TextContent.EndsWith($"(pid {Pid})", StringComparison.Ordinal));
        Assert.Equal($"/w/w1/ioas?sel=ioas%3A{ioas}&context={context}", Render<IommuDash.Web.Components.Layout.Inspector>().FindAll("a").Single(link => link.TextContent == $"Its IOAS {ioas}").GetAttribute("href"));
    }

    private IRenderedComponent<IommuDash.Web.Components.Pages.Domains> Open(string query = "")
    {
        Navigation.NavigateTo("/w/w1/domains" + (query.Length == 0 ? "" : "?" + query));
        return Render<IommuDash.Web.Components.Pages.Domains>(p => p.Add(c => c.Id, "w1"));
    }
}
