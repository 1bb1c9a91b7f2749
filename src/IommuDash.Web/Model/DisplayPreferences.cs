namespace IommuDash.Web.Model;

/// <summary>How a browser wants to see the dashboard. Kept in cookies, so that the first byte of HTML already has it and nothing flashes; wwwroot/js/theme.js writes them.</summary>
/// <param name="Theme"><c>light</c>, <c>dark</c> or <c>system</c>.</param>
/// <param name="Projector">1.25 × type and thicker lines.</param>
public sealed record DisplayPreferences(string Theme, bool Projector)
{
    public const string ThemeCookie = "iommudash-theme";
    public const string ProjectorCookie = "iommudash-projector";

    public static IReadOnlyList<string> Themes { get; } = ["light", "dark", "system"];

    /// <summary>Anything unknown in a cookie counts as not set: system theme, no projector.</summary>
    public static DisplayPreferences FromCookies(string? theme, string? projector) =>
        new(theme is not null && Themes.Contains(theme) ? theme : "system", projector == "on");

    /// <summary>Media query under which a theme's style sheet applies; wwwroot/js/theme.js sets the same ones.</summary>
    public string MediaOf(string styleTheme) => Theme == "system" ? $"(prefers-color-scheme: {styleTheme})" : Theme == styleTheme ? "all" : "not all";
}
