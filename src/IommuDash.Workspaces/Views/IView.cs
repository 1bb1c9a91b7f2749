using IommuDash.Engine.Hardware;

namespace IommuDash.Workspaces.Views;

/// <summary>
/// A pure projection of a host onto a small immutable snapshot: windowed and bounded, saying what it left out. Its query is a record of plain values, since equal queries share one projection.
/// Runs while nothing writes; must keep no reference to the host's objects.
/// </summary>
public interface IView<in TQuery, out TSnapshot>
    where TQuery : notnull
    where TSnapshot : class
{
    /// <summary>What clients of the hub and the API call it, e.g. <c>ioas.map</c>.</summary>
    static abstract string Name { get; }

    static abstract TSnapshot Project(EmulatedHost host, TQuery query);
}

/// <summary>An item of a snapshot that the hub sends on its own when it changes. The key is unique in the snapshot and stays with the thing it stands for.</summary>
public interface IViewItem
{
    string Key { get; }
}

/// <summary>A snapshot whose items travel as deltas; everything else in it is sent whole each time, so keep that small.</summary>
public interface IItemSnapshot
{
    /// <summary>In the order in which to show them.</summary>
    IReadOnlyList<IViewItem> Items { get; }
}

/// <summary>A snapshot and the version of the workspace it shows.</summary>
public readonly record struct ViewSnapshot<TSnapshot>(long Version, TSnapshot Data);
