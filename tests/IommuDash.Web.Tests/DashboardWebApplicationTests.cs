using System.Net;

using Microsoft.Extensions.Options;

namespace IommuDash.Web.Tests;

/// <summary>The real app on a real socket.</summary>
public sealed class DashboardWebApplicationTests
{
    [Fact]
    public async Task Health_AfterStart_IsHealthy()
    {
        await using DashboardWebApplication app = await StartAsync();
        using var client = Client(app);
        Assert.Equal("Healthy", await client.GetStringAsync("/health"));
    }

    [Fact]
    public async Task Answer_OfAnyKind_CarriesSecurityHeaders()
    {
        await using DashboardWebApplication app = await StartAsync();
        using var client = Client(app);
        foreach (string path in (string[])["/", "/health", "/js/page.js", "/no-such-page"])
        {
            using HttpResponseMessage answer = await client.GetAsync(path);
            string policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
            Assert.Contains("script-src 'self';", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe-eval", policy, StringComparison.Ordinal);
            Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
            Assert.False(answer.Headers.Contains("Server"));
        }
    }

    [Theory]
    [InlineData("/_framework/blazor.web.js")]
    [InlineData("/lib/plotly-basic.min.js")]
    [InlineData("/lib/signalr.min.js")]
    [InlineData("/css/tokens.css")]
    public async Task StaticFile_TheBuildMustBring_IsServed(string path)
    {
        await using DashboardWebApplication app = await StartAsync();
        using var client = Client(app);
        using HttpResponseMessage answer = await client.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.NotEmpty(await answer.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Page_Unknown_IsNotFoundWithWayBack()
    {
        await using DashboardWebApplication app = await StartAsync();
        using var client = Client(app);
        using HttpResponseMessage answer = await client.GetAsync("/no-such-page");
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Contains("Nothing here", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_FromForeignHostName_IsRefused()
    {
        await using DashboardWebApplication app = await StartAsync();
        using var client = Client(app);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.Host = "rebound.example";
        using HttpResponseMessage answer = await client.SendAsync(request);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task Requests_AboveTheRate_Are429WithTheOption()
    {
        await using DashboardWebApplication app = await StartAsync("--Dashboard:RequestsPerSecondPerClient=1");
        using var client = Client(app);
        HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => client.GetAsync("/health")));
        HttpResponseMessage limited = Assert.Single(answers.Where(answer => answer.StatusCode == HttpStatusCode.TooManyRequests).Take(1));
        Assert.Contains("Dashboard:RequestsPerSecondPerClient", await limited.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--iommudash-theme=dark", "system")]
    [InlineData("iommudash-theme=dark", "dark")]
    [InlineData("iommudash-theme=<b>", "system")]
    public async Task Page_ThemeCookie_IsInTheFirstHtml(string cookie, string theme)
    {
        await using DashboardWebApplication app = await StartAsync();
        using var client = Client(app);
        client.DefaultRequestHeaders.Add("Cookie", cookie);
        Assert.Contains($"data-theme=\"{theme}\"", await client.GetStringAsync("/"), StringComparison.Ordinal);
    }

    [Fact]
    public void Start_BadOption_SaysWhichAndItsBounds()
    {
        OptionsValidationException fault = Assert.Throws<OptionsValidationException>(static () => new DashboardWebApplication(["--Dashboard:MaxRequestBytes=5"]));
        Assert.Equal("Dashboard:MaxRequestBytes is 5; it must be 65536 to 67108864.", Assert.Single(fault.Failures));
    }

    private static async Task<DashboardWebApplication> StartAsync(params string[] args)
    {
        var app = new DashboardWebApplication(["--urls", "http://127.0.0.1:0", .. args]);
        await app.StartAsync();
        return app;
    }

    private static HttpClient Client(DashboardWebApplication app) => new() { BaseAddress = new Uri(app.Addresses.Single()) };
}
