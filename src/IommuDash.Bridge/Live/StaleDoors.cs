using System.Net.Sockets;

namespace IommuDash.Bridge.Live;

/// <summary>Sockets left behind by servers that were killed.</summary>
internal static class StaleDoors
{
    /// <summary>Start of the name of a door's directory.</summary>
    public const string Prefix = "iommudash-";

    public const string SocketName = "host";

    /// <summary>Removes the directories of this user's whose socket nobody answers any more.</summary>
    public static void Remove()
    {
        foreach (string directory in Directory.GetDirectories(Path.GetTempPath(), Prefix + "*"))
        {
            string socket = Path.Combine(directory, SocketName);
            if (!File.Exists(socket) || !IsRefused(socket))
                continue;
            try
            {
                File.Delete(socket);
                Directory.Delete(directory);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another user's, or it has more in it than a door: not ours to remove.
            }
        }
    }

    private static bool IsRefused(string socket)
    {
        using var probe = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(socket));
            return false;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.ConnectionRefused;
        }
    }
}
