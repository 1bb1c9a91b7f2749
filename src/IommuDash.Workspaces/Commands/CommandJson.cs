using System.Text.Json;

namespace IommuDash.Workspaces.Commands;

/// <summary>Commands from and to JSON. Unknown, missing and malformed fields are refused by name.</summary>
public static class CommandJson
{
    /// <summary>How to parse a text before <see cref="Read"/>: a field given twice is an error.</summary>
    public static JsonDocumentOptions DocumentOptions { get; } = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    /// <summary>Reads one command. Null, and a <paramref name="problem"/>, if it is none.</summary>
    public static Command? Read(JsonElement json, out string problem)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            problem = "A command must be a JSON object.";
            return null;
        }
        if (!json.TryGetProperty("op", out JsonElement op) || op.ValueKind != JsonValueKind.String)
        {
            problem = "A command needs the field \"op\", a text that names it.";
            return null;
        }
        if (!CommandOps.Types.TryGetValue(op.GetString()!, out Type? type))
        {
            problem = $"There is no command \"{Shortened(op.GetString()!)}\". There are {string.Join(", ", CommandOps.Types.Keys.Order(StringComparer.Ordinal))}.";
            return null;
        }
        return (Command?)StrictJson.Read(json, type, op.GetString()!, out problem, typeof(Command));
    }

    /// <summary>Writes a command; reading it back gives an equal one.</summary>
    public static string Write(Command command) => JsonSerializer.Serialize(command, WorkspaceJson.Options);

    private static string Shortened(string text) => text.Length <= 64 ? text : text[..64] + "…";
}
