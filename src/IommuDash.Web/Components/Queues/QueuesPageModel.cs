// What the Queues page knows: all queues, what is in the one that is shown, how far the context is set up, and who answered which faults lately.
using IommuDash.Engine;
using IommuDash.Web.Model;
using IommuDash.Workspaces;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Components.Queues;

/// <summary>Where on the page an answer is shown: beside what asked.</summary>
public enum OutcomePlace
{
    Queue,
    Answer,
    Setup,
}

/// <summary>View model of one open page.</summary>
public sealed class QueuesPageModel(Workspace workspace)
{
    /// <summary>Answers listed.</summary>
    public const int MaxAnswers = 8;

    public QueuesPageState State { get; private set; } = new();

    public QueuesSnapshot? Queues { get; private set; }

    /// <summary>The queue that is shown; null if there is none.</summary>
    public QueueRow? Shown { get; private set; }

    /// <summary>What is in it, if it is a fault queue.</summary>
    public FaultQueueSnapshot? Faults { get; private set; }

    /// <summary>What is in it, if it is an event queue.</summary>
    public VeventqSnapshot? Events { get; private set; }

    public QueueSetupSnapshot? Setup { get; private set; }

    /// <summary>Answers to page faults of the context, whoever gave them, newest first.</summary>
    public IReadOnlyList<EventItem> Answers { get; private set; } = [];

    /// <summary>Facts of the selection; null if there is none.</summary>
    public ObjectFactsSnapshot? Facts { get; private set; }

    /// <summary>What the last command came to; null before the first and once dismissed.</summary>
    public CommandReport? Outcome { get; private set; }

    public OutcomePlace Place { get; private set; }

    /// <summary>The chosen group, if the window has it.</summary>
    public FaultGroupRow? Group => Faults?.Groups.FirstOrDefault(group => group.Number == State.Group);

    /// <summary>Reads what a state shows.</summary>
    /// <exception cref="WorkspaceDeletedException">The workspace is gone.</exception>
    public async Task ReadAsync(QueuesPageState state)
    {
        State = state;
        Queues = (await workspace.ReadAsync<QueuesView, QueuesQuery, QueuesSnapshot>(new(First: state.From))).Data;
        await ReadQueueAsync(state.Queue ?? Queues.Queues.FirstOrDefault(queue => queue.Context == state.Context)?.Id ?? 0);
        Setup = (await workspace.ReadAsync<QueueSetupView, QueueSetupQuery, QueueSetupSnapshot>(new(state.Context))).Data;
        Answers = (await workspace.ReadEventsAsync(new EventsQuery { Kind = EngineEventKind.FaultAnswered, Context = state.Context, Count = MaxAnswers })).Data.Items;
        Facts = state.Selection is { } key ? (await workspace.ReadAsync<ObjectFactsView, ObjectFactsQuery, ObjectFactsSnapshot>(new(state.Context, key.Kind, key.Id))).Data : null;
    }

    /// <summary>Runs a command; its answer stays for the reader until the next one.</summary>
    /// <param name="curl">The same command as a line for a shell.</param>
    public async Task<CommandAnswer> ExecuteAsync(Command command, OutcomePlace place, string curl)
    {
        CommandAnswer answer = await workspace.ExecuteAsync(command, "page");
        Outcome = CommandReport.Of(command, answer, curl, new HashSet<uint>());
        Place = place;
        return answer;
    }

    // Ids say nothing about kinds: one of the two views knows the queue, and none knows 0.
    private async Task ReadQueueAsync(uint id)
    {
        FaultQueueSnapshot faults = (await workspace.ReadAsync<FaultQueueView, FaultQueueQuery, FaultQueueSnapshot>(new(State.Context, id, State.First))).Data;
        Faults = faults.Queue is null ? null : faults;
        VeventqSnapshot events = (await workspace.ReadAsync<VeventqView, VeventqQuery, VeventqSnapshot>(new(State.Context, id, State.First))).Data;
        Events = events.Queue is null ? null : events;
        Shown = faults.Queue ?? events.Queue;
    }

    /// <summary>What to show at a place.</summary>
    public CommandReport? OutcomeAt(OutcomePlace place) => Place == place ? Outcome : null;

    public void Dismiss() => Outcome = null;
}
