using AngleSharp.Dom;

using Bunit;

using IommuDash.Engine;
using IommuDash.Web.Components.Topology;
using IommuDash.Web.Model;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Tests.Components.Topology;

public sealed class TargetRowTests : ComponentTest
{
    private static readonly ChosenDevice Unbound = new("0000:01:00.0", "Card", null, null);
    private static readonly Refusal InUse = new(Errno.EADDRINUSE, "reserve.inuse", "an area is in the way");

    [Fact]
    public void Target_ThatWouldTakeTheDevice_OffersTheCallAndSaysWhatItMakes()
    {
        TopologyAction? ran = null;
        IRenderedComponent<TargetRow> row = Draw(new TargetPreview(AttachCall.BindAndAttach, null, null, true), action => ran = action);
        Assert.Contains("makes a new hw_pagetable", row.Find("li").TextContent, StringComparison.Ordinal);
        Button(row, "Bind and attach to IOAS 1").Click();
        Assert.Equal(2, ran!.Steps.Count);
        Assert.Equal(new DeviceBind { Address = "0000:01:00.0" }, ran.Steps[0](null));
        var bound = new CommandAnswer { Outputs = new CommandOutputs { Device = 9 } };
        Assert.Equal(new DeviceAttach { Device = 9, Pt = 1 }, ran.Steps[1](bound));
    }

    [Fact]
    public void Target_ThatWouldRefuse_SaysWhyBeforeItIsTriedAndCanBeTried()
    {
        TopologyAction? ran = null;
        IRenderedComponent<TargetRow> row = Draw(new TargetPreview(AttachCall.BindAndAttach, InUse, null, false), action => ran = action);
        Assert.Contains("EADDRINUSE", row.Find("li").TextContent, StringComparison.Ordinal);
        Assert.Contains("an area is in the way", row.Find("li").TextContent, StringComparison.Ordinal);
        Button(row, "Bind and attach to IOAS 1").Click();
        Assert.NotNull(ran);
    }

    [Fact]
    public void Target_WhereTheDeviceIs_OffersNothing()
    {
        IRenderedComponent<TargetRow> row = Draw(new TargetPreview(AttachCall.None, null, 3, false), _ => { });
        Assert.Contains("it is here", row.Find("li").TextContent, StringComparison.Ordinal);
        Assert.Single(row.FindAll("button"));
    }

    [Fact]
    public void Target_WhileDraggedOver_SaysItsAnswerWithoutGrowing()
    {
        IRenderedComponent<TargetRow> row = Render<TargetRow>(parameters => parameters
            .Add(p => p.Target, Ioas(new TargetPreview(AttachCall.BindAndAttach, InUse, null, false)))
            .Add(p => p.Device, Unbound).Add(p => p.Context, 1).Add(p => p.IsDragging, true).Add(p => p.IsStill, true));
        Assert.Contains("would-refuse", row.Find("li").ClassList);
        Assert.DoesNotContain("in the way", row.Find("li").TextContent, StringComparison.Ordinal);
    }

    private IRenderedComponent<TargetRow> Draw(TargetPreview preview, Action<TopologyAction> onRun) => Render<TargetRow>(parameters => parameters
        .Add(p => p.Target, Ioas(preview)).Add(p => p.Device, Unbound).Add(p => p.Context, 1).Add(p => p.OnRun, onRun));

    private static AttachTarget Ioas(TargetPreview preview) => new("ioas:1", 1, 1, 0, null, [], 0, preview);

    private static IElement Button(IRenderedComponent<TargetRow> row, string text) => row.FindAll("button").Single(button => button.TextContent.Trim() == text);
}
