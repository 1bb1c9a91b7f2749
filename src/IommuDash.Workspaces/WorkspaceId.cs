using System.Security.Cryptography;

namespace IommuDash.Workspaces;

/// <summary>Ids of workspaces: 12 lower-case letters and digits, 60 random bits, none that reads like another.</summary>
public static class WorkspaceId
{
    public static string Random() => RandomNumberGenerator.GetString("0123456789abcdefghjkmnpqrstvwxyz", 12);
}
