using IommuDash.Web.Api;
using IommuDash.Web.Components;
using IommuDash.Web.Configuration;
using IommuDash.Web.Hubs;
using IommuDash.Web.Model;
using IommuDash.Web.Security;

using Microsoft.AspNetCore.Components.Server;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

using Radzen;

namespace IommuDash.Web;

/// <summary>
/// The whole web app, composed in one place so that tests start what users start.
/// Content and web root stand beside the assembly, where the build copies them: dotnet run, tests and a published app read the same files.
/// </summary>
public sealed class DashboardWebApplication : IAsyncDisposable
{
    private readonly WebApplication _app;

    /// <param name="args">Command line, as ASP.NET reads it: <c>--urls http://127.0.0.1:0 --Dashboard:MaxRequestBytes=…</c>.</param>
    /// <exception cref="OptionsValidationException">An option has a value it cannot have.</exception>
    public DashboardWebApplication(string[] args)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = args,
            ApplicationName = typeof(DashboardWebApplication).Assembly.GetName().Name,
            ContentRootPath = AppContext.BaseDirectory,
            WebRootPath = "wwwroot",
        });
        if (string.IsNullOrEmpty(builder.Configuration[WebHostDefaults.ServerUrlsKey]))
            builder.WebHost.UseUrls(DashboardOptions.DefaultUrl);
        // Where packages keep their static files before a publish has gathered them; does nothing after one.
        builder.WebHost.UseStaticWebAssets();
        AddServices(builder.Services, builder.Configuration);
        _app = builder.Build();
        UsePipeline(_app);
    }

    /// <summary>The addresses it listens on, real port numbers included; empty before the start.</summary>
    public IReadOnlyCollection<string> Addresses =>
        [.. _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? []];

    /// <summary>For tests that need to look inside.</summary>
    internal IServiceProvider Services => _app.Services;

    public Task StartAsync(CancellationToken cancellation = default) => _app.StartAsync(cancellation);

    public Task WaitForShutdownAsync(CancellationToken cancellation = default) => _app.WaitForShutdownAsync(cancellation);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static void AddServices(IServiceCollection services, ConfigurationManager configuration)
    {
        services.AddOptions<DashboardOptions>().Bind(configuration.GetSection(DashboardOptions.SectionName)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<DashboardOptions>, ValidateDashboardOptions>();
        services.AddOptions<KestrelServerOptions>().Configure<IOptions<DashboardOptions>>((kestrel, dashboard) =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = dashboard.Value.MaxRequestBytes;
        });
        services.AddOptions<HubOptions>().Configure<IOptions<DashboardOptions>>((hub, dashboard) => hub.MaximumReceiveMessageSize = dashboard.Value.MaxCircuitMessageBytes);
        services.AddOptions<CircuitOptions>().Configure<IOptions<DashboardOptions>>((circuit, dashboard) => circuit.DisconnectedCircuitMaxRetained = dashboard.Value.MaxDisconnectedCircuits);
        services.AddRequestRateLimit();
        services.AddHealthChecks();
        services.AddWorkspaces(configuration);
        services.AddWorkspaceHub(configuration);
        services.AddWorkspaceApi();
        services.AddRazorComponents().AddInteractiveServerComponents();
        services.AddRadzenComponents();
        services.AddScoped<ShellState>();
        services.AddScoped<InspectorSelection>();
        services.AddScoped<WorkspaceSession>();
        services.AddScoped<Shortcuts>();
        services.AddScoped<DisplayControl>();
    }

    private static void UsePipeline(WebApplication app)
    {
        app.UseSecurityHeaders();
        app.UseExceptionHandler(error => error.Run(context => context.Response.WriteAsync("IommuDash met an error of its own; the server's log has it.\n")));
        app.UseStatusCodePagesWithReExecute("/not-found", createScopeForStatusCodePages: true);
        app.UseApiProblems();
        app.UseRateLimiter();
        // Validated by ETag at each load, so that a rebuilt script never meets an old page.
        app.UseStaticFiles(new StaticFileOptions { OnPrepareResponse = static file => file.Context.Response.Headers[HeaderNames.CacheControl] = "no-cache" });
        app.UseSameOriginOnly();
        app.UseAntiforgery();
        app.MapWorkspaceApi();
        app.MapHub<WorkspaceHub>(WorkspaceHub.Path);
        app.MapOpenApi();
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode(
            // SecurityHeaders says who may frame the app; a second policy would only repeat it.
            static circuit => circuit.ContentSecurityFrameAncestorsPolicy = null);
    }
}
