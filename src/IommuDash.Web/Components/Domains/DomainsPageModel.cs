// What the Domains page knows: the newest snapshots for what the URL asks. Its parts show it; changes of mind go through the URL.
using IommuDash.Engine.Hardware;
using IommuDash.Workspaces;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Components.Domains;

/// <summary>View model of one open page.</summary>
public sealed class DomainsPageModel(Workspace workspace)
{
    // The window that showed all there was when the tree was first seen: it holds still while more is mapped.
    private (uint Hwpt, TreeWindow Window)? _fit;

    public Workspace Workspace { get; } = workspace;

    public DomainsPageState State { get; private set; } = new();

    public DomainsSnapshot Domains { get; private set; } = new([], 0, [], []);

    /// <summary>The chosen domain, or null if there is none.</summary>
    public DomainRow? Chosen { get; private set; }

    /// <summary>The IOAS whose apertures are shown; 0 = none exists.</summary>
    public uint Ioas { get; private set; }

    public AperturesSnapshot? Apertures { get; private set; }

    public AttachPreviewSnapshot? WhatIf { get; private set; }

    public PageTableSnapshot? Table { get; private set; }

    /// <summary>The table of <see cref="DomainsPageState.Beside"/> along the walk to <see cref="SharedIova"/>.</summary>
    public PageTableSnapshot? BesideTable { get; private set; }

    /// <summary>The whole tree in the window of the URL.</summary>
    public PageTableTreeSnapshot? Tree { get; private set; }

    /// <summary>The IOVA that two domains beside each other share: the one walked, else the first that the chosen entry answers for.</summary>
    public ulong SharedIova => State.Path.Length == 0 && State.Iova is { } iova ? iova : Table?.Columns.LastOrDefault(static column => column.Chosen is not null)?.Chosen!.Iova.Start ?? 0;

    /// <summary>The walk in the chosen domain, and the one beside it.</summary>
    public WalkSnapshot? Walk { get; private set; }

    public WalkSnapshot? BesideWalk { get; private set; }

    /// <summary>Devices that could attach.</summary>
    public IReadOnlyList<DeviceDescription> Devices { get; } = [.. workspace.Description.Devices.Where(static device => !device.IsBridge)];

    /// <summary>Reads what a state shows.</summary>
    /// <exception cref="WorkspaceDeletedException">The workspace is gone.</exception>
    public async Task ReadAsync(DomainsPageState state)
    {
        State = state;
        Domains = await ReadAsync<DomainsView, DomainsQuery, DomainsSnapshot>(new(state.Context));
        Chosen = Domains.Domains.FirstOrDefault(row => row.Hwpt == state.Hwpt) ?? (state.Hwpt == 0 && Domains.Domains is [var first, ..] ? first : null);
        Ioas = state.Ioas != 0 ? state.Ioas : Chosen?.Ioas ?? (Domains.Ioases is [var lowest, ..] ? lowest : 0);
        Apertures = Ioas == 0 ? null : await ReadAsync<DomainAperturesView, AperturesQuery, AperturesSnapshot>(new(state.Context, Ioas));
        WhatIf = Ioas == 0 || state.Device.Length == 0 ? null : await ReadAsync<DomainAttachPreviewView, AttachPreviewQuery, AttachPreviewSnapshot>(new(state.Context, Ioas, state.Device));
        bool tables = state.Tab == DomainsTab.Table && Chosen is not null;
        Walk = tables && state.Iova is { } iova ? await ReadAsync<PageTableWalkView, WalkQuery, WalkSnapshot>(new(state.Context, Chosen!.Hwpt, iova)) : null;
        // Without a choice the tables show the walk, or else the first entry in use of each.
        string path = state.Path.Length != 0 ? state.Path : Walk is { Steps: [.., var end] } ? end.Path : PageTableView.FirstPath;
        Table = tables ? await ReadAsync<PageTableView, PageTableQuery, PageTableSnapshot>(new(state.Context, Chosen!.Hwpt, path)) : null;
        Tree = tables ? await ReadTreeAsync() : null;
        BesideWalk = Walk is not null && state.Beside != 0 ? await ReadAsync<PageTableWalkView, WalkQuery, WalkSnapshot>(new(state.Context, state.Beside, state.Iova!.Value)) : null;
        BesideTable = tables && state.Beside != 0 ? await ReadBesideAsync() : null;
    }

    private async ValueTask<PageTableTreeSnapshot> ReadTreeAsync()
    {
        uint hwpt = Chosen!.Hwpt;
        TreeWindow window = State.Tree ?? (_fit?.Hwpt == hwpt ? _fit.Value.Window : default);
        PageTableTreeSnapshot tree = await ReadAsync<PageTableTreeView, PageTableTreeQuery, PageTableTreeSnapshot>(new(State.Context, hwpt, window.Start, window.Shift));
        if (State.Tree is null && tree.AllPages > 0)
            _fit = (hwpt, new TreeWindow(tree.Start, tree.Shift));
        return tree;
    }

    private async ValueTask<PageTableSnapshot> ReadBesideAsync()
    {
        WalkSnapshot walk = await ReadAsync<PageTableWalkView, WalkQuery, WalkSnapshot>(new(State.Context, State.Beside, SharedIova));
        return await ReadAsync<PageTableView, PageTableQuery, PageTableSnapshot>(new(State.Context, State.Beside, walk.Steps is [.., var end] ? end.Path : ""));
    }

    private async ValueTask<TSnapshot> ReadAsync<TView, TQuery, TSnapshot>(TQuery query)
        where TView : IView<TQuery, TSnapshot>
        where TQuery : notnull
        where TSnapshot : class => (await Workspace.ReadAsync<TView, TQuery, TSnapshot>(query)).Data;
}
