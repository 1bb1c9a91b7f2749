// C text of a call's structure: its type, its request number, a field's initialiser. Self-contained, since <linux/iommufd.h> is younger than many systems' headers.
using System.Globalization;
using System.Text;
using IommuDash.Abi;
using IommuDash.Abi.Layout;

namespace IommuDash.Workspaces.Calls;

internal static class CStructures
{
    /// <summary>Name of the type: the header file's, with the operation for TEST, whose union is spelled out.</summary>
    public static string TypeOf(CallRecord call)
    {
        string name = FieldMap.KernelName(CallTypes.Find(call.Name)!.Structure!.Name);
        return CallTypes.OperationOf(call) is { } operation ? $"{name}_{operation.Name.ToLowerInvariant()}" : name;
    }

    /// <summary>Name of the request number.</summary>
    public static string RequestOf(string call) => call == CallTypes.Test ? "IOMMU_TEST_CMD" : call.StartsWith("VFIO_", StringComparison.Ordinal) && call != "VFIO_IOAS" ? call : $"IOMMU_{call}";

    /// <summary>Definition of the request number.</summary>
    public static string Request(IoctlInfo info) => string.Create(CultureInfo.InvariantCulture, $"#define {RequestOf(info.Name)} _IO(';', 0x{info.Number & 0xff:x2})\n");

    /// <summary>Definition of the type, and that the compiler lays it out like the kernel.</summary>
    public static string Type(CallRecord call)
    {
        var text = new StringBuilder();
        text.Append("struct ").Append(TypeOf(call)).Append(" {\n");
        int end = 0;
        foreach (CallField field in CallTypes.FieldsOf(call))
        {
            Pad(text, end, field.Field.Offset, field.Field.Bytes);
            text.Append(CultureInfo.InvariantCulture, $"\t{(field.Field.IsSigned ? "" : "u")}int{field.Field.Bytes * 8}_t {field.Name};\n");
            end = field.Field.Offset + field.Field.Bytes;
        }
        int bytes = CallTypes.Find(call.Name)!.KnownBytes;
        Pad(text, end, bytes, 1);
        text.Append(CultureInfo.InvariantCulture, $"}};\n_Static_assert(sizeof(struct {TypeOf(call)}) == {bytes}, \"as the kernel has it\");\n");
        return text.ToString();
    }

    /// <summary>A number as C has it.</summary>
    public static string Number(ulong value) => value switch
    {
        < 10 => value.ToString(CultureInfo.InvariantCulture),
        <= int.MaxValue => CallText.Hex(value),
        _ => CallText.Hex(value) + "ull",
    };

    /// <summary>Bytes as an initialiser.</summary>
    public static string Bytes(ReadOnlySpan<byte> bytes)
    {
        const int PerLine = 16;
        var text = new StringBuilder();
        for (int i = 0; i < bytes.Length; i++)
            text.Append(i % PerLine == 0 ? "\n\t\t" : " ").Append(CultureInfo.InvariantCulture, $"0x{bytes[i]:x2},");
        return text.Length == 0 ? "{ 0 }" : $"{{{text}\n\t}}";
    }

    /// <summary>Text that may stand in a comment.</summary>
    public static string Comment(string text)
    {
        var safe = new StringBuilder(text.Length);
        foreach (char c in text)
            safe.Append(c is >= ' ' and < '\x7f' ? c : c == '–' ? '-' : '?');
        return safe.ToString().Replace("*/", "* /", StringComparison.Ordinal).Replace("/*", "/ *", StringComparison.Ordinal);
    }

    /// <summary>Text that may stand between quotes.</summary>
    public static string Quoted(string text)
    {
        var safe = new StringBuilder("\"");
        foreach (char c in text)
            safe.Append(c is >= ' ' and < '\x7f' and not ('"' or '\\' or '?' or '%') ? c : '_');
        return safe.Append('"').ToString();
    }

    // Where the compiler would not leave the gap by itself.
    private static void Pad(StringBuilder text, int from, int to, int alignment)
    {
        if (to - from >= alignment)
            text.Append(CultureInfo.InvariantCulture, $"\tuint8_t pad_{from}[{to - from}];\n");
    }
}
