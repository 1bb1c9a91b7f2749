namespace IommuDash.Web.Model;

/// <summary>What a key does.</summary>
public enum ShortcutId
{
    Palette,
    Help,
    Hosts,
    Topology,
    Ioas,
    Domains,
    Pages,
    Events,
    Objects,
    Queues,
    Calls,
    Dirty,
    Pause,
    Theme,
    Projector,
    Inspector,
    ToggleTable,
    FocusFilter,
    PictureZoom,
    PicturePan,
    PictureFrame,
}

/// <summary>One entry of the table.</summary>
/// <param name="Keys">As the browser names them, e.g. <c>Ctrl+k</c> or <c>?</c>; several are separated by a space.</param>
/// <param name="Does">What the help says.</param>
/// <param name="InPicture">Handled by the picture that has the focus; the shell leaves it alone.</param>
public sealed record Shortcut(ShortcutId Id, string Keys, string Does, bool InPicture = false);

/// <summary>Every key of the dashboard, once: the help prints this list and the shell listens to it.</summary>
public static class ShortcutTable
{
    public static IReadOnlyList<Shortcut> All { get; } =
    [
        new(ShortcutId.Palette, "Ctrl+k", "Search pages, objects and actions"),
        new(ShortcutId.Help, "?", "List of keys"),
        new(ShortcutId.Hosts, "1", "Hosts"),
        new(ShortcutId.Topology, "2", "Topology"),
        new(ShortcutId.Ioas, "3", "IOAS"),
        new(ShortcutId.Domains, "4", "Domains"),
        new(ShortcutId.Pages, "5", "Pinned pages"),
        new(ShortcutId.Events, "6", "Events"),
        new(ShortcutId.Objects, "7", "Objects"),
        new(ShortcutId.Calls, "8", "Calls"),
        new(ShortcutId.Queues, "9", "Queues"),
        new(ShortcutId.Dirty, "0", "Dirty pages"),
        new(ShortcutId.Pause, "p", "Pause or resume the live view; nothing is lost meanwhile"),
        new(ShortcutId.ToggleTable, "t", "Show the picture's table, or the picture again"),
        new(ShortcutId.FocusFilter, "/", "Go to the filter of the page"),
        new(ShortcutId.Inspector, "i", "Show or hide the inspector"),
        new(ShortcutId.Theme, "d", "Next theme: light, dark, system"),
        new(ShortcutId.Projector, "j", "Projector: larger type, thicker lines"),
        new(ShortcutId.PictureZoom, "+ -", "Zoom the picture", InPicture: true),
        new(ShortcutId.PicturePan, "ArrowLeft ArrowRight", "Pan the picture", InPicture: true),
        new(ShortcutId.PictureFrame, "Enter", "Frame the selected area", InPicture: true),
    ];

    /// <summary>Keys the shell asks the browser for.</summary>
    public static IReadOnlyList<string> ShellKeys { get; } = [.. All.Where(static entry => !entry.InPicture).SelectMany(static entry => entry.Keys.Split(' '))];

    public static ShortcutId? Find(string key) => All.FirstOrDefault(entry => !entry.InPicture && entry.Keys.Split(' ').Contains(key))?.Id;
}
