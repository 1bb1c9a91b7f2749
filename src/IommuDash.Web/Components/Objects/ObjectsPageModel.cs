// What the Objects page knows: the newest snapshots for what the URL asks, and where each box stands.
using IommuDash.Web.Model;
using IommuDash.Workspaces;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Components.Objects;

/// <summary>View model of one open page.</summary>
public sealed class ObjectsPageModel(Workspace workspace)
{
    public Workspace Workspace { get; } = workspace;

    public ObjectsPageState State { get; private set; } = new();

    public ObjectGraphSnapshot? Graph { get; private set; }

    public ObjectGraphLayout Layout { get; private set; } = ObjectGraphLayout.Empty;

    /// <summary>Facts of the selection; null if there is none.</summary>
    public ObjectFactsSnapshot? Facts { get; private set; }

    /// <summary>What the last command came to; null before the first and once dismissed.</summary>
    public CommandReport? Outcome { get; private set; }

    /// <summary>Reads what a state shows.</summary>
    /// <exception cref="WorkspaceDeletedException">The workspace is gone.</exception>
    public async Task ReadAsync(ObjectsPageState state)
    {
        // Boxes keep their places only within one context and window.
        ObjectGraphLayout previous = state.Context == State.Context && state.First == State.First ? Layout : ObjectGraphLayout.Empty;
        State = state;
        Graph = (await Workspace.ReadAsync<ObjectGraphView, ObjectGraphQuery, ObjectGraphSnapshot>(new(state.Context, state.Selection?.Kind, state.Selection?.Id, state.First))).Data;
        Layout = ObjectGraphLayout.Arrange(Graph.Nodes, previous);
        Facts = state.Selection is { } key ? (await Workspace.ReadAsync<ObjectFactsView, ObjectFactsQuery, ObjectFactsSnapshot>(new(state.Context, key.Kind, key.Id))).Data : null;
    }

    /// <summary>Runs a command; its answer stays for the reader until the next one. True if it succeeded.</summary>
    /// <param name="curl">The same command as a line for a shell.</param>
    public async Task<bool> ExecuteAsync(Command command, string curl)
    {
        Outcome = CommandReport.Of(command, await Workspace.ExecuteAsync(command, "page"), curl, new HashSet<uint>());
        return Outcome.Refusal is null;
    }

    public void Dismiss() => Outcome = null;
}
