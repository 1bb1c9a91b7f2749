using IommuDash.Web.Model;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Web.Api;

/// <summary>A command as a line for a shell.</summary>
public static class CommandCurl
{
    /// <param name="baseUrl">Where the dashboard is reached, e.g. <c>http://127.0.0.1:5080/</c>.</param>
    public static string For(Uri baseUrl, string workspaceId, Command command) =>
        CurlCommand.Text(baseUrl, Path(workspaceId), CommandJson.Write(command));

    /// <summary>Where commands of a workspace are sent.</summary>
    public static string Path(string workspaceId) => $"api/workspaces/{Uri.EscapeDataString(workspaceId)}/commands";
}
