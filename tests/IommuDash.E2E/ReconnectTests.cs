using Microsoft.Playwright;

namespace IommuDash.E2E;

/// <summary>With a server of its own, since it loses it.</summary>
public sealed class ReconnectTests(DashboardFixture dashboard)
{
    [Fact]
    public async Task Lamp_ServerGone_SaysReconnecting()
    {
        DashboardServer server = await DashboardServer.StartAsync();
        await using (server)
        {
            await using BrowserPage tab = await dashboard.OpenAsync(new Uri(server.Address, "/").ToString());
            tab.ExpectComplaints();
            await server.DisposeAsync();
            await Assertions.Expect(tab.Page.Locator("[data-lamp]")).ToHaveTextAsync("reconnecting", new LocatorAssertionsToHaveTextOptions { UseInnerText = true });
            await Assertions.Expect(tab.Page.Locator("#components-reconnect-modal")).ToBeVisibleAsync();
            await tab.PictureAsync("reconnecting");
        }
    }
}
