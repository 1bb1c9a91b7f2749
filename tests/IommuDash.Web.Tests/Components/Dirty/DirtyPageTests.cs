using Bunit;

using IommuDash.Engine;
using IommuDash.Web.Components.Pages;
using IommuDash.Web.Model;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Web.Tests.Components.Dirty;

public sealed class DirtyPageTests : WorkspacePageTest
{
    private const ulong Base = 0x100_0000;
    private const uint Hwpt = 3;

    [Fact]
    public void Page_NothingMade_InvitesAndMakesAnIoas()
    {
        IRenderedComponent<DirtyPage> page = Open();
        page.Find(".empty-state button").Click();
        page.WaitForAssertion(() => Assert.Contains("IOAS 1 has no hw_pagetable yet", page.Find(".empty-state").TextContent, StringComparison.Ordinal));
    }

    [Fact]
    public void Invitation_UnboundDevice_IsBoundAndAttachedToATableThatCanTrack()
    {
        Do(new IoasAlloc());
        IRenderedComponent<DirtyPage> page = Open();
        page.Find(".empty-state button").Click();
        page.WaitForAssertion(() => Assert.Equal("Start tracking", Button(page, "Start").TextContent));
        Assert.Contains("Nothing is mapped", page.Find(".dirty-actions").TextContent, StringComparison.Ordinal);
        Assert.Contains("sel=hwpt%3A3", Navigation.Uri, StringComparison.Ordinal);
        Assert.Equal(new SelectionKey("hwpt", "3"), Service<InspectorSelection>().Key);
    }

    [Fact]
    public void Invitation_AttachedDevice_IsMovedFromItsAutomaticTable()
    {
        Attach();
        IRenderedComponent<DirtyPage> page = Open();
        Assert.Contains("No hw_pagetable of IOAS 1 can track", page.Find(".empty-state").TextContent, StringComparison.Ordinal);
        Assert.Contains("made by attaching", page.Find(".strip-label").TextContent, StringComparison.Ordinal);
        page.Find(".empty-state button").Click();
        page.WaitForAssertion(() => Assert.Contains("not tracking", page.Find(".strip-label").TextContent, StringComparison.Ordinal));
        Assert.Single(page.FindAll(".strip-label"));
    }

    [Fact]
    public void TrackWriteRead_ShowWhatWasDirtyAndWhatWasCleared()
    {
        Tracking(on: false);
        IRenderedComponent<DirtyPage> page = Open();
        Button(page, "Start tracking").Click();
        page.WaitForAssertion(() => Assert.Contains("all are clean", page.Find("[role=status].done").TextContent, StringComparison.Ordinal));
        page.FindAll(".dirty-actions select").Single(select => select.TextContent.Contains("everywhere", StringComparison.Ordinal)).Change("all");
        page.Find("input[name=length]").Input("0x3000");
        page.WaitForAssertion(() => Assert.Contains("read-to=0x1002fff", Navigation.Uri, StringComparison.Ordinal));
        Button(page, "Write").Click();
        page.WaitForAssertion(() => Assert.Contains("12 KiB became dirty", page.Find("[role=status].done").TextContent, StringComparison.Ordinal));
        Assert.Contains("3 dirty of 16 pages", page.Find(".strip-label").TextContent, StringComparison.Ordinal);
        Button(page, "Read and clear").Click();
        page.WaitForAssertion(() => Assert.Contains("3 dirty in 1 run; 12 KiB of page-table leaves were cleared", page.Find("[role=status].done").TextContent, StringComparison.Ordinal));
        Assert.Contains("0 dirty of 16 pages", page.Find(".strip-label").TextContent, StringComparison.Ordinal);
        string[] round = [.. page.Find("table[aria-label=Rounds] tbody tr").Children.Select(cell => cell.TextContent.Trim())];
        Assert.Equal(["1", "3", "cleared"], round[..3]);
    }

    [Fact]
    public void Lens_APage_SaysWhichBitOfWhichWordItIs()
    {
        Tracking(on: true);
        Do(new DeviceDmaWrite { Device = 2, Iova = Base + (9 * Page), Length = 1 });
        IRenderedComponent<DirtyPage> page = Open("at=0x1000000");
        Assert.Contains("0: the page is clean", page.Find(".bit-sum").TextContent, StringComparison.Ordinal);
        Button(page, "Next dirty").Click();
        page.WaitForAssertion(() => Assert.Contains("1: the page is dirty", page.Find(".bit-sum").TextContent, StringComparison.Ordinal));
        string sum = page.Find(".bit-sum").TextContent;
        Assert.Contains("(0x0100_9000 − 0x0100_0000) / 4,096 = 9", sum, StringComparison.Ordinal);
        Assert.Contains("bit in it = 9 % 64 = 9, mask 0x0000_0000_0000_0200", sum, StringComparison.Ordinal);
        Assert.Contains("9 / 8 = 1, bit 1 of it", sum, StringComparison.Ordinal);
        Assert.Contains("0x0000_0000_0000_0200", page.Find(".word-table tr.looked-at").TextContent, StringComparison.Ordinal);
        Assert.Single(page.FindAll("rect.bit.set"));
        page.Find("[aria-label='Page to look up']").Change("0x5");
        page.WaitForAssertion(() => Assert.Contains("outside the range", page.Find(".field-error").TextContent, StringComparison.Ordinal));
    }

    [Fact]
    public void Table_SaysWhatTheStripsShow()
    {
        Tracking(on: true);
        Do(new DeviceDmaWrite { Device = 2, Iova = Base, Length = 2 * Page });
        IRenderedComponent<DirtyPage> page = Open("table=on");
        string[] cells = [.. page.Find("tr.selected").Children.Select(cell => cell.TextContent.Trim())];
        Assert.Equal(["3", "tracking", "VT-d second stage", "dmar0", FirstDevice, "4 KiB", "64 KiB", "8 KiB", "8 KiB"], cells);
        Assert.Equal("8 KiB", page.Find("table[aria-label='Dirty columns'] tbody tr").Children[^1].TextContent.Trim());
    }

    [Fact]
    public void Write_IntoAHole_IsRefusedWithTheRule()
    {
        Tracking(on: true);
        IRenderedComponent<DirtyPage> page = Open("read=0x1000000&read-to=0x1ffffff");
        Button(page, "Write").Click();
        page.WaitForAssertion(() => Assert.Contains("dma.hole", page.Find("[role=alert]").TextContent, StringComparison.Ordinal));
    }

    /// <summary>IOAS 1 with 16 pages at <see cref="Base"/>, device 2 on hw_pagetable 3.</summary>
    private void Tracking(bool on)
    {
        Do(new IoasAlloc());
        Do(new DeviceBind { Address = FirstDevice });
        Assert.Equal(Hwpt, Do(new HwptAlloc { Device = 2, Pt = 1, DirtyTracking = true }).Hwpt);
        Do(new DeviceAttach { Device = 2, Pt = Hwpt });
        Map(16, Base);
        if (on)
            Do(new HwptSetDirtyTracking { Hwpt = Hwpt });
    }

    private static AngleSharp.Dom.IElement Button(IRenderedComponent<DirtyPage> page, string text) =>
        page.FindAll("button").First(button => button.TextContent.Trim().StartsWith(text, StringComparison.Ordinal));

    private IRenderedComponent<DirtyPage> Open(string query = "")
    {
        Navigation.NavigateTo($"/w/w1/dirty?{query}");
        return Render<DirtyPage>(parameters => parameters.Add(p => p.Id, "w1"));
    }
}
