using Bunit;

using IommuDash.Web.Components.Hosts;
using IommuDash.Web.Model;

namespace IommuDash.Web.Tests.Components.Hosts;

public sealed class WorkspaceWatchersTests : WorkspacePageTest
{
    [Fact]
    public void Row_WhileATabOpensAndLeavesTheHost_CountsIt()
    {
        SetRendererInfo(new Microsoft.AspNetCore.Components.RendererInfo("Server", isInteractive: true));
        IRenderedComponent<WorkspaceRow> row = Render<WorkspaceRow>(parameters => parameters.Add(p => p.Workspace, Workspace));
        WorkspaceSession session = Service<WorkspaceSession>();
        Assert.True(session.Open(Workspace.Id));
        Assert.Equal(1, Workspace.Watchers.Count);
        row.WaitForAssertion(() => Assert.Equal("1", row.Find(".watchers").TextContent.Trim()));
        Assert.True(session.Open(Workspace.Id));
        Assert.Equal(1, Workspace.Watchers.Count);
        session.Leave();
        row.WaitForAssertion(() => Assert.Equal("0", row.Find(".watchers").TextContent.Trim()));
    }
}
