namespace IommuDash.Web.Configuration;

/// <summary>
/// Settings of the web app, section <c>Dashboard</c> of appsettings.json or <c>Dashboard__…</c> in the environment. Checked at start by <see cref="ValidateDashboardOptions"/>.
/// Where it listens is ASP.NET's own <c>urls</c> setting, default <see cref="DefaultUrl"/>.
/// </summary>
public sealed class DashboardOptions
{
    public const string SectionName = "Dashboard";

    /// <summary>Loopback only: whoever opens the dashboard to a network decides so with <c>--urls</c>.</summary>
    public const string DefaultUrl = "http://127.0.0.1:5080";

    /// <summary>Largest HTTP request body in bytes; default 2 MiB, above the 1 MiB an import may have so that the import can answer for itself.</summary>
    public long MaxRequestBytes { get; set; } = 2 << 20;

    /// <summary>Largest message a page may send over its circuit in bytes; default 2 MiB, since a pasted listing travels this way.</summary>
    public long MaxCircuitMessageBytes { get; set; } = 2 << 20;

    /// <summary>Requests per second and client address, default 2,000; a client may save up one second's worth. Above it: 429.</summary>
    public int RequestsPerSecondPerClient { get; set; } = 2000;

    /// <summary>Circuits kept for browsers that lost their connection, default 50; the oldest is dropped first.</summary>
    public int MaxDisconnectedCircuits { get; set; } = 50;
}
