using Microsoft.JSInterop;

namespace IommuDash.Web.Model;

/// <summary>Changes how this tab looks and has the browser remember it. Scoped: it speaks to one tab's script.</summary>
public sealed class DisplayControl(IJSRuntime script)
{
    public event Action? Changed;

    public DisplayPreferences Preferences { get; private set; } = new("system", false);

    /// <summary>Takes over what the page was rendered with.</summary>
    public void Start(DisplayPreferences preferences) => Preferences = preferences;

    /// <summary>Light, dark, system and round again.</summary>
    public Task NextThemeAsync()
    {
        int next = (DisplayPreferences.Themes.ToList().IndexOf(Preferences.Theme) + 1) % DisplayPreferences.Themes.Count;
        string theme = DisplayPreferences.Themes[next];
        return ApplyAsync(Preferences with { Theme = theme }, "setTheme", theme);
    }

    public Task ToggleProjectorAsync() => ApplyAsync(Preferences with { Projector = !Preferences.Projector }, "setProjector", !Preferences.Projector);

    private async Task ApplyAsync(DisplayPreferences preferences, string function, object value)
    {
        Preferences = preferences;
        await using IJSObjectReference theme = await script.InvokeAsync<IJSObjectReference>("import", "/js/theme.js");
        await theme.InvokeVoidAsync(function, value);
        Changed?.Invoke();
    }
}
