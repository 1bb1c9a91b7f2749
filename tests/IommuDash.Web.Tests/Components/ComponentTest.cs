using Bunit;

using IommuDash.Engine;
using IommuDash.Web.Model;
using IommuDash.Workspaces;

using Microsoft.Extensions.DependencyInjection;

using Radzen;

namespace IommuDash.Web.Tests.Components;

/// <summary>A bUnit context with the services of a circuit; the browser's script answers everything with nothing.</summary>
public abstract class ComponentTest : BunitContext
{
    protected ComponentTest()
    {
        JSInterop.Mode = JSRuntimeMode.Loose;
        Services.AddLogging();
        Services.AddRadzenComponents();
        Services.AddSingleton(static _ => new WorkspaceRegistry(new WorkspaceOptions(), new EngineLimits(), TimeProvider.System, static () => "w1"));
        Services.AddScoped<WorkspaceSession>();
        Services.AddScoped<ShellState>();
        Services.AddScoped<InspectorSelection>();
        Services.AddScoped<Shortcuts>();
        Services.AddScoped<DisplayControl>();
        Services.AddSingleton(new WorkspaceRegistry(new WorkspaceOptions(), new EngineLimits(), TimeProvider.System, WorkspaceId.Random));
        Services.AddScoped<WorkspaceSession>();
    }

    protected T Service<T>()
        where T : notnull => Services.GetRequiredService<T>();
}
