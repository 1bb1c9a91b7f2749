namespace IommuDash.Web.Model;

/// <summary>A call to the HTTP API as a line for a POSIX shell.</summary>
public static class CurlCommand
{
    /// <param name="baseAddress">Where the dashboard is reached, e.g. <c>http://127.0.0.1:5080/</c>.</param>
    /// <param name="path">Path below it, escaped already.</param>
    /// <param name="json">Body; null for a plain GET.</param>
    public static string Text(Uri baseAddress, string path, string? json)
    {
        string url = Quote(new Uri(baseAddress, path).AbsoluteUri);
        return json is null ? $"curl -sS {url}" : $"curl -sS {url} -H 'Content-Type: application/json' --data-raw {Quote(json)}";
    }

    /// <summary>Single quotes stop every expansion; a single quote itself is closed, escaped and opened again.</summary>
    private static string Quote(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
