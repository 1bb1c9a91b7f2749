// What every page of a workspace does, whatever it shows: it opens the workspace, reads what the URL asks for, reads again whenever the URL or the host has changed, keeps the inspector and the URL
// of one mind about the selection, and lets go of all of it when it closes.
// Holds always: reads of one page run one after the other and the last one shown is the newest; a page never outlives its subscriptions.
using IommuDash.Web.Model;
using IommuDash.Workspaces;

using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Routing;

namespace IommuDash.Web.Components;

/// <summary>Base of pages under <c>/w/{Id}/</c>. <typeparamref name="TModel"/> holds the newest snapshots; it lives as long as the page shows one workspace.</summary>
public abstract class WorkspacePage<TModel> : ComponentBase, IDisposable
    where TModel : class
{
    private readonly LatestOnly _refresh = new();
    private Workspace? _workspace;
    private TModel? _model;
    private InspectorContent? _shown;
    private string _path = "";
    private bool _isMissing;
    private bool _isRead;

    [Parameter]
    public required string Id { get; set; }

    [Inject]
    protected WorkspaceSession Session { get; private set; } = null!;

    [Inject]
    protected NavigationManager Navigation { get; private set; } = null!;

    [Inject]
    protected InspectorSelection Selection { get; private set; } = null!;

    [Inject]
    protected Shortcuts Shortcuts { get; private set; } = null!;

    [Inject]
    protected ShellState Shell { get; private set; } = null!;

    /// <summary>Null until it was read the first time.</summary>
    protected TModel? Model => _isRead ? _model : null;

    /// <summary>There is no workspace of this id (any more): show <see cref="Controls.NoWorkspace"/>.</summary>
    protected bool IsMissing => _isMissing || Session.IsDeleted;

    /// <summary>What the page offers in the command palette.</summary>
    protected virtual IReadOnlyList<PaletteEntry> Entries => [];

    /// <summary>A model of a workspace, nothing read yet.</summary>
    protected abstract TModel Create(Workspace workspace);

    /// <summary>Reads into the model what the URL asks for. May throw <see cref="WorkspaceDeletedException"/>.</summary>
    protected abstract Task ReadAsync(TModel model, Uri url);

    /// <summary>The inspector was closed while it showed what <see cref="Show"/> gave it: take the selection out of the URL.</summary>
    protected virtual void OnDeselected()
    {
    }

    /// <summary>A key of the shortcut table was pressed.</summary>
    protected virtual Task OnShortcutAsync(ShortcutId shortcut) => Task.CompletedTask;

    /// <summary>Reads and draws again; for after a command of the page's own.</summary>
    protected Task RefreshAsync() => _refresh.RunAsync(ReadAndDrawAsync);

    /// <summary>Goes to an address that says what to show; the browser's back button leads away from the page, not through everything looked at on it.</summary>
    protected void Go(string url) => Navigation.NavigateTo(url, new NavigationOptions { ReplaceHistoryEntry = true });

    /// <summary>Shows the selection in the inspector until the page closes or something else is selected.</summary>
    protected void Show(SelectionKey key, InspectorContent content)
    {
        _shown = content;
        Selection.Select(key, content);
    }

    protected override void OnInitialized()
    {
        Shell.SetEntries(Entries);
        Session.Changed += RefreshAsync;
        Navigation.LocationChanged += OnLocationChanged;
        Shortcuts.Pressed += OnShortcutAsync;
        Selection.Changed += OnSelectionChanged;
    }

    protected override async Task OnParametersSetAsync()
    {
        _path = new Uri(Navigation.Uri).AbsolutePath;
        _isMissing = !Session.Open(Id);
        if (_isMissing)
            return;
        if (_workspace != Session.Workspace)
        {
            _workspace = Session.Workspace;
            _model = Create(_workspace!);
            _isRead = false;
        }
        await RefreshAsync();
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>What the page showed in the inspector has its buttons there, and they go with it.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        Session.Changed -= RefreshAsync;
        Navigation.LocationChanged -= OnLocationChanged;
        Shortcuts.Pressed -= OnShortcutAsync;
        Selection.Changed -= OnSelectionChanged;
        if (_shown is not null && ReferenceEquals(Selection.Content, _shown))
            Selection.Clear();
    }

    private async Task ReadAndDrawAsync()
    {
        if (_model is null)
            return;
        if (!IsMissing)
        {
            try
            {
                await ReadAsync(_model, new Uri(Navigation.Uri));
                _isRead = true;
            }
            catch (WorkspaceDeletedException)
            {
                // The session knows too, and the page says so.
            }
        }
        StateHasChanged();
    }

    // Query parameters change without new page parameters, by our own links and by the browser's buttons.
    private void OnLocationChanged(object? sender, LocationChangedEventArgs change)
    {
        if (new Uri(change.Location).AbsolutePath == _path)
            _ = InvokeAsync(RefreshOrFailAsync);
    }

    private async Task RefreshOrFailAsync()
    {
        try
        {
            await RefreshAsync();
        }
        catch (Exception error)
        {
            await DispatchExceptionAsync(error);
        }
    }

    private void OnSelectionChanged()
    {
        if (Selection.Key is not null || _shown is null)
            return;
        _shown = null;
        OnDeselected();
    }
}
