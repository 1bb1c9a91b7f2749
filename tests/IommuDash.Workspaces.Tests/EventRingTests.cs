using IommuDash.Engine;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests;

public sealed class EventRingTests
{
    [Theory]
    [InlineData(16, 10)]
    [InlineData(16, 16)]
    [InlineData(1_000, 999)]
    [InlineData(1_000, 4_321)]
    public void Ring_AfterManyEvents_KeepsTheNewestAndCountsTheLost(int capacity, int events)
    {
        EventRing ring = Filled(capacity, events);
        Assert.Equal(events, ring.LastSequence);
        Assert.Equal(Math.Max(0, events - capacity), ring.Lost);
        for (long sequence = ring.FirstSequence; sequence <= ring.LastSequence; sequence++)
            Assert.Equal((sequence, (ulong)sequence), (ring[sequence].Sequence, ring[sequence].Event.Value));
        Assert.Throws<ArgumentOutOfRangeException>(() => ring[ring.LastSequence + 1].Sequence);
    }

    [Fact]
    public void Raise_IntoAFullRing_AllocatesNothing()
    {
        EventRing ring = Filled(256, 256);
        var raised = new EngineEvent(EngineEventKind.AreaMapped, 1, 2, 0, new IovaRange(0, 1), 3);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++)
            ring.Raise(raised);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Window_UpToASequence_ShowsWhatWasKeptAndSaysWhatWasLost()
    {
        EventRing ring = Filled(100, 250);
        EventsSnapshot window = EventsView.Project(ring, new EventsQuery { UpTo = 200, Count = 3 });
        Assert.Equal([200, 199, 198], window.Items.Select(i => i.Sequence));
        Assert.Equal((50, 150L, 151L, 250L), (window.Matching, window.Lost, window.FirstSequence, window.LastSequence));
        Assert.Empty(EventsView.Project(ring, new EventsQuery { UpTo = 150 }).Items);
    }

    [Fact]
    public void Filters_OfEachKind_SelectTheirEvents()
    {
        var ring = new EventRing(100);
        ring.Begin(default, 1, "page", "ioas.map");
        ring.Raise(new EngineEvent(EngineEventKind.AreaMapped, 1, 5, 0, new IovaRange(0, 0xfff), 0));
        ring.Raise(new EngineEvent(EngineEventKind.PagesPinned, 1, 5, 0, default, 1));
        ring.Begin(default, 2, "api", "device.attach");
        ring.Raise(new EngineEvent(EngineEventKind.DeviceAttached, 2, 6, 5, default, 0));
        ring.Begin(default, 3, "api", "ioas.map");
        ring.AddRefusal(new Refusal(Errno.EEXIST, "map.fixed.area", "In the way."));
        Assert.Equal([1], Sequences(new EventsQuery { Kind = EngineEventKind.AreaMapped }));
        Assert.Equal([3, 1], Sequences(new EventsQuery { Object = 5 }));
        Assert.Equal([1], Sequences(new EventsQuery { Ioas = 5 }));
        Assert.Equal([3], Sequences(new EventsQuery { Context = 2 }));
        Assert.Equal([4], Sequences(new EventsQuery { Errno = Errno.EEXIST }));
        Assert.Equal([4], Sequences(new EventsQuery { RefusedOnly = true }));
        Assert.Equal([4, 2, 1], Sequences(new EventsQuery { Text = "IOAS.map" }));
        Assert.Equal([4], Sequences(new EventsQuery { Text = "in the way" }));
        Assert.Equal([2], Sequences(new EventsQuery { Text = "IOAS.map", Skip = 1, Count = 1 }));
        Assert.Empty(Sequences(new EventsQuery { Text = "IOAS.map", Skip = 3 }));

        IEnumerable<long> Sequences(EventsQuery query) => EventsView.Project(ring, query).Items.Select(i => i.Sequence);
    }

    private static EventRing Filled(int capacity, int events)
    {
        var ring = new EventRing(capacity);
        for (int i = 1; i <= events; i++)
            ring.Raise(new EngineEvent(EngineEventKind.LimitChanged, 0, 0, 0, default, (ulong)i));
        return ring;
    }
}
