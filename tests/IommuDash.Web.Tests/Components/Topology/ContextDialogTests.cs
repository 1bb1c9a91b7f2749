using Bunit;

using IommuDash.Web.Components.Topology;
using IommuDash.Web.Model;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Tests.Components.Topology;

public sealed class ContextDialogTests : ComponentTest
{
    private readonly List<Command> _ran = [];

    [Fact]
    public void Open_ForAProcess_RunsContextOpen()
    {
        IRenderedComponent<ContextDialog> dialog = Draw();
        dialog.Find("select").Change("200");
        Button(dialog, "Open context").Click();
        Assert.Equal(200, Assert.IsType<ContextOpen>(Assert.Single(_ran)).Pid);
    }

    [Fact]
    public void Close_AsksAndSaysWhatGoes_BeforeItRuns()
    {
        IRenderedComponent<ContextDialog> dialog = Draw();
        Button(dialog, "Close…").Click();
        Assert.Contains("Its 5 objects go with it", dialog.Markup, StringComparison.Ordinal);
        Assert.Empty(_ran);
        Button(dialog, "Keep it").Click();
        Button(dialog, "Close…").Click();
        Button(dialog, "Close context 1").Click();
        Assert.Equal(1, Assert.IsType<ContextClose>(Assert.Single(_ran)).Fd);
    }

    private IRenderedComponent<ContextDialog> Draw() => Render<ContextDialog>(parameters => parameters
        .Add(p => p.IsOpen, true)
        .Add(p => p.Contexts, [new ContextSummary(1, 100, "vmm", 5)])
        .Add(p => p.Processes, [new IoasProcess(100, "vmm", []), new IoasProcess(200, "lab", [])])
        .Add(p => p.OnRun, action => _ran.Add(action.Steps[0](null))));

    private static AngleSharp.Dom.IElement Button(IRenderedComponent<ContextDialog> dialog, string text) => dialog.FindAll("button").Single(button => button.TextContent.Trim() == text);
}
