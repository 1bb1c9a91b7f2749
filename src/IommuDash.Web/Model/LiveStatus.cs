using System.Globalization;

namespace IommuDash.Web.Model;

public enum LiveState
{
    /// <summary>No workspace is watched.</summary>
    Idle,
    Live,

    /// <summary>Events were missed; a fresh snapshot is on its way.</summary>
    CatchingUp,

    /// <summary>The workspace's writer cannot be reached. A lost circuit shows the same words, but from the style sheet, since no markup arrives then.</summary>
    Reconnecting,
}

/// <summary>What the live lamp says.</summary>
/// <param name="Version">Version of the workspace on the screen.</param>
/// <param name="DelayMs">From the change to the screen, in milliseconds.</param>
public readonly record struct LiveStatus(LiveState State, long Version, int DelayMs)
{
    public string Text(bool paused) => State switch
    {
        LiveState.Idle => "no host open",
        LiveState.CatchingUp => "catching up",
        LiveState.Reconnecting => "reconnecting",
        _ when paused => $"paused · v{VersionText}",
        _ => $"live · v{VersionText} · {DelayMs} ms",
    };

    private string VersionText => Version.ToString("#,0", CultureInfo.InvariantCulture);
}
