using Microsoft.AspNetCore.Components;

namespace IommuDash.Web.Model;

/// <summary>What the command palette finds.</summary>
public static class PaletteSearch
{
    /// <summary>Entries shown at once; the palette says how many there are.</summary>
    public const int MaxShown = 12;

    /// <summary>Entries whose title or hint holds every word typed, in their own order; titles that begin with the text come first.</summary>
    public static (IReadOnlyList<PaletteEntry> Found, int Total) Find(string typed, IReadOnlyList<PaletteEntry> entries)
    {
        string text = typed.Trim();
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        PaletteEntry[] matches =
        [
            .. entries.Where(entry => words.All(word => Holds(entry.Title, word) || Holds(entry.Hint, word)))
                .OrderBy(entry => entry.Title.StartsWith(text, StringComparison.OrdinalIgnoreCase) ? 0 : 1),
        ];
        return (matches.Length <= MaxShown ? matches : matches[..MaxShown], matches.Length);
    }

    /// <summary>The keys of the shell, by name; pages that need a host are left out while none is open.</summary>
    public static IEnumerable<PaletteEntry> ShellEntries(Shortcuts shortcuts, NavigationManager navigation)
    {
        string? workspace = DashboardUrls.WorkspaceOf(navigation.Uri);
        return from entry in ShortcutTable.All
               where !entry.InPicture && entry.Id != ShortcutId.Palette
               where NavigationPage.All.All(page => page.Shortcut != entry.Id || page.Url(workspace) is not null)
               select new PaletteEntry(entry.Does, $"key {entry.Keys}", () => shortcuts.PressAsync(entry.Id));
    }

    private static bool Holds(string text, string word) => text.Contains(word, StringComparison.OrdinalIgnoreCase);
}
