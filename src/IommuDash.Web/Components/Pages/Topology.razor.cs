// Reads the URL into a TopologyState, the state into snapshots, and places controls. Everything that changes the view goes through GoAsync, everything that changes the host through RunAsync.
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Web.Api;
using IommuDash.Web.Components.Ioas;
using IommuDash.Web.Components.Topology;
using IommuDash.Web.Model;
using IommuDash.Workspaces;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

using Microsoft.AspNetCore.Components;

namespace IommuDash.Web.Components.Pages;

public sealed partial class Topology
{
    private TopologyState _state = new();
    private InspectorContent? _content;
    private bool _isOpen;
    private long _version;
    private TopologySnapshot? _counts;
    private AttachTargetsSnapshot? _targets;
    private int _firstTarget;
    private CommandReport? _outcome;
    private uint? _refusedPt;
    private bool _isMenuOpen;
    private bool _isContextsOpen;
    private IReadOnlyList<IoasProcess> _processes = [];

    // Choosing the device that is being dragged; null while none is.
    private Task? _drag;
    private bool _isStill;
    private ElementReference _filter;

    [Parameter]
    public required string Id { get; set; }

    [SupplyParameterFromQuery(Name = DashboardUrls.SelectionParameter)]
    private string? SelectionText { get; set; }

    [SupplyParameterFromQuery(Name = TopologyState.ContextParameter)]
    private int? ContextFd { get; set; }

    [SupplyParameterFromQuery(Name = TopologyState.FilterParameter)]
    private string? FilterText { get; set; }

    [SupplyParameterFromQuery(Name = TopologyState.ClosedParameter)]
    private string? ClosedKeys { get; set; }

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

    protected override void OnInitialized()
    {
        Session.Changed += OnHostChangedAsync;
        Shortcuts.Pressed += OnShortcutAsync;
        Inspector.Changed += OnInspectorChanged;
    }

    protected override async Task OnParametersSetAsync()
    {
        bool wasOpen = _isOpen && Session.Workspace?.Id == Id;
        _isOpen = Session.Open(Id);
        var wanted = new TopologyState(ContextFd ?? 1, SelectionKey.TryParse(SelectionText, out SelectionKey key) ? key : null, FilterText ?? "", ClosedKeys ?? "");
        if (!_isOpen || (wasOpen && wanted == _state && _targets is not null))
            return;
        _state = wanted;
        Shell.SetEntries(
        [
            new PaletteEntry("Open or close a context", "Topology", OpenContextsAsync),
            new PaletteEntry("New IOAS", "Topology", () => RunAsync(TopologyAction.NewIoas(_state.Context))),
        ]);
        await RefreshAsync();
    }

    private async Task OnHostChangedAsync()
    {
        if (!Session.IsDeleted)
            await RefreshAsync();
        StateHasChanged();
    }

    private async Task RefreshAsync()
    {
        ViewSnapshot<AttachTargetsSnapshot> targets =
            await Session.ReadAsync<AttachTargetsView, AttachTargetsQuery, AttachTargetsSnapshot>(new(_state.Context, _state.Device, _firstTarget));
        _targets = targets.Data;
        _counts = await ReadTreeAsync(new TopologyQuery(_state.Context, _state.Filter, _state.Closed, Count: 0));
        _version = targets.Version;
        await InspectAsync();
    }

    private async ValueTask<TopologySnapshot> ReadTreeAsync(TopologyQuery query) => (await Session.ReadAsync<TopologyView, TopologyQuery, TopologySnapshot>(query)).Data;

    private async Task InspectAsync()
    {
        if (_state.Selection is not { } key)
            return;
        ObjectFactsSnapshot facts = (await Session.ReadAsync<ObjectFactsView, ObjectFactsQuery, ObjectFactsSnapshot>(new(_state.Context, key.Kind, key.Id))).Data;
        if (key.Kind == "object" && facts.Name is { Kind: not "object" } name)
        {
            // A link that knew only the id, as events do.
            await GoAsync(_state with { Selection = new SelectionKey(name.Kind, name.Id) });
            return;
        }
        _content = facts.Exists ? ObjectInspector.Of(facts, EventCallback.Factory.Create<SelectionKey>(this, SelectAsync), ActionsOf(key), EventCallback.Factory.Create<TopologyAction>(this, RunAsync), PageOf(key)) : new InspectorContent($"{key.Kind} {key.Id}") { Facts = builder => builder.AddContent(0, "There is no such object (any more).") };
        Inspector.Select(key, _content);
    }

    private (string Url, string Text)? PageOf(SelectionKey key) => key.Kind switch { "ioas" => (DashboardUrls.InContext(DashboardUrls.Ioas(Id, key), _state.Context), "Open its page"), "hwpt" => (DashboardUrls.InContext(DashboardUrls.Domains(Id, key), _state.Context), "Open its page"), _ => null };

    private IReadOnlyList<TopologyAction> ActionsOf(SelectionKey key) => key.Kind switch
    {
        "device" when _targets?.Device is { } device => TopologyAction.Of(device, _state.Context),
        "ioas" or "hwpt" => [TopologyAction.Destroy(_state.Context, uint.Parse(key.Id, System.Globalization.CultureInfo.InvariantCulture))],
        _ => [],
    };

    private Task SelectAsync(SelectionKey key) => GoAsync(_state with { Selection = key });

    private Task FilterAsync(ChangeEventArgs typed) => GoAsync(_state with { Filter = ((string?)typed.Value ?? "").Trim() });

    private Task PageAsync(int first)
    {
        _firstTarget = Math.Max(first, 0);
        return RefreshAsync();
    }

    // Shows the new state first and then puts it into the URL, whose change finds nothing left to do.
    private async Task GoAsync(TopologyState state)
    {
        if (state == _state || Session.IsDeleted)
            return;
        if (state.Context != _state.Context)
            _firstTarget = 0;
        _state = state;
        await RefreshAsync();
        Navigation.NavigateTo(_state.ToUrl(Id), replace: true);
    }

    private async Task RunAsync(TopologyAction action)
    {
        HashSet<uint> known = [.. _targets!.Targets.Where(target => target.Hwpt is not null).Select(target => target.Id)];
        CommandAnswer? answer = null;
        foreach (Func<CommandAnswer?, Command> step in action.Steps)
        {
            Command command = step(answer);
            answer = await Session.ExecuteAsync(command);
            _outcome = CommandReport.Of(command, answer, CommandCurl.For(new Uri(Navigation.BaseUri), Id, command), known);
            _refusedPt = command switch { DeviceAttach attach => attach.Pt, DeviceReplace replace => replace.Pt, _ => null };
            if (answer.Errno is not null)
                break;
            if (answer.Outputs.Context is { } opened && command is ContextOpen)
                await GoAsync(_state with { Context = opened });
        }
        await RefreshAsync();
        StateHasChanged();
    }

    // On the map of the IOAS that the refused call was about, framed and lit.
    private void ShowRange(RefusalRange range)
    {
        uint ioas = _targets?.Targets.FirstOrDefault(target => target.Id == _refusedPt)?.Ioas ?? 0;
        Navigation.NavigateTo(new IoasPageState { Context = _state.Context, Ioas = ioas, Lit = range.Range, Window = IoasPageState.Around(range.Range) }.Url(Id));
    }

    private async Task OpenContextsAsync()
    {
        _processes = (await Session.ReadAsync<IoasView, IoasQuery, IoasSnapshot>(new(0, _state.Context))).Data.Processes;
        _isContextsOpen = true;
        StateHasChanged();
    }

    private void OpenMenu() => _isMenuOpen = _targets?.Device is not null;

    private async Task DragAsync(string? address)
    {
        _isStill = _state.Device != address;
        _drag = address is null ? null : SelectAsync(new SelectionKey("device", address));
        if (_drag is not null)
            await _drag;
    }

    // A quick hand drops before the targets have been asked about the device.
    private async Task DropAsync(string place)
    {
        if (_drag is not { } chosen)
            return;
        await chosen;
        if (_targets?.Device is { } device && TopologyAction.Dropped(place, _targets, device, _state.Context) is { } action)
            await RunAsync(action);
    }

    private async Task OnShortcutAsync(ShortcutId id)
    {
        if (id == ShortcutId.FocusFilter && _targets is not null)
            await _filter.FocusAsync();
    }

    // The inspector's own button clears the selection for all.
    private void OnInspectorChanged()
    {
        if (Inspector.Key is not null || _content is null)
            return;
        _content = null;
        _ = InvokeAsync(() => GoAsync(_state with { Selection = null }));
    }

    // What this page showed has its buttons here, and they go with it.
    private void LeaveInspector()
    {
        if (_content is not null && ReferenceEquals(Inspector.Content, _content))
            Inspector.Clear();
    }

    public void Dispose()
    {
        Session.Changed -= OnHostChangedAsync;
        Shortcuts.Pressed -= OnShortcutAsync;
        Inspector.Changed -= OnInspectorChanged;
        LeaveInspector();
    }
}
