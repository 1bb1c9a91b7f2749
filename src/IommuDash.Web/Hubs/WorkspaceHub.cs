// The live door for scripts and other programs; docs/hub.md has the protocol. Every failure a client can cause is a HubException with a sentence.
using System.Collections.Concurrent;
using System.Text.Json;

using IommuDash.Workspaces;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Options;

namespace IommuDash.Web.Hubs;

public sealed class WorkspaceHub(
    WorkspaceRegistry registry,
    ViewCatalog catalog,
    IHubContext<WorkspaceHub> hub,
    IOptions<WorkspaceHubOptions> options,
    IOptions<WorkspaceOptions> workspaceOptions,
    TimeProvider time,
    ILogger<WorkspaceHub> log) : Hub
{
    public const string Path = "/hubs/workspace";

    /// <summary>Query parameter of the connection: a page's pictures say <see cref="PageClient"/> there, since their tab is counted already.</summary>
    public const string ClientParameter = "client";

    public const string PageClient = "page";

    private static readonly object StateKey = new();

    /// <summary>Chooses the workspace that later calls are about; subscriptions made before stay with theirs.</summary>
    public JoinAnswer Join(string workspaceId)
    {
        Workspace workspace = registry.Find(workspaceId) ?? throw new HubException($"There is no workspace {workspaceId}.");
        State.Watch(workspace, isCounted: Context.GetHttpContext()?.Request.Query[ClientParameter].ToString() != PageClient);
        return new JoinAnswer(workspace.Id, workspace.Description.Name, workspace.Version);
    }

    /// <summary>Watches a view under a name the client chooses; a name in use is taken over by the new subscription.</summary>
    public async Task Subscribe(string subId, string view, JsonElement query)
    {
        Workspace workspace = Joined;
        if (string.IsNullOrEmpty(subId) || subId.Length > options.Value.MaxSubscriptionIdLength)
            throw new HubException($"A subscription's name has 1 to {options.Value.MaxSubscriptionIdLength} characters.");
        NamedView named = catalog.Find(view) ?? throw new HubException($"There is no view \"{view}\". There are {string.Join(", ", catalog.All.Select(v => v.Name))}.");
        object parsed = named.ReadQuery(query, out string problem) ?? throw new HubException(problem);
        await Unsubscribe(subId);
        if (State.Subscriptions.Count >= options.Value.SubscriptionsPerConnection)
            throw new HubException($"This connection has {State.Subscriptions.Count} subscriptions, the most it may (option {WorkspaceHubOptions.SectionName}:{nameof(WorkspaceHubOptions.SubscriptionsPerConnection)}).");
        TimeSpan pause = TimeSpan.FromMilliseconds(workspaceOptions.Value.RefreshMilliseconds);
        State.Subscriptions[subId] = new Subscription(subId, workspace, named, parsed, hub.Clients.Client(Context.ConnectionId), pause, time, log, Context.ConnectionAborted);
    }

    /// <summary>Says that the message of this version was taken, so that the next may come.</summary>
    public void Ack(string subId, long version)
    {
        if (State.Subscriptions.TryGetValue(subId, out Subscription? subscription))
            subscription.Ack(version);
    }

    /// <summary>Ends a subscription; an unknown name is no error, since the two sides may end it at once.</summary>
    public async Task Unsubscribe(string subId)
    {
        if (State.Subscriptions.TryRemove(subId, out Subscription? old))
            await old.DisposeAsync();
    }

    /// <summary>Runs a command as <c>POST /api/workspaces/{id}/commands</c> does.</summary>
    public async Task<CommandAnswer> Execute(JsonElement command)
    {
        Command parsed = CommandJson.Read(command, out string problem) ?? throw new HubException(problem);
        try
        {
            return await Joined.ExecuteAsync(parsed, "hub", Context.ConnectionAborted);
        }
        catch (WorkspaceDeletedException deleted)
        {
            throw new HubException(deleted.Message);
        }
    }

    public override async Task OnDisconnectedAsync(Exception? exception)
    {
        foreach (Subscription subscription in State.Subscriptions.Values)
            await subscription.DisposeAsync();
        State.Leave();
        await base.OnDisconnectedAsync(exception);
    }

    public override Task OnConnectedAsync()
    {
        Context.Items[StateKey] = new ConnectionState();
        return base.OnConnectedAsync();
    }

    private Workspace Joined => State.Workspace ?? throw new HubException("Call Join first.");

    private ConnectionState State => (ConnectionState)Context.Items[StateKey]!;

    private sealed class ConnectionState
    {
        private IDisposable? _watching;

        public Workspace? Workspace { get; private set; }

        public ConcurrentDictionary<string, Subscription> Subscriptions { get; } = new(StringComparer.Ordinal);

        /// <summary>Among the workspace's watchers from now on, and no longer among those of the one before.</summary>
        public void Watch(Workspace workspace, bool isCounted)
        {
            Leave();
            Workspace = workspace;
            _watching = isCounted ? workspace.Watchers.Add() : null;
        }

        public void Leave()
        {
            _watching?.Dispose();
            _watching = null;
        }
    }
}
