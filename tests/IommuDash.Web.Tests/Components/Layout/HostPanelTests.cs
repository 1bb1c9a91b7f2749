using Bunit;

using IommuDash.Web.Components.Layout;
using IommuDash.Web.Model;
using IommuDash.Workspaces.Commands;

using Microsoft.AspNetCore.Components;

namespace IommuDash.Web.Tests.Components.Layout;

public sealed class HostPanelTests : WorkspacePageTest
{
    [Fact]
    public async Task Inspector_NothingSelected_ShowsTheHostAndItsLastCommands()
    {
        IRenderedComponent<Inspector> inspector = await OpenAsync<Inspector>();
        Assert.Contains("dmar0", inspector.Find("dl").TextContent, StringComparison.Ordinal);

        Do(new IoasAlloc());
        inspector.WaitForAssertion(() => Assert.Contains("ioas.alloc", inspector.Find("ol[aria-label='Last commands'] li").TextContent, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Undo_LastCommand_TakesItBackAndShowsIt()
    {
        IRenderedComponent<HostPanel> panel = await OpenAsync<HostPanel>();
        Do(new IoasAlloc());
        panel.WaitForAssertion(() => Assert.Contains("ioas.alloc", panel.Markup, StringComparison.Ordinal));

        panel.Find("button").Click();

        panel.WaitForAssertion(() => Assert.DoesNotContain("ioas.alloc", panel.Markup, StringComparison.Ordinal));
        Assert.Equal(1u, Do(new IoasAlloc()).Ioas);
    }

    [Fact]
    public async Task Undo_NothingLeft_SaysWhy()
    {
        IRenderedComponent<HostPanel> panel = await OpenAsync<HostPanel>();

        panel.Find("button").Click();

        panel.WaitForAssertion(() => Assert.Contains("There is nothing to undo.", panel.Markup, StringComparison.Ordinal));
    }

    // As a page does it: on the circuit's thread, where the session then tells its listeners.
    private async Task<IRenderedComponent<T>> OpenAsync<T>()
        where T : IComponent
    {
        IRenderedComponent<T> rendered = Render<T>();
        await rendered.InvokeAsync(() => Assert.True(Service<WorkspaceSession>().Open("w1")));
        rendered.WaitForElement("dl");
        return rendered;
    }
}
