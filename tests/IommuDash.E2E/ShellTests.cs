using Microsoft.Playwright;

namespace IommuDash.E2E;

public sealed class ShellTests(DashboardFixture dashboard)
{
    [Fact]
    public async Task Hosts_Opened_BecomesInteractive()
    {
        await using BrowserPage tab = await dashboard.OpenAsync();
        await Assertions.Expect(tab.Page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = "Hosts", Level = 1 })).ToBeVisibleAsync();
    }

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Hosts_InEitherTheme_HasNoAccessibilityFaults(ColorScheme scheme)
    {
        await using BrowserPage tab = await dashboard.OpenAsync("/", scheme);
        Assert.Empty(await tab.AccessibilityFaultsAsync());
    }
}
