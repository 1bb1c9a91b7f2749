// What the Dirty page knows: the newest snapshots for what the URL asks, the hw_pagetable that is acted on, and what the last read gave.
using IommuDash.Engine;
using IommuDash.Web.Model;
using IommuDash.Workspaces;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Components.Dirty;

/// <summary>View model of one open page.</summary>
public sealed class DirtyPageModel(Workspace workspace)
{
    /// <summary>Cells of a strip; a wide screen has about as many pixels.</summary>
    public const int Cells = 1_024;

    private const int MostEvents = EventsQuery.MaxCount;

    // Words the lens shows before the one that is looked at.
    private const ulong WordsBefore = 2;

    public Workspace Workspace { get; } = workspace;

    public DirtyPageState State { get; private set; } = new();

    /// <summary>The IOAS shown, and those to choose from.</summary>
    public IoasSnapshot Summary { get; private set; } = new();

    public DirtySnapshot Dirty { get; private set; } = new();

    /// <summary>Areas of the window, behind the strips.</summary>
    public IoasMapSnapshot Areas { get; private set; } = new();

    /// <summary>What the strips show.</summary>
    public IovaRange Window { get; private set; } = IovaRange.Whole;

    /// <summary>The hw_pagetable acted on: the selected one, else one that tracks, else one that could.</summary>
    public DirtyRow? Row { get; private set; }

    /// <summary>Range and page size of the next read; null while nothing is mapped or no hw_pagetable can track.</summary>
    public HwptGetDirty? Request { get; private set; }

    /// <summary>The address under the lens.</summary>
    public ulong At { get; private set; }

    /// <summary>The bitmap's words around <see cref="At"/>; null without a request.</summary>
    public DirtyWordsSnapshot? Words { get; private set; }

    public IReadOnlyList<DirtyRound> Rounds { get; private set; } = [];

    /// <summary>Facts of the selection; null if there is none.</summary>
    public ObjectFactsSnapshot? Facts { get; private set; }

    /// <summary>What the last command came to; null before the first and once dismissed.</summary>
    public CommandReport? Outcome { get; private set; }

    /// <summary>Reads what a state shows.</summary>
    /// <exception cref="WorkspaceDeletedException">The workspace is gone.</exception>
    public async Task ReadAsync(DirtyPageState state)
    {
        State = state;
        Facts = state.Selection is { } key ? await ReadAsync<ObjectFactsView, ObjectFactsQuery, ObjectFactsSnapshot>(new(state.Context, key.Kind, key.Id)) : null;
        Summary = await ReadAsync<IoasView, IoasQuery, IoasSnapshot>(new(state.Ioas != 0 ? state.Ioas : IoasOfSelection() ?? 0, state.Context));
        Window = state.Window ?? (Summary.Extent is { } extent ? Ioas.IoasPageState.Around(extent) : new IovaRange(0, uint.MaxValue));
        Dirty = await ReadAsync<DirtyView, DirtyQuery, DirtySnapshot>(new(Summary.Ioas, Window.Start, Window.Last, Cells, state.Context));
        Areas = await ReadAsync<IoasMapView, IoasMapQuery, IoasMapSnapshot>(new(Summary.Ioas, Window.Start, Window.Last, Cells, AddressScale.Linear, state.Context));
        Row = Dirty.Rows.FirstOrDefault(row => row.Hwpt == state.Hwpt) ?? Dirty.Rows.OrderByDescending(static row => row.State).FirstOrDefault();
        Request = RequestOf(state);
        At = Math.Clamp(state.At ?? Request?.Iova ?? 0, Request?.Iova ?? 0, Request is { } bounds ? bounds.Iova + (bounds.Length - 1) : ulong.MaxValue);
        Words = Request is { } request ? await ReadAsync<DirtyWordsView, DirtyWordsQuery, DirtyWordsSnapshot>(WordsAround(request)) : null;
        Rounds = Row is { State: not DirtyState.Incapable } row ? await ReadRoundsAsync(row.Hwpt) : [];
    }

    /// <summary>Runs commands one after the other, each made from the answer to the one before, up to the first refusal. True if none was refused.</summary>
    /// <param name="curl">A command as a line for a shell.</param>
    public async Task<bool> ExecuteAsync(Func<Command, string> curl, params IReadOnlyList<Func<CommandAnswer?, Command>> steps)
    {
        CommandAnswer? answer = null;
        foreach (Func<CommandAnswer?, Command> step in steps)
        {
            Command command = step(answer);
            answer = await Workspace.ExecuteAsync(command, "page");
            Outcome = CommandReport.Of(command, answer, curl(command), new HashSet<uint>());
            if (Outcome.Refusal is not null)
                return false;
        }
        return true;
    }

    public void Dismiss() => Outcome = null;

    private uint? IoasOfSelection() => Facts?.Holds.FirstOrDefault(static held => held.Kind == "ioas") is { } ioas ? uint.Parse(ioas.Id, System.Globalization.CultureInfo.InvariantCulture) : null;

    private HwptGetDirty? RequestOf(DirtyPageState state)
    {
        if (Row is not { State: not DirtyState.Incapable } row)
            return null;
        IovaRange? range = state.Request ?? Dirty.Stretches.Where(stretch => state.At is { } at && stretch.Contains(at)).Concat(Dirty.Stretches).Cast<IovaRange?>().FirstOrDefault();
        if (range is not { } asked)
            return null;
        ulong pageSize = state.PageSize == 0 ? row.PageBytes : state.PageSize;
        UInt128 length = state.Request is null ? UInt128.Min(asked.LengthBytes, (UInt128)pageSize * HwptGetDirty.MaxBits) : asked.LengthBytes;
        return new HwptGetDirty { Context = state.Context, Hwpt = row.Hwpt, Iova = asked.Start, Length = (ulong)UInt128.Min(length, ulong.MaxValue), PageSize = pageSize };
    }

    private DirtyWordsQuery WordsAround(HwptGetDirty request)
    {
        ulong bit = (At - request.Iova) / request.PageSize;
        return new DirtyWordsQuery(request.Hwpt, request.Iova, request.Length, request.PageSize, (bit / 64) - Math.Min(bit / 64, WordsBefore), bit, request.Context);
    }

    private async Task<IReadOnlyList<DirtyRound>> ReadRoundsAsync(uint hwpt) =>
        DirtyRound.Of((await Workspace.ReadEventsAsync(new EventsQuery { Object = hwpt, Context = State.Context, Count = MostEvents })).Data.Items, hwpt);

    private async Task<TSnapshot> ReadAsync<TView, TQuery, TSnapshot>(TQuery query)
        where TView : IView<TQuery, TSnapshot>
        where TQuery : notnull
        where TSnapshot : class => (await Workspace.ReadAsync<TView, TQuery, TSnapshot>(query)).Data;
}
