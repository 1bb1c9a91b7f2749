using IommuDash.Web.Components.Pinned;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Tests.Components.Pinned;

public sealed class PinnedPageStateTests
{
    public static TheoryData<PinnedPageState> States => new(
        new PinnedPageState(),
        new PinnedPageState { Context = 2, Window = new FrameWindow(1 << 20, 9), Frame = 77, Table = true, Pid = 5 },
        new PinnedPageState { Tab = PinnedTab.Process, Pid = 5, FirstMapping = 500, Ioas = 3, Plan = new FitPlan(0x7f00_0000_0000, 0x1000, false) },
        new PinnedPageState { Tab = PinnedTab.Frames, Pid = 5 },
        new PinnedPageState { Tab = PinnedTab.Process });

    [Theory]
    [MemberData(nameof(States))]
    public void Url_OfAnyState_ReadsBackAsTheSame(PinnedPageState state) => Assert.Equal(state, Parse(state.Url("w")));

    [Fact]
    public void Parse_LinkToAProcess_OpensIt()
    {
        PinnedPageState state = Parse("/w/a/pages?sel=process:4711");
        Assert.Equal((4711, PinnedTab.Process), (state.Pid, state.Tab));
    }

    [Theory]
    [InlineData("?sel=frame:zz&first=-1&zoom=3&pid=x&mapping=-4&address=q")]
    [InlineData("?sel=frame:0xffffffffffffffff&first=0xffffffffffffffff&zoom=1")]
    public void Parse_Rubbish_CountsAsNotSaid(string query) => Assert.Equal(new PinnedPageState(), Parse("/w/a/pages" + query));

    [Theory]
    [InlineData(0, 0, 0, 0)]
    [InlineData(130, 140, 128, 0)]
    [InlineData(0, 8_191, 0, 0)]
    [InlineData(0, 8_192, 0, 1)]
    [InlineData(0, 4_194_303, 0, 9)]
    public void Around_Frames_IsTheSmallestWindowThatHoldsThem(long first, long last, long start, int shift) =>
        Assert.Equal(new FrameWindow(start, shift), FrameWindow.Around(first, last));

    [Fact]
    public void Whole_LargestMachine_StopsAtTheLargestScale() => Assert.InRange(FrameWindow.Whole(uint.MaxValue).Shift, 1, PinnedFramesView.MaxShift);

    private static PinnedPageState Parse(string url) => PinnedPageState.Parse(new Uri(new Uri("http://localhost"), url));
}
