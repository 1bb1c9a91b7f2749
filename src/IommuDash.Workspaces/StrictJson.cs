// Reading records from JSON so that a person learns what is wrong: every complaint names the field. The serializer would refuse the same texts, but speaks of .NET types.
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace IommuDash.Workspaces;

public static class StrictJson
{
    /// <param name="what">What is read, for the complaint: <c>ioas.map</c>.</param>
    /// <param name="polymorphicBase">The record's base if its JSON has a field that tells the type, else null.</param>
    /// <returns>The record, or null and a <paramref name="problem"/>.</returns>
    public static object? Read(JsonElement json, Type type, string what, out string problem, Type? polymorphicBase = null)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            problem = $"The {what} must be a JSON object.";
            return null;
        }
        JsonTypeInfo info = WorkspaceJson.Options.GetTypeInfo(type);
        JsonTypeInfo readAs = polymorphicBase is null ? info : WorkspaceJson.Options.GetTypeInfo(polymorphicBase);
        string? discriminator = readAs.PolymorphismOptions?.TypeDiscriminatorPropertyName;
        foreach (JsonProperty field in json.EnumerateObject())
        {
            if (field.Name == discriminator || info.Properties.Any(p => p.Name == field.Name))
                continue;
            problem = $"The {what} has no field \"{field.Name}\". It has {Fields(info)}.";
            return null;
        }
        if (info.Properties.FirstOrDefault(p => p.IsRequired && !json.TryGetProperty(p.Name, out _)) is { } missing)
        {
            problem = $"The {what} lacks the field \"{missing.Name}\".";
            return null;
        }
        try
        {
            problem = "";
            return json.Deserialize(readAs);
        }
        catch (JsonException e)
        {
            string field = e.Path is { Length: > 2 } path && path.StartsWith("$.", StringComparison.Ordinal) ? path[2..] : "";
            problem = field.Length == 0 ? $"The {what} cannot be read: {Sentence(e.Message)}" : $"Field \"{field}\" of the {what}: {Sentence(e.Message)}";
            return null;
        }
    }

    private static string Fields(JsonTypeInfo info) =>
        info.Properties.Count == 0 ? "none" : string.Join(", ", info.Properties.Where(p => p.Set is not null).Select(p => p.Name));

    // The serializer appends path and position, which are told already, and names .NET types, which mean nothing to a client.
    private static string Sentence(string message)
    {
        int end = message.IndexOf(" Path: ", StringComparison.Ordinal);
        string first = end < 0 ? message : message[..end];
        if (first.Contains("missing required properties including: ", StringComparison.Ordinal))
            first = "it lacks " + first[(first.IndexOf(':', StringComparison.Ordinal) + 2)..];
        else if (first.Contains("IommuDash.", StringComparison.Ordinal) || first.Contains("System.", StringComparison.Ordinal))
            first = first.Contains("null values", StringComparison.Ordinal) ? "it may not be null" : "not a value of the right kind";
        return first.EndsWith('.') ? first : first + ".";
    }
}
