// The words "field=value" of a trace: which there are for a call's structure, and how a value is spelled.
// The selftest's command has the fields of its operation, and beside them its union as 32-bit words u0, u4, … (by offset in the union), which are written where no field is and something lies there.
using System.Globalization;
using IommuDash.Abi;
using IommuDash.Abi.Layout;

namespace IommuDash.Bridge.Trace;

internal static class TraceFields
{
    private const int WordBytes = 4;
    private const string Op = "op";
    private static readonly StructField s_op = FieldMap.Of(typeof(IommuTest)).Single(field => field.Name == Op);

    private static readonly StructField[] s_words =
        [.. Enumerable.Range(0, (72 - IommuTest.UnionOffset) / WordBytes).Select(i => new StructField(Word(i * WordBytes), IommuTest.UnionOffset + (i * WordBytes), WordBytes, false))];

    // By operation; 0 = unknown ones. Every byte of the command lies in exactly one field.
    private static readonly StructField[][] s_test = [.. Enumerable.Range(0, TestFields.All.Length + 1).Select(op => Complete(TestFields.Find((ulong)op)))];

    /// <summary>Every field of a structure, of which the bytes say which operation it is.</summary>
    public static IReadOnlyList<StructField> Of(IoctlInfo? info, ReadOnlySpan<byte> bytes)
    {
        if (info?.Structure is not { } structure)
            return [];
        if (structure != typeof(IommuTest))
            return FieldMap.Of(structure);
        ulong op = s_op.Read(bytes);
        return s_test[op < (ulong)s_test.Length ? op : 0];
    }

    /// <summary>A call by name, with the operation for the selftest's command, e.g. <c>TEST MOCK_DOMAIN</c>. Every number without a call is the same to it.</summary>
    public static string NameOf(IoctlInfo? info, ReadOnlySpan<byte> bytes)
    {
        if (info is null)
            return "unknown number";
        return info.Structure == typeof(IommuTest) ? $"{info.Name} {TestFields.Find(s_op.Read(bytes))?.Name ?? "unknown op"}" : info.Name;
    }

    /// <summary>Whether a field is written down although it is zero.</summary>
    public static bool IsAlwaysShown(in StructField field) => !s_words.Contains(field);

    public static string Spell(IoctlInfo info, in StructField field, ulong value)
    {
        if (info.Structure == typeof(IommuTest) && field.Name == Op && TestFields.Find(value) is { } operation)
            return operation.Name;
        return value < 10 ? value.ToString(CultureInfo.InvariantCulture) : TraceText.Hex(value);
    }

    /// <summary>Stores a word "field=value" in a structure. Words of a test's operation count once its <c>op</c> is stored; a name that is none of the structure's is passed over.</summary>
    public static void Store(IoctlInfo? info, Span<byte> bytes, string word)
    {
        int at = word.IndexOf('=', StringComparison.Ordinal);
        string name = word[..at];
        foreach (StructField field in Of(info, bytes).Concat(info?.Structure == typeof(IommuTest) ? s_words : []))
        {
            if (field.Name != name)
                continue;
            ulong? named = name == Op ? (ulong?)TestFields.FindByName(word[(at + 1)..])?.Op : null;
            field.Write(bytes, named ?? TraceText.Number(word.AsSpan(at + 1)));
            return;
        }
    }

    private static string Word(int offset) => string.Create(CultureInfo.InvariantCulture, $"u{offset}");

    private static StructField[] Complete(TestOperation? operation)
    {
        StructField[] own = operation is null ? [] : [.. operation.Fields];
        return [.. FieldMap.Of(typeof(IommuTest)), .. own, .. s_words.Where(word => !own.Any(field => word.Offset >= field.Offset && word.Offset < field.Offset + field.Bytes))];
    }
}
