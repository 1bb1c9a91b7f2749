using IommuDash.Engine;

namespace IommuDash.Workspaces.Commands;

/// <summary>Cap on the bytes in one command, which the journal keeps, and on those one command reads.</summary>
internal static class CommandBytes
{
    public const int Max = ProcessWrite.MaxBytes;

    public static Refusal? Check(string field, ReadOnlyMemory<byte> bytes) =>
        bytes.Length <= Max ? null : new Refusal(Errno.E2BIG, "command.size", $"{field} has {bytes.Length} bytes; one command may have {Max}.");

    /// <param name="count">Bytes to read; null = as many as fit.</param>
    public static Refusal? CheckCount(int? count) =>
        count is null or (>= 0 and <= Max) ? null : new Refusal(Errno.E2BIG, "command.size", $"{count} bytes to read; one command may have {Max}.");
}
