// Reads the URL into an EventsState and the state into a window of the event log. The list follows the newest events until the reader pauses or scrolls away; then it stands still at a
// sequence number, which the URL keeps, filters go on working below it, and what comes meanwhile is counted.
using IommuDash.Engine;
using IommuDash.Web.Components.Events;
using IommuDash.Web.Model;
using IommuDash.Workspaces;
using IommuDash.Workspaces.Views;

using Microsoft.AspNetCore.Components;

namespace IommuDash.Web.Components.Pages;

public sealed partial class Events
{
    private readonly CancellationTokenSource _gone = new();
    private EventsState _state = new();
    private EventsSnapshot? _newest;
    private EventTable? _table;
    private EventFilter? _filter;
    private DateTimeOffset _now;
    private InspectorContent? _content;
    private bool _isOpen;
    private bool _wasPaused;
    private long _newAfter;
    private long _last;
    private long _firstWhenHeld;

    [Parameter]
    public required string Id { get; set; }

    [SupplyParameterFromQuery(Name = EventsState.KindParameter)]
    private string? KindText { get; set; }

    [SupplyParameterFromQuery(Name = EventsState.ObjectParameter)]
    private string? ObjectText { get; set; }

    [SupplyParameterFromQuery(Name = EventsState.ErrnoParameter)]
    private string? ErrnoText { get; set; }

    [SupplyParameterFromQuery(Name = EventsState.RefusedParameter)]
    private string? RefusedText { get; set; }

    [SupplyParameterFromQuery(Name = EventsState.TextParameter)]
    private string? TextText { get; set; }

    [SupplyParameterFromQuery(Name = EventsState.UpToParameter)]
    private string? UpToText { get; set; }

    [SupplyParameterFromQuery(Name = DashboardUrls.SelectionParameter)]
    private string? SelectionText { get; set; }

    [Inject]
    private WorkspaceSession Session { get; set; } = null!;

    [Inject]
    private InspectorSelection Inspector { get; set; } = null!;

    [Inject]
    private ShellState Shell { get; set; } = null!;

    [Inject]
    private Shortcuts Shortcuts { get; set; } = null!;

    [Inject]
    private NavigationManager Navigation { get; set; } = null!;

    [Inject]
    private TimeProvider Time { get; set; } = null!;

    /// <summary>How many of the events that could be scrolled to when the list was stopped are no longer kept.</summary>
    private long LostSinceHeld => _state.UpTo == 0 || _newest is null ? 0 : Math.Max(0, Math.Min(_newest.FirstSequence, _state.UpTo + 1) - _firstWhenHeld);

    protected override void OnInitialized()
    {
        Session.Arrived += OnArrivedAsync;
        Shell.Changed += OnShellChanged;
        Shortcuts.Pressed += OnShortcutAsync;
        Inspector.Changed += OnInspectorChanged;
        if (RendererInfo.IsInteractive)
            _ = TickAsync();
    }

    protected override async Task OnParametersSetAsync()
    {
        bool wasOpen = _isOpen && Session.Workspace?.Id == Id;
        _isOpen = Session.Open(Id);
        EventsState wanted = FromUrl();
        if (!_isOpen || (wasOpen && wanted == _state && _newest is not null))
            return;
        _state = wanted;
        Shell.SetEntries([]);
        await RefreshAsync();
        await InspectAsync();
    }

    private static long Kept(EventsSnapshot newest) => newest.LastSequence - newest.FirstSequence + 1;

    private EventsState FromUrl() => new(
        Enum.TryParse(KindText, out EngineEventKind kind) && Enum.IsDefined(kind) ? kind : null,
        uint.TryParse(ObjectText, out uint id) ? id : null,
        Enum.TryParse(ErrnoText, out Errno errno) && Enum.IsDefined(errno) ? errno : null,
        RefusedText == "1",
        TextText ?? "",
        long.TryParse(UpToText, out long upTo) ? Math.Max(upTo, 0) : 0,
        SelectionKey.TryParse(SelectionText, out SelectionKey key) && key.Kind == "event" && long.TryParse(key.Id, out long selected) ? selected : 0);

    private async Task OnArrivedAsync()
    {
        if (!Session.IsDeleted)
            await RefreshAsync();
        StateHasChanged();
    }

    private async ValueTask<EventsSnapshot> ReadAsync(EventsQuery query) => Session.Workspace is { } workspace
        ? (await workspace.ReadEventsAsync(query)).Data
        : throw new InvalidOperationException("No workspace is open.");

    private async Task RefreshAsync()
    {
        _newest = await ReadAsync(_state.Query(0, 1));
        _newAfter = _last == 0 ? _newest.LastSequence : _last;
        _last = _newest.LastSequence;
        _now = Time.GetUtcNow();
        if (_state.UpTo == 0 || _firstWhenHeld == 0)
            _firstWhenHeld = _newest.FirstSequence;
    }

    private async Task InspectAsync()
    {
        if (_state.Selected == 0)
            return;
        EventsSnapshot found = await ReadAsync(new EventsQuery { UpTo = _state.Selected, Count = 1 });
        var key = new SelectionKey("event", $"{_state.Selected}");
        _content = found.Items is [var item] && item.Sequence == _state.Selected
            ? Content(item)
            : new InspectorContent($"Event {SizeFormat.Count(_state.Selected)}") { Facts = builder => builder.AddContent(0, "This event is no longer kept.") };
        Inspector.Select(key, _content);
    }

    private async Task GoAsync(EventsState state)
    {
        if (state == _state || Session.IsDeleted)
            return;
        bool selects = state.Selected != _state.Selected;
        _state = state;
        await RefreshAsync();
        if (selects)
            await InspectAsync();
        StateHasChanged();
        Navigation.NavigateTo(_state.ToUrl(Id), replace: true);
    }

    private Task SelectAsync(EventItem item) => GoAsync(_state with { Selected = item.Sequence });

    private Task ToppedAsync(bool top) => !top ? HoldAsync() : Shell.Paused ? Task.CompletedTask : GoAsync(_state with { UpTo = 0 });

    private Task HoldAsync() => _state.UpTo != 0 ? Task.CompletedTask : GoAsync(_state with { UpTo = _last });

    private async Task FollowAsync()
    {
        if (Shell.Paused)
            Shell.SetPaused(false);
        await GoAsync(_state with { UpTo = 0 });
        if (_table is not null)
            await _table.ScrollToTopAsync();
    }

    // Pausing the shell stops the list where it is, resuming lets it go.
    private void OnShellChanged()
    {
        if (Shell.Paused == _wasPaused)
            return;
        _wasPaused = Shell.Paused;
        _ = InvokeAsync(() => _wasPaused ? HoldAsync() : GoAsync(_state with { UpTo = 0 }));
    }

    private async Task OnShortcutAsync(ShortcutId id)
    {
        if (id == ShortcutId.FocusFilter && _filter is not null)
            await _filter.FocusAsync();
    }

    // Ages grow while nothing happens.
    private async Task TickAsync()
    {
        using var second = new PeriodicTimer(TimeSpan.FromSeconds(1), Time);
        try
        {
            while (await second.WaitForNextTickAsync(_gone.Token))
            {
                _now = Time.GetUtcNow();
                StateHasChanged();
            }
        }
        catch (OperationCanceledException) when (_gone.IsCancellationRequested)
        {
            // The page has closed.
        }
    }

    // The inspector's own button clears the selection for all.
    private void OnInspectorChanged()
    {
        if (Inspector.Key is not null || _content is null)
            return;
        _content = null;
        _ = InvokeAsync(() => GoAsync(_state with { Selected = 0 }));
    }

    // What this page showed has its buttons here, and they go with it.
    private void LeaveInspector()
    {
        if (_content is not null && ReferenceEquals(Inspector.Content, _content))
            Inspector.Clear();
    }

    public void Dispose()
    {
        Session.Arrived -= OnArrivedAsync;
        Shell.Changed -= OnShellChanged;
        Shortcuts.Pressed -= OnShortcutAsync;
        Inspector.Changed -= OnInspectorChanged;
        LeaveInspector();
        _gone.Cancel();
        _gone.Dispose();
    }
}
