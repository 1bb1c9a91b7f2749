using Microsoft.Playwright;

namespace IommuDash.E2E;

public sealed class RealProgramTests(DashboardFixture dashboard)
{
    [Fact]
    public async Task Program_OnAWorkspace_IsSeenStepByStepAsItRuns()
    {
        await using BrowserPage tab = await dashboard.OpenAsync();
        IPage page = tab.Page;
        IAPIResponse made = await page.APIRequest.PostAsync("/api/workspaces", new() { DataObject = new { preset = "kernel-selftest-mock", level = "6.12" } });
        string id = (await made.JsonAsync())!.Value.GetProperty("id").GetString()!;
        await tab.GoToAsync($"/w/{id}/topology");
        ILocator inspector = page.GetByRole(AriaRole.Complementary);
        await Assertions.Expect(inspector).ToContainTextAsync("Linux 6.12");
        await Assertions.Expect(inspector.GetByRole(AriaRole.Button, new() { Name = "Copy the command" })).ToHaveAttributeAsync("data-copy", new System.Text.RegularExpressions.Regex($"--workspace {id} "));

        using RealProgram program = RealProgram.Start(dashboard.Address, id);
        await program.DoAsync("open");
        ILocator contexts = page.GetByRole(AriaRole.Combobox, new() { Name = "Context" });
        await Assertions.Expect(contexts.GetByRole(AriaRole.Option, new() { Name = "2 · steps" })).ToHaveCountAsync(1);
        await contexts.SelectOptionAsync("2");
        await program.DoAsync("alloc");
        await program.DoAsync("mock 1");
        await Assertions.Expect(page.GetByText("IOAS 1", new() { Exact = true })).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("iommufd_mock0").First).ToBeVisibleAsync();
        await tab.PictureAsync("program-topology");

        await tab.GoToAsync($"/w/{id}/ioas?context=2");
        await program.DoAsync("map 1 32");
        ILocator row = page.GetByRole(AriaRole.Table).GetByRole(AriaRole.Row).Filter(new() { HasText = "128 KiB" });
        await Assertions.Expect(row).ToHaveCountAsync(1);
        await tab.PictureAsync("program-ioas");
        await program.DoAsync("unmap 1");
        await Assertions.Expect(row).ToHaveCountAsync(0);

        await tab.GoToAsync($"/w/{id}/objects?context=2");
        await Assertions.Expect(page.Locator("g[role=button][aria-label^='mock device 2,']")).ToBeVisibleAsync();
        IAPIResponse closing = await page.APIRequest.PostAsync($"/api/workspaces/{id}/commands", new() { DataObject = new { op = "context.close", fd = 2 } });
        Assert.Equal("context.program", (await closing.JsonAsync())!.Value.GetProperty("rule").GetString());
        await program.ExitAsync();
        await Assertions.Expect(page.GetByText("Context 2 is not open.")).ToBeVisibleAsync();
        await inspector.GetByRole(AriaRole.Button, new() { Name = "Undo the last command" }).ClickAsync();
        await Assertions.Expect(page.Locator("g[role=button][aria-label^='mock device 2,']")).ToBeVisibleAsync();
    }
}
