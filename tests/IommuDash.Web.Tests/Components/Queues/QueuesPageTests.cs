using AngleSharp.Dom;

using Bunit;

using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Selftest;
using IommuDash.Web.Model;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Web.Tests.Components.Queues;

public sealed class QueuesPageTests() : WorkspacePageTest(IommuVendor.Mock)
{
    [Fact]
    public void Page_NothingMade_InvitesAndMakesAQueueThatAFaultComesInto()
    {
        IRenderedComponent<Web.Components.Pages.Queues> page = Open();
        page.Find(".empty-state button").Click();
        page.WaitForAssertion(() => Assert.Contains("Ready: IOAS 1, device 2, fault queue 3, hw_pagetable 4", page.Markup, StringComparison.Ordinal));
        Assert.Contains("No faults wait here", page.Markup, StringComparison.Ordinal);
        Assert.Equal("It goes to fault queue 3.", Form(page, "Trigger a page request").QuerySelector("[role=status]")!.TextContent);
        Form(page, "Trigger a page request").Submit();
        page.WaitForAssertion(() => Assert.Equal(["not read", "–", "device 2", "hw_pagetable 4", "1", "–", "0x0100_1000", "READ · last", "v7"], Row(page, "Page faults")));
        page.WaitForAssertion(() => Assert.Equal(1, Service<ShellState>().CountOf("queues")));
        Assert.Contains("its group 1 waits in fault queue 3", page.Find(".outcome .done").TextContent, StringComparison.Ordinal);
        Assert.Equal(["Detach device 2"], Buttons(page, "Detach"));
    }

    [Fact]
    public void Group_ReadAndAnswered_IsGoneAndTheAnswerStandsBesideTheForm()
    {
        Request(2);
        IRenderedComponent<Web.Components.Pages.Queues> page = Open("fault=2");
        AngleSharp.Dom.IElement form = Form(page, "Answer page faults");
        Assert.Contains("gets one when it is read", form.QuerySelector("[role=status]")!.TextContent, StringComparison.Ordinal);
        Assert.True(form.QuerySelector("[type=submit]")!.HasAttribute("disabled"));
        Button(page, "Read all (2)").Click();
        page.WaitForAssertion(() => Assert.Contains("device 2 tries again. The address is still not mapped", Form(page, "Answer page faults").TextContent, StringComparison.Ordinal));
        Assert.Contains("cookie 1, 2", page.Find(".outcome .done").TextContent, StringComparison.Ordinal);
        Assert.Equal(2, page.FindAll(".fault-mark.read").Count);
        Radio(page, "INVALID").Change(true);
        Assert.Contains("ends the access with an error", Form(page, "Answer page faults").TextContent, StringComparison.Ordinal);
        Form(page, "Answer page faults").Submit();
        page.WaitForAssertion(() => Assert.Contains("Answered 1 group.", page.Find(".answer .outcome .done").TextContent, StringComparison.Ordinal));
        Assert.Single(page.FindAll(".fault-mark"));
        Assert.Contains("✕ INVALID device 2, group 2 · by the reader of the queue", Words(page.Find(".recent-answers li")), StringComparison.Ordinal);
    }

    [Fact]
    public void Answer_OfAnUnknownCookie_IsForetoldAndRefusedWithTheReason()
    {
        Request(1);
        Do(new FaultRead { Fault = 3 });
        IRenderedComponent<Web.Components.Pages.Queues> page = Open();
        AngleSharp.Dom.IElement cookie = page.Find("[aria-label=Cookie]");
        Assert.Equal("1", cookie.GetAttribute("value"));
        cookie.Input("9");
        Assert.Contains("Would be refused, EINVAL: no group waits for an answer under cookie 9.", Form(page, "Answer page faults").TextContent, StringComparison.Ordinal);
        Form(page, "Answer page faults").Submit();
        page.WaitForAssertion(() => Assert.Contains("fault.cookie", page.Find(".answer [role=alert]").TextContent, StringComparison.Ordinal));
        Radio(page, "all listed that were read (1)").Change(true);
        Form(page, "Answer page faults").Submit();
        page.WaitForAssertion(() => Assert.Empty(page.FindAll(".fault-mark")));
    }

    [Fact]
    public void Detach_WithFaultsWaiting_SaysThatTheKernelAnsweredThem()
    {
        Request(2);
        IRenderedComponent<Web.Components.Pages.Queues> page = Open();
        Assert.Equal("The kernel answers 2 groups of it INVALID", Button(page, "Detach device 2").GetAttribute("title"));
        page.InvokeAsync(() => Button(page, "Close the file").Click());
        page.WaitForAssertion(() => Assert.Contains("Nothing was answered by it", page.Find(".outcome .done").TextContent, StringComparison.Ordinal));
        Assert.Empty(page.FindAll(".recent-answers"));
        Assert.Contains("EBADF", Form(page, "Answer page faults").TextContent, StringComparison.Ordinal);
        page.InvokeAsync(() => Button(page, "Detach device 2").Click());
        page.WaitForAssertion(() => Assert.Equal(2, page.FindAll(".recent-answers li").Count));
        Assert.Contains("by the kernel: the device was detached", page.Find(".recent-answers li").TextContent, StringComparison.Ordinal);
        page.WaitForAssertion(() => Assert.Null(Service<ShellState>().CountOf("queues")));
    }

    [Fact]
    public void Events_MoreThanTheDepth_ShowWhereTheyWereLost()
    {
        IRenderedComponent<Web.Components.Pages.Queues> page = Open();
        page.FindAll(".setup-lane .main-button")[1].Click();
        page.WaitForAssertion(() => Assert.Contains("Ready: IOAS 1, device 2, hw_pagetable 3, vIOMMU 4, vDEVICE 5, hw_pagetable 6, device 2 on 6, vEVENTQ 7", page.Markup, StringComparison.Ordinal));
        Raise(page, 6);
        page.WaitForAssertion(() => Assert.Equal(["nothing read yet", "#0 0x11", "#1 0x11", "#2 0x11", "#3 0x11", "✕ 2 lost #4–5 · header #5", "next is #6"], Tape(page)));
        Button(page, "Read the next event").Click();
        page.WaitForAssertion(() => Assert.Equal("read up to #0", Tape(page)[0]));
        Raise(page, 1);
        page.WaitForAssertion(() => Assert.Equal(["read up to #0", "#1 0x11", "#2 0x11", "#3 0x11", "✕ 2 lost #4–5", "#6 0x11", "next is #7"], Tape(page)));
        Assert.Equal(["#1", "–", "0x11", "device 2 · 0000:01:00.0", "11 00 00 00"], Row(page, "Events"));
        Assert.Equal(["4 of 4", "4", "–", "1", "2", "open"], page.FindAll("[aria-label=Queues] tbody td").Skip(2).Select(Words));
        Button(page, "Read all").Click();
        page.WaitForAssertion(() => Assert.Contains("No events wait", page.Markup, StringComparison.Ordinal));
    }

    [Fact]
    public void Url_NamesQueueFaultAndTable_AndShowsThemAgain()
    {
        Request(2);
        Do(new FaultAlloc());
        IRenderedComponent<Web.Components.Pages.Queues> page = Open("queue=3&fault=2&table=on&sel=object:3");
        Assert.Equal("fault queue 3", page.Find("[aria-label=Queues] tr.selected button").TextContent);
        Assert.StartsWith("not read", Words(page.Find(".fault-groups tbody.selected")), StringComparison.Ordinal);
        Assert.Contains("device 2 0000:01:00.0", Words(page.Find("[aria-label='The way into the queue and out of it']")), StringComparison.Ordinal);
        Assert.Equal("fault queue 3", Service<InspectorSelection>().Content!.Title);
        Button(page, "fault queue 5").Click();
        page.WaitForAssertion(() => Assert.Contains("No device is attached", page.Markup, StringComparison.Ordinal));
        Assert.EndsWith("/queues?sel=object%3A5&queue=5&table=on", Navigation.Uri, StringComparison.Ordinal);
        Service<InspectorSelection>().Clear();
        page.WaitForAssertion(() => Assert.EndsWith("/queues?queue=5&table=on", Navigation.Uri, StringComparison.Ordinal));
    }

    [Fact]
    public void Picture_ChoosingABox_SelectsItAndTheCountsStandOnTheLines()
    {
        Request(3);
        Do(new FaultRead { Fault = 3, Count = PageFault.RecordBytes });
        IRenderedComponent<Web.Components.Pages.Queues> page = Open();
        Assert.Equal(["3", "3", "2", "1 to answer"], page.FindAll(".flow-count").Select(count => count.TextContent));
        page.Find("g[aria-label='hw_pagetable 4, faults go to the queue']").Click();
        page.WaitForAssertion(() => Assert.Equal(new SelectionKey("hwpt", "4"), Service<InspectorSelection>().Key));
        page.Find("g[aria-label='device 2, 0000:01:00.0']").KeyDown("Enter");
        page.WaitForAssertion(() => Assert.Equal(new SelectionKey("device", FirstDevice), Service<InspectorSelection>().Key));
    }

    [Fact]
    public void Queue_NotThere_SaysSo()
    {
        Do(new FaultAlloc());
        Assert.Contains("has no queue 77", Open("queue=77").Markup, StringComparison.Ordinal);
        IRenderedComponent<Web.Components.Pages.Queues> other = Open("context=5");
        Assert.Contains("5, not open", other.Find("select").TextContent, StringComparison.Ordinal);
        Assert.Empty(other.FindAll(".queue-setup"));
    }

    [Fact]
    public void Device_ThatNobodyHears_IsForetoldAndAnsweredAtOnce()
    {
        Do(new DeviceBind { Address = FirstDevice });
        IRenderedComponent<Web.Components.Pages.Queues> page = Open();
        Assert.Contains("attached to nothing, so the kernel answers INVALID at once", Form(page, "Trigger a page request").TextContent, StringComparison.Ordinal);
        Assert.Contains("Would be refused, ENOENT", Form(page, "Raise events").TextContent, StringComparison.Ordinal);
        Form(page, "Trigger a page request").Submit();
        page.WaitForAssertion(() => Assert.Contains("at once: no queue could take it", page.Find(".recent-answers li").TextContent, StringComparison.Ordinal));
        Form(page, "Raise events").Submit();
        page.WaitForAssertion(() => Assert.Contains("test.viommu", page.Find(".queue-setup [role=alert]").TextContent, StringComparison.Ordinal));
    }

    /// <summary>Fault queue 3 of hw_pagetable 4, device 2 on it, and groups 1 … <paramref name="count"/> waiting.</summary>
    private void Request(uint count)
    {
        foreach (Command command in (Command[])[new IoasAlloc(), new DeviceBind { Address = FirstDevice }, new FaultAlloc(), new HwptAlloc { Device = 2, Pt = 1, Fault = 3 }, new DeviceAttach { Device = 2, Pt = 4 }])
            Do(command);
        for (uint group = 1; group <= count; group++)
            Do(new DevicePageRequest { Device = 2, Group = group, Address = 0x100_0000 + (group * Page) });
    }

    private static void Raise(IRenderedComponent<Web.Components.Pages.Queues> page, int count)
    {
        Form(page, "Raise events").QuerySelector("input")!.Change(count);
        Form(page, "Raise events").Submit();
    }

    private static string[] Tape(IRenderedComponent<Web.Components.Pages.Queues> page) => [.. page.FindAll(".tape li").Select(Words)];

    private static IElement Form(IRenderedComponent<Web.Components.Pages.Queues> page, string name) => page.Find($"form[aria-label='{name}']");

    private static IElement Button(IRenderedComponent<Web.Components.Pages.Queues> page, string text) => page.FindAll("button").Single(button => button.TextContent.Trim() == text);

    private static string[] Buttons(IRenderedComponent<Web.Components.Pages.Queues> page, string text) => [.. page.FindAll("button").Select(button => button.TextContent.Trim()).Where(found => found.StartsWith(text, StringComparison.Ordinal))];

    private static IElement Radio(IRenderedComponent<Web.Components.Pages.Queues> page, string label) => page.FindAll("label").Single(found => found.TextContent.Trim() == label).QuerySelector("input")!;

    private static string[] Row(IRenderedComponent<Web.Components.Pages.Queues> page, string table) => [.. page.Find($"table[aria-label='{table}'] tbody tr").Children.Select(Words)];

    private static string Words(IElement element) => string.Join(' ', element.TextContent.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private IRenderedComponent<Web.Components.Pages.Queues> Open(string query = "")
    {
        Navigation.NavigateTo($"/w/w1/queues?{query}");
        return Render<Web.Components.Pages.Queues>(parameters => parameters.Add(p => p.Id, "w1"));
    }
}
