using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;

using Microsoft.Playwright;

namespace IommuDash.E2E;

/// <summary>One user's tab. At its end no script error and no refused resource may be in the console: that is how a hole in the content security policy shows.</summary>
public sealed class BrowserPage : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly List<string> _complaints = [];
    private bool _complaintsExpected;

    public BrowserPage(IBrowserContext context, IPage page)
    {
        _context = context;
        Page = page;
        page.PageError += (_, error) => _complaints.Add(error);
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
                _complaints.Add(message.Text);
        };
    }

    public IPage Page { get; }

    /// <summary>Opens a path and waits until the page is interactive.</summary>
    public async Task GoToAsync(string path)
    {
        await Page.GotoAsync(path);
        await Page.Locator("[data-interactive]").WaitForAsync(new LocatorWaitForOptions { State = WaitForSelectorState.Attached });
    }

    /// <summary>For a test that takes the server away.</summary>
    public void ExpectComplaints() => _complaintsExpected = true;

    /// <summary>What axe finds wrong, one line each; empty is what a test asks for.</summary>
    public async Task<IReadOnlyList<string>> AccessibilityFaultsAsync()
    {
        AxeResult result = await Page.RunAxe();
        return [.. result.Violations.SelectMany(rule => rule.Nodes.Select(node => $"{rule.Id}: {node.Html}"))];
    }

    /// <summary>Saves a picture where the environment variable SCREENSHOTS names a folder; does nothing without it.</summary>
    public async Task PictureAsync(string name)
    {
        if (Environment.GetEnvironmentVariable("SCREENSHOTS") is { Length: > 0 } folder)
            await Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, name + ".png") });
    }

    public async ValueTask DisposeAsync()
    {
        await _context.DisposeAsync();
        if (!_complaintsExpected)
            Assert.Empty(_complaints);
    }
}
