// Views by name, for clients that are not C#: the hub and the HTTP API find them here and speak JSON with them.
using System.Text.Json;

namespace IommuDash.Workspaces.Views;

/// <summary>A view that can be read by name.</summary>
public abstract class NamedView(string name)
{
    public string Name => name;

    public abstract Type QueryType { get; }

    public abstract Type SnapshotType { get; }

    /// <summary>Reads a query; on failure null, and <paramref name="problem"/> names the field.</summary>
    public object? ReadQuery(JsonElement json, out string problem) => StrictJson.Read(json, QueryType, $"query of {Name}", out problem);

    /// <param name="query">Of <see cref="QueryType"/>.</param>
    public abstract ValueTask<ViewSnapshot<object>> ReadAsync(Workspace workspace, object query, CancellationToken cancellation);
}

/// <summary>All views by name. To publish a view, add a line to <see cref="Default"/>.</summary>
public sealed class ViewCatalog
{
    private readonly SortedDictionary<string, NamedView> _views = new(StringComparer.Ordinal);

    /// <summary>The views of the dashboard.</summary>
    public static ViewCatalog Default { get; } = new ViewCatalog()
        .AddLog<EventsView, EventsQuery, EventsSnapshot>()
        .AddLog<CallsView, CallsQuery, CallsSnapshot>()
        .AddLog<CallView, CallQuery, CallSnapshot>()
        .Add<TopologyView, TopologyQuery, TopologySnapshot>()
        .Add<AttachTargetsView, AttachTargetsQuery, AttachTargetsSnapshot>()
        .Add<ObjectFactsView, ObjectFactsQuery, ObjectFactsSnapshot>()
        .Add<ObjectGraphView, ObjectGraphQuery, ObjectGraphSnapshot>()
        .Add<QueuesView, QueuesQuery, QueuesSnapshot>()
        .Add<FaultQueueView, FaultQueueQuery, FaultQueueSnapshot>()
        .Add<VeventqView, VeventqQuery, VeventqSnapshot>()
        .Add<QueueSetupView, QueueSetupQuery, QueueSetupSnapshot>()
        .Add<HostSummaryView, HostSummaryQuery, HostSummary>()
        .Add<DomainsView, DomainsQuery, DomainsSnapshot>()
        .Add<DomainAperturesView, AperturesQuery, AperturesSnapshot>()
        .Add<DomainAttachPreviewView, AttachPreviewQuery, AttachPreviewSnapshot>()
        .Add<PageTableView, PageTableQuery, PageTableSnapshot>()
        .Add<PageTableWalkView, WalkQuery, WalkSnapshot>()
        .Add<PageTableTreeView, PageTableTreeQuery, PageTableTreeSnapshot>()
        .Add<DirtyView, DirtyQuery, DirtySnapshot>()
        .Add<DirtyWordsView, DirtyWordsQuery, DirtyWordsSnapshot>()
        .Add<PinnedFramesView, PinnedFramesQuery, PinnedFramesSnapshot>()
        .Add<PinnedFrameView, PinnedFrameQuery, PinnedFrameSnapshot>()
        .Add<ProcessesView, ProcessesQuery, ProcessesSnapshot>()
        .Add<ProcessMemoryView, ProcessMemoryQuery, ProcessMemorySnapshot>()
        .Add<PinPreviewView, PinPreviewQuery, PinPreviewSnapshot>()
        .Add<IoasView, IoasQuery, IoasSnapshot>()
        .Add<IoasMapView, IoasMapQuery, IoasMapSnapshot>()
        .Add<IoasAreasView, IoasAreasQuery, IoasAreasSnapshot>()
        .Add<IoasAreaView, IoasAreaQuery, IoasAreaSnapshot>()
        .Add<IoasSharingView, IoasSharingQuery, IoasSharingSnapshot>()
        .Add<IoasAccessesView, IoasAccessesQuery, IoasAccessesSnapshot>()
        .Add<IoasTreeView, IoasTreeQuery, IoasTreeSnapshot>()
        .Add<IoasPreviewView, IoasPreviewQuery, IoasPreviewSnapshot>();

    /// <summary>By name.</summary>
    public IReadOnlyCollection<NamedView> All => _views.Values;

    public NamedView? Find(string name) => _views.GetValueOrDefault(name);

    /// <exception cref="ArgumentException">Two views have one name.</exception>
    public ViewCatalog Add<TView, TQuery, TSnapshot>()
        where TView : IView<TQuery, TSnapshot>
        where TQuery : notnull
        where TSnapshot : class
    {
        _views.Add(TView.Name, new NamedHostView<TView, TQuery, TSnapshot>());
        return this;
    }

    /// <exception cref="ArgumentException">Two views have one name.</exception>
    public ViewCatalog AddLog<TView, TQuery, TSnapshot>()
        where TView : ILogView<TQuery, TSnapshot>
        where TQuery : notnull
        where TSnapshot : class
    {
        _views.Add(TView.Name, new NamedLogView<TView, TQuery, TSnapshot>());
        return this;
    }

    private sealed class NamedLogView<TView, TQuery, TSnapshot>() : NamedView(TView.Name)
        where TView : ILogView<TQuery, TSnapshot>
        where TQuery : notnull
        where TSnapshot : class
    {
        public override Type QueryType => typeof(TQuery);

        public override Type SnapshotType => typeof(TSnapshot);

        public override async ValueTask<ViewSnapshot<object>> ReadAsync(Workspace workspace, object query, CancellationToken cancellation)
        {
            ViewSnapshot<TSnapshot> snapshot = await workspace.ReadLogAsync<TView, TQuery, TSnapshot>((TQuery)query, cancellation).ConfigureAwait(false);
            return new(snapshot.Version, snapshot.Data);
        }
    }

    private sealed class NamedHostView<TView, TQuery, TSnapshot>() : NamedView(TView.Name)
        where TView : IView<TQuery, TSnapshot>
        where TQuery : notnull
        where TSnapshot : class
    {
        public override Type QueryType => typeof(TQuery);

        public override Type SnapshotType => typeof(TSnapshot);

        public override async ValueTask<ViewSnapshot<object>> ReadAsync(Workspace workspace, object query, CancellationToken cancellation)
        {
            ViewSnapshot<TSnapshot> snapshot = await workspace.ReadAsync<TView, TQuery, TSnapshot>((TQuery)query, cancellation).ConfigureAwait(false);
            return new(snapshot.Version, snapshot.Data);
        }
    }
}
