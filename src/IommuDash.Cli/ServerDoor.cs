// Asking a running dashboard for the way to a workspace's host.
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;

namespace IommuDash.Cli;

internal static class ServerDoor
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>The socket of a workspace. Null: it cannot be had, and why.</summary>
    public static string? Find(string url, string workspace, out string problem)
    {
        if (!Uri.TryCreate(url.EndsWith('/') ? url : url + "/", UriKind.Absolute, out Uri? server) || server.Scheme is not ("http" or "https"))
        {
            problem = $"{url} is no address of a dashboard; it looks like http://127.0.0.1:5080.";
            return null;
        }
        try
        {
            return Ask(server, workspace, out problem) is { } socket && CanConnect(socket, server, ref problem) ? socket : null;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            problem = $"No dashboard answers at {server}: {e.Message}";
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            problem = $"What answers at {server} is no dashboard.";
        }
        return null;
    }

    private static string? Ask(Uri server, string workspace, out string problem)
    {
        problem = "";
        using var http = new HttpClient { Timeout = s_patience };
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server, $"api/workspaces/{Uri.EscapeDataString(workspace)}/bridge")) { Content = new ByteArrayContent([]) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using HttpResponseMessage answer = http.Send(request);
        using Stream content = answer.Content.ReadAsStream();
        using JsonDocument body = JsonDocument.Parse(content);
        if (answer.IsSuccessStatusCode)
            return body.RootElement.GetProperty("socket").GetString();
        problem = body.RootElement.GetProperty("detail").GetString() ?? $"The dashboard answers {(int)answer.StatusCode}.";
        return null;
    }

    // A tunnel or a proxy can make another machine look like this one; its socket is not here.
    private static bool CanConnect(string socket, Uri server, ref string problem)
    {
        using var probe = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(socket));
            return true;
        }
        catch (SocketException e)
        {
            problem = $"The door of {server}, {socket}, cannot be reached from here ({e.Message}): a program must run on the dashboard's machine, as the same user.";
            return false;
        }
    }
}
