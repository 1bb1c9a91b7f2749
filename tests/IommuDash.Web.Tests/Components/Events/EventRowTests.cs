using Bunit;

using IommuDash.Engine;
using IommuDash.Web.Components.Events;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Tests.Components.Events;

public sealed class EventRowTests : ComponentTest
{
    private static readonly DateTimeOffset Time = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Row_OfAMap_LeadsToTheAreaAndSaysHowLongAgo()
    {
        IRenderedComponent<EventRow> row = Draw(Item(EngineEventKind.AreaMapped) with { Object = 2, Range = new IovaRange(0x1000, 0x1fff) });
        Assert.Equal("/w/w1/ioas?sel=area%3A2%2F0x1000", row.Find("a").GetAttribute("href"));
        Assert.Contains("12:00:00.000 42 s ago", Words(row), StringComparison.Ordinal);
        Assert.Equal("2026-01-01T12:00:00.0000000+00:00, 42 s ago", row.Find("time").GetAttribute("title"));
        Assert.Equal("IOAS 2: area mapped, 0x1000 – 0x1fff", row.Find(".event-what").GetAttribute("title"));
    }

    [Fact]
    public void Row_OfAnotherContext_LeadsToItsOwnArea()
    {
        IRenderedComponent<EventRow> row = Draw(Item(EngineEventKind.AreaMapped) with { Context = 2, Object = 2, Range = new IovaRange(0x1000, 0x1fff) });
        Assert.Equal("/w/w1/ioas?sel=area%3A2%2F0x1000&context=2", row.Find("a").GetAttribute("href"));
    }

    [Fact]
    public void Row_OfARefusal_NamesTheErrnoAndTheReason()
    {
        IRenderedComponent<EventRow> row = Draw(Item(EngineEventKind.None) with { Errno = Errno.EBUSY, Rule = "destroy.users", Reason = "IOAS 1 is used by 3.", Objects = [3] });
        Assert.Contains("EBUSY 16", Words(row), StringComparison.Ordinal);
        Assert.Equal("IOAS 1 is used by 3.", row.Find("a").TextContent);
        Assert.Equal("/w/w1/objects?sel=object%3A3", row.Find("a").GetAttribute("href"));
    }

    [Fact]
    public void Row_ClickedAnywhereButOnALink_IsSelected()
    {
        List<EventItem> chosen = [];
        IRenderedComponent<EventRow> row = Render<EventRow>(parameters => parameters.Add(p => p.Item, Item(EngineEventKind.AreaMapped) with { Object = 2, Range = new IovaRange(0x1000, 0x1fff) }).Add(p => p.Workspace, "w1").Add(p => p.OnSelect, chosen.Add));
        row.FindAll("td")[3].Click();
        row.Find("button[aria-pressed]").Click();
        Assert.Equal([7L, 7L], chosen.Select(item => item.Sequence));
        Assert.Throws<MissingEventHandlerException>(() => row.Find("a").Click());
        Assert.Throws<MissingEventHandlerException>(() => row.Find(".range button").Click());
        Assert.Equal(2, chosen.Count);
    }

    [Fact]
    public void Row_OfSomethingThatIsGone_LeadsNowhere()
    {
        IRenderedComponent<EventRow> row = Draw(Item(EngineEventKind.ObjectDestroyed) with { Object = 4, Other = 4 });
        Assert.Empty(row.FindAll("a"));
        Assert.Contains("IOAS 4 destroyed", Words(row), StringComparison.Ordinal);
    }

    private IRenderedComponent<EventRow> Draw(EventItem item) => Render<EventRow>(parameters => parameters.Add(p => p.Item, item).Add(p => p.Workspace, "w1").Add(p => p.Now, Time.AddSeconds(42)));

    private static string Words(IRenderedComponent<EventRow> row) => string.Join(' ', row.Find("tr").TextContent.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static EventItem Item(EngineEventKind kind) =>
        new() { Sequence = 7, Time = Time, Version = 5, Source = "api", Op = "ioas.map", Kind = kind, Context = 1, Object = 1, Other = 0, Value = 0 };
}
