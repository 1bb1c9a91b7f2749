// What the Calls page knows: how many calls match, and the selected one in full. The rows on the screen are read by the table itself.
using IommuDash.Workspaces;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Components.Calls;

/// <summary>View model of one open page.</summary>
public sealed class CallsPageModel(Workspace workspace)
{
    public CallsPageState State { get; private set; } = new();

    /// <summary>Totals of what matches, with the newest row at most.</summary>
    public CallsSnapshot? Newest { get; private set; }

    /// <summary>The selected call; null if none is.</summary>
    public CallSnapshot? Selected { get; private set; }

    /// <summary>Calls with greater numbers came with the last read.</summary>
    public long NewAfter { get; private set; }

    /// <summary>Calls that could be scrolled to when the list was stopped and are no longer kept.</summary>
    public long DroppedSinceHeld { get; private set; }

    private long _last = -1;
    private long _firstWhenHeld;

    /// <summary>Reads what a state shows.</summary>
    /// <exception cref="WorkspaceDeletedException">The workspace is gone.</exception>
    public async Task ReadAsync(CallsPageState state)
    {
        State = state;
        Newest = await ReadAsync(state.Query(0, 1));
        NewAfter = _last < 0 ? Newest.LastNumber : _last;
        _last = Newest.LastNumber;
        if (state.UpTo == 0 || _firstWhenHeld == 0)
            _firstWhenHeld = Newest.FirstNumber;
        DroppedSinceHeld = state.UpTo == 0 ? 0 : Math.Max(0, Math.Min(Newest.FirstNumber, state.UpTo + 1) - _firstWhenHeld);
        Selected = state.Selected == 0 ? null : (await workspace.ReadLogAsync<CallView, CallQuery, CallSnapshot>(new CallQuery(state.Selected))).Data;
    }

    public async ValueTask<CallsSnapshot> ReadAsync(CallsQuery query) => (await workspace.ReadLogAsync<CallsView, CallsQuery, CallsSnapshot>(query)).Data;

    /// <summary>Number of the matching call a row below (1) or above (-1) the selected one; null at the end.</summary>
    public async ValueTask<long?> NeighbourAsync(int direction)
    {
        CallsQuery query = State.Query(0, 1);
        if (State.Selected == 0 || direction > 0)
            return First(await ReadAsync(State.Selected == 0 ? query : query with { UpTo = State.Selected - 1 }), State.Selected == 1);
        query = query with { From = State.Selected + 1 };
        int newer = (await ReadAsync(query)).Matching;
        return newer == 0 ? null : First(await ReadAsync(query with { Skip = newer - 1 }), false);

        static long? First(CallsSnapshot window, bool isBelowAll) => !isBelowAll && window.Items is [var item, ..] ? item.Number : null;
    }
}
