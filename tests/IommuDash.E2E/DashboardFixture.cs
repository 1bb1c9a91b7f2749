using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(IommuDash.E2E.DashboardFixture))]
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace IommuDash.E2E;

/// <summary>One server and one Chromium for all tests; each test opens browser contexts of its own, which are separate users.</summary>
public sealed class DashboardFixture : IAsyncLifetime
{
    private DashboardServer? _server;
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public Uri Address => _server!.Address;

    public async ValueTask InitializeAsync()
    {
        // A busy machine is slow, not broken.
        Assertions.SetDefaultExpectTimeout(20_000);
        _server = await DashboardServer.StartAsync();
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            // The distribution's browser: Playwright's own download is not needed.
            ExecutablePath = Environment.GetEnvironmentVariable("CHROMIUM") ?? "/usr/bin/chromium",
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
    }

    /// <summary>A new user's page at 1280 × 800. <see cref="BrowserPage"/> fails the test if the browser complained meanwhile.</summary>
    public async Task<BrowserPage> OpenAsync(string path = "/", ColorScheme scheme = ColorScheme.Light)
    {
        IBrowserContext context = await _browser!.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = Address.ToString(),
            ColorScheme = scheme,
            ViewportSize = new ViewportSize { Width = 1280, Height = 800 },
        });
        var page = new BrowserPage(context, await context.NewPageAsync());
        await page.GoToAsync(path);
        return page;
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
        if (_server is not null)
            await _server.DisposeAsync();
    }
}
