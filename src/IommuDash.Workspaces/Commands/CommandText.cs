using IommuDash.Engine;

namespace IommuDash.Workspaces.Commands;

/// <summary>Caps on the texts in commands, which the journal keeps.</summary>
internal static class CommandText
{
    public const int MaxNameLength = 256;

    public static Refusal? Check(string field, string? text, int maxLength) =>
        text is null || text.Length <= maxLength ? null : new Refusal(Errno.E2BIG, "command.size", $"{field} has {text.Length} characters; it may have {maxLength}.");
}
