using System.Globalization;

using IommuDash.Web.Components.Ioas;
using IommuDash.Web.Components.Topology;
using IommuDash.Web.Model;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Routing;

namespace IommuDash.Web.Components.Pages;

/// <summary>One IO address space: reads the URL, holds the view model, places the parts.</summary>
public sealed partial class IoasPage : ComponentBase, IDisposable
{
    private IoasPageModel? _model;
    private SelectionKey? _inspected;
    private bool _loaded;

    [Parameter]
    public required string WorkspaceId { get; set; }

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    [Inject]
    private WorkspaceSession Session { get; set; } = default!;

    [Inject]
    private Shortcuts Shortcuts { get; set; } = default!;

    [Inject]
    private ShellState Shell { get; set; } = default!;

    [Inject]
    private InspectorSelection Inspector { get; set; } = default!;

    private IoasPageState State => _model!.State;

    protected override void OnInitialized()
    {
        Session.Changed += RefreshAsync;
        Shortcuts.Pressed += OnPressedAsync;
        Navigation.LocationChanged += OnLocationChanged;
    }

    protected override Task OnParametersSetAsync()
    {
        Shell.SetEntries(
        [
            new PaletteEntry("New IOAS", "IOAS", AllocateAsync),
            new PaletteEntry("Show all areas on the map", "IOAS", () => { if (_model?.Summary.Extent is { } all) _model.Show(all); return Task.CompletedTask; }),
            new PaletteEntry("Facts of this IOAS", "IOAS", () => { if (_model is { Summary.Ioas: not 0 and var ioas }) _model.Inspect(new SelectionKey("ioas", $"{ioas}")); return Task.CompletedTask; }),
        ]);
        return GoAsync();
    }

    private async Task GoAsync()
    {
        _loaded = true;
        if (!Session.Open(WorkspaceId))
        {
            Forget();
            return;
        }
        if (_model?.WorkspaceId != WorkspaceId)
        {
            Forget();
            _model = new IoasPageModel(Session, state => Navigation.NavigateTo(state.Url(WorkspaceId), replace: true));
            _model.Changed += Redraw;
        }
        await _model.GoAsync(IoasPageState.Parse(new Uri(Navigation.Uri)));
        Inspect();
    }

    // The router sets no parameters when only the query differs.
    private void OnLocationChanged(object? sender, LocationChangedEventArgs changed)
    {
        var uri = new Uri(changed.Location);
        if (_model is not null && uri.AbsolutePath == Navigation.ToAbsoluteUri(DashboardUrls.Ioas(WorkspaceId)).AbsolutePath)
            _ = InvokeAsync(GoAsync);
    }

    private async Task RefreshAsync()
    {
        if (Session.IsDeleted)
            Forget();
        else if (_model is not null)
            await _model.RefreshAsync();
        Inspect();
        StateHasChanged();
    }

    private void Redraw() => InvokeAsync(StateHasChanged);

    private Task AllocateAsync() => _model!.ExecuteAsync(new IoasAlloc { Context = State.Context });

    private Task OnPressedAsync(ShortcutId id)
    {
        if (id == ShortcutId.ToggleTable && _model is not null)
            _model.Navigate(State with { Tab = State.Tab == IoasTab.Table ? IoasTab.Map : IoasTab.Table });
        return Task.CompletedTask;
    }

    // The inspector follows the page's selection; another page's selection stays until this one has its own.
    private void Inspect()
    {
        SelectionKey? key = _model?.SelectedKey;
        if (key is { } selected)
            Inspector.Select(selected, _model!.Area is null ? ContentOf(selected, _model.Facts!) : AreaFacts.Of(_model));
        else if (_inspected is { } gone && Inspector.IsSelected(gone))
            Inspector.Clear();
        _inspected = key;
    }

    private InspectorContent ContentOf(SelectionKey key, ObjectFactsSnapshot facts) => ObjectInspector.Of(
        facts,
        EventCallback.Factory.Create<SelectionKey>(this, Choose),
        [TopologyAction.Destroy(State.Context, uint.Parse(key.Id, CultureInfo.InvariantCulture))],
        EventCallback.Factory.Create<TopologyAction>(this, action => _model!.ExecuteAsync(action.Steps[0](null))),
        key.Kind == "hwpt" ? (DashboardUrls.InContext(DashboardUrls.Domains(WorkspaceId, key), State.Context), "Open its page") : key.Kind == "object" ? (DashboardUrls.InContext(DashboardUrls.Objects(WorkspaceId, key), State.Context), "Show among the objects") : (DashboardUrls.InContext(DashboardUrls.Topology(WorkspaceId, key), State.Context), "Show in the topology"));

    private void Choose(SelectionKey key)
    {
        if (key.Kind is "ioas" or "hwpt" or "object")
            _model!.Inspect(key);
        else
            Navigation.NavigateTo(DashboardUrls.InContext(DashboardUrls.Topology(WorkspaceId, key), State.Context));
    }

    private void Forget()
    {
        if (_model is not null)
            _model.Changed -= Redraw;
        _model = null;
    }

    private static string TabName(IoasTab tab) => tab switch { IoasTab.Map => "Map", IoasTab.Tree => "Interval tree", IoasTab.Sharing => "Sharing", _ => "Table" };

    public void Dispose()
    {
        Session.Changed -= RefreshAsync;
        Shortcuts.Pressed -= OnPressedAsync;
        Navigation.LocationChanged -= OnLocationChanged;
        Forget();
    }
}
