using IommuDash.Engine;
using IommuDash.Web.Model;

namespace IommuDash.Web.Tests.Model;

public sealed class PageStateTests
{
    [Fact]
    public void Topology_AllSet_IsInTheUrl() =>
        Assert.Equal("/w/w1/topology?context=2&sel=device%3A0000%3A01%3A00.0&filter=group%3A3&closed=unit%3Admar0",
            new TopologyState(2, new SelectionKey("device", "0000:01:00.0"), "group:3", "unit:dmar0").ToUrl("w1"));

    [Fact]
    public void Topology_AsOpened_HasAPlainUrl() => Assert.Equal("/w/w1/topology", new TopologyState().ToUrl("w1"));

    [Fact]
    public void Topology_RowToggledTwice_IsAsBefore()
    {
        TopologyState closed = new TopologyState().Toggle("group:1").Toggle("group:2");
        Assert.Equal("group:1 group:2", closed.Closed);
        Assert.Equal(new TopologyState(Closed: "group:2"), closed.Toggle("group:1"));
    }

    [Fact]
    public void Events_AllSet_IsInTheUrlAndInTheQuery()
    {
        var state = new EventsState(EngineEventKind.AreaMapped, 5, Errno.EEXIST, true, "map", 100, 42);
        Assert.Equal("/w/w1/events?kind=AreaMapped&object=5&errno=EEXIST&refused=1&text=map&upto=100&sel=event%3A42", state.ToUrl("w1"));
        var query = state.Query(skip: 30, count: 20);
        Assert.Equal((EngineEventKind.AreaMapped, 5u, Errno.EEXIST, true, "map", 100L, 30, 20), (query.Kind, query.Object, query.Errno, query.RefusedOnly, query.Text, query.UpTo, query.Skip, query.Count));
        Assert.Equal("/w/w1/events?upto=100&sel=event%3A42", state.WithoutFilter().ToUrl("w1"));
    }

    [Theory]
    [InlineData(-5, "now")]
    [InlineData(0.4, "now")]
    [InlineData(59.9, "59 s ago")]
    [InlineData(60, "1 min ago")]
    [InlineData(7_199, "1 h ago")]
    [InlineData(200_000, "2 d ago")]
    public void RelativeTime_Seconds_AreInTheLargestUnitThatFits(double seconds, string text) => Assert.Equal(text, RelativeTime.Text(TimeSpan.FromSeconds(seconds)));
}
