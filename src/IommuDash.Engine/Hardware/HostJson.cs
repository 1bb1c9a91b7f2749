// Host descriptions as JSON files: camelCase names, enum names, comments and trailing commas allowed, every unknown or repeated field an error.
// 64-bit fields may be written as numbers, "0xfee00000", "1 GiB" or "unlimited", ids also as "0x8086"; they are written back as hex strings, since JSON numbers lose bits above 2^53.
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace IommuDash.Engine.Hardware;

public static class HostJson
{
    /// <summary>Largest JSON text read, in bytes of UTF-8.</summary>
    public const int MaxBytes = 4 << 20;

    public static JsonSerializerOptions Options { get; } = MakeOptions();

    public static string Write(HostDescription host) => JsonSerializer.Serialize(host, Options);

    /// <summary>Reads and validates a host. Null if there are <paramref name="problems"/>; their paths are the file's own.</summary>
    public static HostDescription? Read(string json, out IReadOnlyList<HostProblem> problems, HostLimits? limits = null)
    {
        if (json.Length > MaxBytes || Encoding.UTF8.GetByteCount(json) > MaxBytes)
        {
            problems = [new HostProblem("$", $"The text is larger than {MaxBytes:N0} bytes.")];
            return null;
        }
        HostDescription? host;
        try
        {
            host = JsonSerializer.Deserialize<HostDescription>(json, Options);
        }
        catch (JsonException e)
        {
            string place = e.LineNumber is long line ? $" (line {line + 1}, byte {e.BytePositionInLine + 1})" : "";
            problems = [new HostProblem(e.Path ?? "$", FirstSentence(e.Message) + place)];
            return null;
        }
        if (host is null)
        {
            problems = [new HostProblem("$", "The text is null.")];
            return null;
        }
        problems = HostDescriptionValidator.Validate(host, limits);
        return problems.Count == 0 ? host : null;
    }

    // The serializer appends the path and position, which are reported by themselves.
    private static string FirstSentence(string message)
    {
        int end = message.IndexOf(" Path: ", StringComparison.Ordinal);
        return end < 0 ? message : message[..end];
    }

    private static JsonSerializerOptions MakeOptions()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            AllowDuplicateProperties = false,
            AllowTrailingCommas = true,
            IgnoreReadOnlyProperties = true,
            MaxDepth = 16,
            NumberHandling = JsonNumberHandling.Strict,
            PropertyNameCaseInsensitive = false,
            ReadCommentHandling = JsonCommentHandling.Skip,
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true,
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
            WriteIndented = true,
        };
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false));
        options.Converters.Add(new UInt64Converter());
        options.Converters.Add(new Int32Converter());
        return options;
    }

    private sealed class UInt64Converter : JsonConverter<ulong>
    {
        private static readonly (string Suffix, int Shift)[] Units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)];

        public override ulong Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType == JsonTokenType.Number && reader.TryGetUInt64(out ulong value))
                return value;
            if (reader.TokenType == JsonTokenType.String && TryParse(reader.GetString()!, out value))
                return value;
            throw new JsonException("Expected a number from 0 to 2^64-1, or a text like \"0xfee00000\", \"64 MiB\" or \"unlimited\".");
        }

        public override void Write(Utf8JsonWriter writer, ulong value, JsonSerializerOptions options) => writer.WriteStringValue($"0x{value:x}");

        private static bool TryParse(string text, out ulong value)
        {
            value = ulong.MaxValue;
            if (text == "unlimited")
                return true;
            if (TryHex(text, out value))
                return true;
            foreach ((string suffix, int shift) in Units)
            {
                if (!text.EndsWith(suffix, StringComparison.Ordinal))
                    continue;
                ReadOnlySpan<char> number = text.AsSpan(0, text.Length - suffix.Length).TrimEnd(' ');
                bool fits = ulong.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value <= ulong.MaxValue >> shift;
                value <<= shift;
                return fits;
            }
            return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
        }
    }

    private sealed class Int32Converter : JsonConverter<int>
    {
        public override int Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int value))
                return value;
            if (reader.TokenType == JsonTokenType.String && TryHex(reader.GetString()!, out ulong hex) && hex <= int.MaxValue)
                return (int)hex;
            throw new JsonException("Expected a whole number, or a text like \"0x8086\".");
        }

        public override void Write(Utf8JsonWriter writer, int value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
    }

    private static bool TryHex(string text, out ulong value)
    {
        value = 0;
        return text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) && ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }
}
