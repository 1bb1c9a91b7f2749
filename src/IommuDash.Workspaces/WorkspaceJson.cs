// How commands, answers and snapshots look as JSON, for the API, the hub and the journal alike: camelCase, strict, 64-bit addresses as hex strings because JSON numbers lose bits above 2^53.
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using IommuDash.Engine;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces;

public static class WorkspaceJson
{
    public static JsonSerializerOptions Options { get; } = Make();

    /// <summary>Gives other options, such as a web framework's, the same look.</summary>
    public static void Configure(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        options.PropertyNameCaseInsensitive = false;
        options.AllowDuplicateProperties = false;
        options.AllowOutOfOrderMetadataProperties = true;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.MaxDepth = 16;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.RespectNullableAnnotations = true;
        options.RespectRequiredConstructorParameters = true;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.Converters.Add(new JsonStringEnumConverter<Errno>(namingPolicy: null, allowIntegerValues: false));
        // By number too: asking for an option that does not exist is something to try.
        options.Converters.Add(new JsonStringEnumConverter<IommufdOption>(JsonNamingPolicy.CamelCase, allowIntegerValues: true));
        // So is an answer that is neither.
        options.Converters.Add(new JsonStringEnumConverter<PageResponse>(JsonNamingPolicy.CamelCase, allowIntegerValues: true));
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false));
        options.Converters.Add(new HexUInt64Converter());
        options.Converters.Add(new HexUInt128Converter());
        options.TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { KeepRangesToTheirEnds, AlwaysWriteErrno } };
    }

    private static JsonSerializerOptions Make()
    {
        var options = new JsonSerializerOptions();
        Configure(options);
        options.MakeReadOnly();
        return options;
    }

    private static void KeepRangesToTheirEnds(JsonTypeInfo type)
    {
        if (type.Type != typeof(IovaRange))
            return;
        Remove(type, "lengthBytes");
        foreach (JsonPropertyInfo end in type.Properties)
            end.IsRequired = true;
    }

    // A client tells success by errno being null; a field that is only sometimes there would be easy to misread.
    private static void AlwaysWriteErrno(JsonTypeInfo type)
    {
        if (type.Type == typeof(Commands.CommandAnswer))
            type.Properties.Single(p => p.Name == "errno").ShouldSerialize = static (_, _) => true;
    }

    private static void Remove(JsonTypeInfo type, string name)
    {
        for (int i = type.Properties.Count - 1; i >= 0; i--)
        {
            if (type.Properties[i].Name == name)
                type.Properties.RemoveAt(i);
        }
    }

    private sealed class HexUInt64Converter : JsonConverter<ulong>
    {
        public override ulong Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType == JsonTokenType.Number && reader.TryGetUInt64(out ulong value))
                return value;
            if (reader.TokenType == JsonTokenType.String && reader.GetString() is { } text && text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
                && ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value))
                return value;
            throw new JsonException("expected a whole number from 0 to 2^64-1, or a hex text like \"0xfee00000\"");
        }

        public override void Write(Utf8JsonWriter writer, ulong value, JsonSerializerOptions options) => writer.WriteStringValue($"0x{value:x}");
    }

    private sealed class HexUInt128Converter : JsonConverter<UInt128>
    {
        public override UInt128 Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException("128-bit values are only written.");

        public override void Write(Utf8JsonWriter writer, UInt128 value, JsonSerializerOptions options) => writer.WriteStringValue($"0x{value:x}");
    }
}
