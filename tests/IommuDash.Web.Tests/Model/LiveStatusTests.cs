using IommuDash.Web.Model;

namespace IommuDash.Web.Tests.Model;

public sealed class LiveStatusTests
{
    [Theory]
    [InlineData(LiveState.Live, false, "live · v18,204 · 42 ms")]
    [InlineData(LiveState.Live, true, "paused · v18,204")]
    [InlineData(LiveState.CatchingUp, true, "catching up")]
    [InlineData(LiveState.Reconnecting, false, "reconnecting")]
    [InlineData(LiveState.Idle, false, "no host open")]
    public void Text_OfEachState_SaysIt(LiveState state, bool paused, string text) => Assert.Equal(text, new LiveStatus(state, 18_204, 42).Text(paused));
}
