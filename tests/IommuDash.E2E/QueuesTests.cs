using System.Text.RegularExpressions;

using Microsoft.Playwright;

namespace IommuDash.E2E;

public sealed class QueuesTests(DashboardFixture dashboard)
{
    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task PageFault_TriggeredAndAnsweredInOneBrowser_IsSeenInTheOther(ColorScheme scheme)
    {
        await using BrowserPage teacher = await dashboard.OpenAsync("/", scheme);
        await using BrowserPage pupil = await dashboard.OpenAsync("/", scheme);
        string id = await CreateAsync(teacher.Page);
        await teacher.GoToAsync($"/w/{id}/queues");
        await pupil.GoToAsync($"/w/{id}/topology");
        await teacher.PictureAsync($"queues-empty-{scheme}");
        await Button(teacher.Page, "Demonstrate a page fault").ClickAsync();
        await Assertions.Expect(teacher.Page.GetByText("Ready: IOAS 1, device 2, fault queue 3")).ToBeVisibleAsync();
        for (int i = 0; i < 2; i++)
        {
            await Button(teacher.Page, "Trigger a page request").ClickAsync();
            await Assertions.Expect(teacher.Page.Locator(".fault-mark")).ToHaveCountAsync(i + 1);
        }

        // Somebody on another page sees that faults wait, and goes there by its key.
        await Assertions.Expect(pupil.Page.GetByRole(AriaRole.Navigation).GetByRole(AriaRole.Link, new() { Name = "Queues" })).ToContainTextAsync("2");
        await pupil.Page.Keyboard.PressAsync("9");
        await Assertions.Expect(pupil.Page.Locator(".fault-mark.waiting")).ToHaveCountAsync(2);
        Assert.Empty(await pupil.AccessibilityFaultsAsync());

        await Button(teacher.Page, "Read all (2)").ClickAsync();
        await Assertions.Expect(pupil.Page.Locator(".fault-mark.read")).ToHaveCountAsync(2);
        await pupil.PictureAsync($"queues-read-{scheme}");
        await teacher.Page.GetByRole(AriaRole.Spinbutton, new() { Name = "Cookie" }).FillAsync("7");
        await Button(teacher.Page, "Write the answer").ClickAsync();
        await Assertions.Expect(teacher.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("fault.cookie");
        await teacher.PictureAsync($"queues-refused-{scheme}");
        Assert.Empty(await teacher.AccessibilityFaultsAsync());
        await teacher.Page.GetByRole(AriaRole.Table, new() { Name = "Page faults" }).GetByRole(AriaRole.Button, new() { Name = "unanswered" }).Nth(1).ClickAsync();
        await Assertions.Expect(teacher.Page).ToHaveURLAsync(new Regex("fault=2"));
        await Button(teacher.Page, "Write the answer").ClickAsync();
        await Assertions.Expect(pupil.Page.GetByRole(AriaRole.Log)).ToContainTextAsync("SUCCESS device 2, group 2 · by the reader of the queue");
        await Button(teacher.Page, "Detach device 2").ClickAsync();
        await Assertions.Expect(pupil.Page.GetByRole(AriaRole.Log)).ToContainTextAsync("INVALID device 2, group 1 · by the kernel: the device was detached");
        await Assertions.Expect(pupil.Page.Locator(".fault-mark")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Vevents_Overflowing_ShowTheGapLiveAndInTheTable()
    {
        await using BrowserPage teacher = await dashboard.OpenAsync();
        await using BrowserPage pupil = await dashboard.OpenAsync();
        string id = await CreateAsync(teacher.Page);
        await teacher.GoToAsync($"/w/{id}/queues");
        await Button(teacher.Page, "Do all 8").ClickAsync();
        await Assertions.Expect(teacher.Page.GetByText("vEVENTQ 7", new() { Exact = true }).First).ToBeVisibleAsync();
        await pupil.GoToAsync($"/w/{id}/queues");
        ILocator form = teacher.Page.GetByRole(AriaRole.Form, new() { Name = "Raise events" });
        await form.GetByRole(AriaRole.Spinbutton).FillAsync("6");
        await form.GetByRole(AriaRole.Spinbutton).PressAsync("Enter");
        await Assertions.Expect(pupil.Page.Locator(".tape-gap")).ToContainTextAsync("2 lost");
        await Button(teacher.Page, "Read the next event").ClickAsync();
        await Assertions.Expect(pupil.Page.Locator(".tape-event")).ToHaveCountAsync(3);
        await pupil.PictureAsync("queues-events");
        Assert.Empty(await pupil.AccessibilityFaultsAsync());
        await pupil.Page.Keyboard.PressAsync("t");
        await Assertions.Expect(pupil.Page.GetByRole(AriaRole.Table, new() { Name = "The way into the queue and out of it" })).ToBeVisibleAsync();
        await Assertions.Expect(pupil.Page.GetByRole(AriaRole.Table, new() { Name = "Events" })).ToContainTextAsync("header alone, flag LOST_EVENTS");
        Assert.Empty(await pupil.AccessibilityFaultsAsync());
    }

    private static ILocator Button(IPage page, string name) => page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    private static async Task<string> CreateAsync(IPage page)
    {
        IAPIResponse made = await page.APIRequest.PostAsync("/api/workspaces", new() { DataObject = new { preset = "kernel-selftest-mock" } });
        return (await made.JsonAsync())!.Value.GetProperty("id").GetString()!;
    }
}
