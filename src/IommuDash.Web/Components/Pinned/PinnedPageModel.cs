// What the Pinned pages page knows: the newest snapshots for what the URL asks. The heat map itself is fed over the hub; here are its counts and its table.
using IommuDash.Web.Model;
using IommuDash.Workspaces;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Components.Pinned;

/// <summary>View model of one open page.</summary>
public sealed class PinnedPageModel(Workspace workspace)
{
    public Workspace Workspace { get; } = workspace;

    public PinnedPageState State { get; private set; } = new();

    /// <summary>Counts of the whole machine.</summary>
    public PinnedFramesSnapshot? Summary { get; private set; }

    /// <summary>What the map shows: as the URL says, else what was pinned when the page opened.</summary>
    public FrameWindow Window { get; private set; }

    /// <summary>The window's snapshot while the table is shown.</summary>
    public PinnedFramesSnapshot? Table { get; private set; }

    public PinnedFrameSnapshot? Frame { get; private set; }

    public ProcessesSnapshot Processes { get; private set; } = new([], 0, null);

    /// <summary>The chosen process, or null if there is none.</summary>
    public ProcessRow? Process { get; private set; }

    public ProcessMemorySnapshot? Memory { get; private set; }

    public PinPreviewSnapshot? Fit { get; private set; }

    /// <summary>What the last command came to; null before the first and once dismissed.</summary>
    public CommandReport? Outcome { get; private set; }

    private FrameWindow? _initial;

    /// <summary>Reads what a state shows.</summary>
    /// <exception cref="WorkspaceDeletedException">The workspace is gone.</exception>
    public async Task ReadAsync(PinnedPageState state)
    {
        State = state;
        Summary = await ReadAsync<PinnedFramesView, PinnedFramesQuery, PinnedFramesSnapshot>(new(0, PinnedFramesView.MaxShift, 1));
        _initial ??= state.Frame is { } frame ? FrameWindow.Around(frame, frame) : FrameWindow.Initial(Summary);
        Window = state.Window ?? _initial.Value;
        Table = state.Table ? await ReadAsync<PinnedFramesView, PinnedFramesQuery, PinnedFramesSnapshot>(new(Window.First, Window.Shift, FrameWindow.Lines)) : null;
        Frame = state.Frame is { } selected ? await ReadAsync<PinnedFrameView, PinnedFrameQuery, PinnedFrameSnapshot>(new(selected)) : null;
        Processes = await ReadAsync<ProcessesView, ProcessesQuery, ProcessesSnapshot>(new(state.Context));
        Process = Processes.Processes.FirstOrDefault(row => row.Pid == state.Pid) ?? (state.Pid == 0 && Processes.Processes is [var first, ..] ? first : null);
        bool shown = state.Tab == PinnedTab.Process && Process is not null;
        Memory = shown ? await ReadAsync<ProcessMemoryView, ProcessMemoryQuery, ProcessMemorySnapshot>(new(Process!.Pid, state.FirstMapping)) : null;
        Fit = shown && state.Plan is { Address: { } address, Length: { } length }
            ? await ReadAsync<PinPreviewView, PinPreviewQuery, PinPreviewSnapshot>(new(state.Context, state.Ioas == 0 ? await FirstIoasAsync(state.Context) : state.Ioas, Process!.Pid, address, length, state.Plan.Writeable))
            : null;
    }

    /// <summary>Runs a command; its answer stays for the reader until the next one.</summary>
    /// <param name="curl">The same command as a line for a shell.</param>
    public async Task ExecuteAsync(Command command, string curl) =>
        Outcome = CommandReport.Of(command, await Workspace.ExecuteAsync(command, "page"), curl, new HashSet<uint>());

    public void Dismiss() => Outcome = null;

    private async Task<uint> FirstIoasAsync(int context) =>
        await ReadAsync<DomainsView, DomainsQuery, DomainsSnapshot>(new(context)) is { Ioases: [var first, ..] } ? first : 0;

    private async ValueTask<TSnapshot> ReadAsync<TView, TQuery, TSnapshot>(TQuery query)
        where TView : IView<TQuery, TSnapshot>
        where TQuery : notnull
        where TSnapshot : class => (await Workspace.ReadAsync<TView, TQuery, TSnapshot>(query)).Data;
}
