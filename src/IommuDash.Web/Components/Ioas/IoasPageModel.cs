// What the IOAS page knows: what the URL asks for, the newest snapshots of the workspace, the call being prepared and the answer to the last one. Its parts show it and call its methods; none talks to another.
using System.Globalization;

using IommuDash.Engine;
using IommuDash.Web.Model;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Components.Ioas;

/// <summary>A command that was run, and its answer.</summary>
public sealed record AnsweredCall(Command Command, CommandAnswer Answer)
{
    /// <summary>The refusal; null for success.</summary>
    public Refusal? Refusal => Answer.Errno is { } errno ? new Refusal(errno, Answer.Rule!, Answer.Reason!) { Ranges = Answer.Ranges, Objects = Answer.Objects } : null;
}

/// <summary>View model of one open page.</summary>
public sealed class IoasPageModel(WorkspaceSession session, Action<IoasPageState> navigate)
{
    private IovaRange _opening = new(0, uint.MaxValue);
    private (int Context, uint Ioas) _opened;

    /// <summary>Raised after every change, on the thread that made it.</summary>
    public event Action? Changed;

    public WorkspaceSession Session { get; } = session;

    public string WorkspaceId { get; } = session.Workspace!.Id;

    public IoasPageState State { get; private set; } = new();

    /// <summary>Version that the snapshots show.</summary>
    public long Version { get; private set; } = -1;

    public IoasSnapshot Summary { get; private set; } = new();

    /// <summary>The selected area; null if none is or it has gone.</summary>
    public IoasAreaSnapshot? Area { get; private set; }

    /// <summary>Facts of <see cref="IoasPageState.Inspected"/>; null while an area is selected or nothing is.</summary>
    public ObjectFactsSnapshot? Facts { get; private set; }

    /// <summary>Who uses the selected area's pages; null while that is not shown or no area is selected.</summary>
    public IoasSharingSnapshot? Sharing { get; private set; }

    /// <summary>Access objects of the IOAS; empty while they are not shown.</summary>
    public IoasAccessesSnapshot Accesses { get; private set; } = new([], 0);

    /// <summary>The call being prepared; null while it cannot be read.</summary>
    public Command? Draft { get; private set; }

    /// <summary>What <see cref="Draft"/> would do.</summary>
    public IoasPreviewSnapshot? Preview { get; private set; }

    public AnsweredCall? LastCall { get; private set; }

    /// <summary>Ranges lit on the map: those of the last refusal, or the one the reader chose of them.</summary>
    public IReadOnlyList<RefusalRange> Marks { get; private set; } = [];

    /// <summary>Range the reader brushed on the map, for the forms; each counts once, by identity.</summary>
    public BrushedRange? Brushed { get; private set; }

    /// <summary>Where the map is told to go; counts once, by identity.</summary>
    public MapTarget? Target { get; private set; }

    /// <summary>The map's window: the URL's, else the one it opened with.</summary>
    public IovaRange Window => State.Window ?? _opening;

    /// <summary>The window that the map opens with where the URL names none: the areas with room around them, else the lowest 4 GiB.</summary>
    public static IovaRange Opening(IoasSnapshot summary)
    {
        return summary.Extent is { } extent ? IoasPageState.Around(extent) : new IovaRange(0, uint.MaxValue);
    }

    /// <summary>Takes over what the URL says.</summary>
    public async Task GoAsync(IoasPageState state)
    {
        if (state.Lit is { } lit && lit != State.Lit)
            Marks = [new RefusalRange(RangeRole.Requested, lit)];
        State = state;
        await RefreshAsync();
    }

    /// <summary>Reads what is shown anew.</summary>
    public async Task RefreshAsync()
    {
        ViewSnapshot<IoasSnapshot> summary = await Session.ReadAsync<IoasView, IoasQuery, IoasSnapshot>(new IoasQuery(State.Ioas, State.Context));
        bool wasEmpty = Summary.Extent is null;
        Summary = summary.Data;
        Version = summary.Version;
        Open(wasEmpty);
        Area = State.Selected is { } start && Summary.Ioas != 0
            ? (await Session.ReadAsync<IoasAreaView, IoasAreaQuery, IoasAreaSnapshot>(new IoasAreaQuery(Summary.Ioas, start, State.Context))).Data
            : null;
        if (Area?.Area is null)
            Area = null;
        await ReadSharingAsync();
        Facts = Area is null && State.Inspected is { } key
            ? (await Session.ReadAsync<ObjectFactsView, ObjectFactsQuery, ObjectFactsSnapshot>(new ObjectFactsQuery(State.Context, key.Kind, key.Id))).Data
            : null;
        await ReadPreviewAsync();
        Changed?.Invoke();
    }

    public async Task SetDraftAsync(Command? draft)
    {
        Draft = draft;
        await ReadPreviewAsync();
        Changed?.Invoke();
    }

    /// <summary>Runs a command and shows what came of it; the forms keep their text.</summary>
    public async Task ExecuteAsync(Command command)
    {
        CommandAnswer answer = await Session.ExecuteAsync(command);
        LastCall = new AnsweredCall(command, answer);
        Marks = answer.Ranges;
        if (State.Lit is not null)
            Navigate(State with { Lit = null });
        if (answer.Outputs.Ioas is { } created && command is IoasAlloc)
            Navigate(new IoasPageState { Context = State.Context, Ioas = created, Tab = State.Tab });
        await RefreshAsync();
    }

    /// <summary>Selects an area everywhere; null selects nothing.</summary>
    public void Select(ulong? start) => Navigate(State with { Selected = start, Inspected = null });

    /// <summary>Shows an object in the inspector: an IOAS or hw_pagetable here, anything else where it is at home.</summary>
    public void Inspect(SelectionKey key)
    {
        if (key.Kind == "ioas" && uint.TryParse(key.Id, CultureInfo.InvariantCulture, out uint ioas) && ioas != Summary.Ioas)
            Navigate(new IoasPageState { Context = State.Context, Ioas = ioas, Inspected = key, Tab = State.Tab, Scale = State.Scale });
        else
            Navigate(State with { Selected = null, Inspected = key });
    }

    /// <summary>Selects the area at an address and goes there, close enough to see its neighbours.</summary>
    public void SelectAndShow(ulong start)
    {
        Select(start);
        Show(new IovaRange(start, start));
    }

    /// <summary>Changes what is on the screen, and with it the URL.</summary>
    public void Navigate(IoasPageState state) => navigate(state with { Ioas = state.Ioas == 0 ? Summary.Ioas : state.Ioas });

    /// <summary>The map shows another window; gives the URL that leads there.</summary>
    public async Task<string> MoveAsync(IovaRange window)
    {
        await GoAsync(State with { Window = window, Ioas = State.Ioas == 0 ? Summary.Ioas : State.Ioas });
        return State.Url(WorkspaceId);
    }

    public void Brush(IovaRange range)
    {
        Brushed = new BrushedRange(range);
        Changed?.Invoke();
    }

    /// <summary>Sends the map to a range, with room around it if <paramref name="framed"/>.</summary>
    public void Show(IovaRange range, bool framed = true)
    {
        Target = new MapTarget(range, framed);
        Changed?.Invoke();
    }

    /// <summary>Lights one range of a refusal and goes there.</summary>
    public void Light(RefusalRange range)
    {
        Marks = [range];
        if (range.Role != RangeRole.ProcessMemory)
            Show(range.Range);
        else
            Changed?.Invoke();
    }

    public SelectionKey? SelectedKey => Area?.Area is { } area ? IoasPageState.KeyOf(Summary.Ioas, area.Start) : Facts is { Exists: true } ? State.Inspected : null;

    // The window stays where it is when areas come and go, except for the first one: it would be too small to see.
    private void Open(bool wasEmpty)
    {
        bool other = _opened != (State.Context, Summary.Ioas);
        if (!other && !(wasEmpty && Summary.Extent is not null))
            return;
        _opened = (State.Context, Summary.Ioas);
        _opening = Opening(Summary);
        if (!other && State.Window is null)
            Target = new MapTarget(_opening, framed: false);
    }

    private async Task ReadSharingAsync()
    {
        bool isShown = State.Tab == IoasTab.Sharing;
        Sharing = isShown && Area?.Area is { } area
            ? (await Session.ReadAsync<IoasSharingView, IoasSharingQuery, IoasSharingSnapshot>(new IoasSharingQuery(Summary.Ioas, area.Start, State.Context))).Data
            : null;
        if (isShown)
            Accesses = (await Session.ReadAsync<IoasAccessesView, IoasAccessesQuery, IoasAccessesSnapshot>(new IoasAccessesQuery(Summary.Ioas, State.Context))).Data;
    }

    private async Task ReadPreviewAsync()
    {
        Command? draft = Draft;
        IoasPreviewSnapshot? preview = draft is null ? null
            : (await Session.ReadAsync<IoasPreviewView, IoasPreviewQuery, IoasPreviewSnapshot>(new IoasPreviewQuery(draft))).Data;
        // The reader may have typed on meanwhile.
        if (draft == Draft)
            Preview = preview;
    }
}

/// <summary>A range brushed on the map.</summary>
public sealed class BrushedRange(IovaRange range)
{
    public IovaRange Range => range;
}

/// <summary>Where the map should go.</summary>
public sealed class MapTarget(IovaRange range, bool framed)
{
    public IovaRange Range => range;

    public bool Framed => framed;
}
