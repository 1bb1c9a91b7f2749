using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace IommuDash.Workspaces.Commands;

/// <summary>Bytes as text, two hex digits each.</summary>
internal sealed class HexBytesConverter : JsonConverter<ReadOnlyMemory<byte>>
{
    public override ReadOnlyMemory<byte> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String && reader.GetString() is { } text && text.Length % 2 == 0)
        {
            var bytes = new byte[text.Length / 2];
            if (Convert.FromHexString(text, bytes, out _, out _) == OperationStatus.Done)
                return bytes;
        }
        throw new JsonException("expected bytes as a text of two hex digits each");
    }

    public override void Write(Utf8JsonWriter writer, ReadOnlyMemory<byte> value, JsonSerializerOptions options) => writer.WriteStringValue(Convert.ToHexStringLower(value.Span));
}
