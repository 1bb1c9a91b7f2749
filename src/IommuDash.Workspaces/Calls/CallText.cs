// Calls in words, as strace would print them.
using System.Globalization;
using System.Text;
using IommuDash.Abi.Layout;

namespace IommuDash.Workspaces.Calls;

/// <summary>Texts of calls and their fields.</summary>
public static class CallText
{
    /// <summary>The call's name; of TEST with its operation.</summary>
    public static string NameOf(CallRecord call)
    {
        ArgumentNullException.ThrowIfNull(call);
        return CallTypes.OperationOf(call) is { } operation ? $"{call.Name} {operation.Name}" : call.Name;
    }

    /// <summary>What the caller asked for, without the structure's length and what must be zero anyway.</summary>
    public static string Arguments(CallRecord call)
    {
        ArgumentNullException.ThrowIfNull(call);
        switch (call.Kind)
        {
            case CallKind.Open:
                return call.FileName ?? "";
            case CallKind.Read or CallKind.Write or CallKind.Mmap:
                return $"{OnFile(call)}{call.LengthBytes.ToString(CultureInfo.InvariantCulture)} bytes{(call.Offset == 0 ? "" : $" at {Hex(call.Offset)}")}";
            case CallKind.Close or CallKind.Munmap:
                return OnFile(call).TrimEnd(' ', ',');
        }
        var text = new StringBuilder();
        if (CallTypes.IsOnDevice(call.Name))
            text.Append(call.FileName ?? OnFile(call).TrimEnd(' ', ','));
        // Whom it is about first, since a row may have room for little more; flags last.
        foreach (CallField field in CallTypes.FieldsOf(call).OrderBy(field => field.Role switch { FieldRole.ObjectId => 0, FieldRole.Flags => 2, _ => 1 }))
        {
            ulong value = field.Field.Read(call.Before.Span);
            if (field.Role == FieldRole.Size || field.IsOutput || (value == 0 && (field.Role is FieldRole.Reserved || field.Name is "flags" or "pasid")) || (field.Name == "op" && field.Namesake == CallTypes.Test))
                continue;
            Add(text, field, value);
        }
        if (call.Before.IsEmpty && call.Argument != 0)
            text.Append(Hex(call.Argument));
        return text.ToString();
    }

    /// <summary>Fields the call changed, with their new values; empty if none.</summary>
    public static string Outputs(CallRecord call)
    {
        ArgumentNullException.ThrowIfNull(call);
        var text = new StringBuilder();
        foreach (CallField field in CallTypes.FieldsOf(call))
        {
            ulong value = field.Field.Read(call.After.Span);
            if (value != field.Field.Read(call.Before.Span))
                Add(text, field, value);
        }
        return text.ToString();
    }

    /// <summary>A field's value: names of flags and choices, decimals for ids, counts and small numbers, else hex.</summary>
    public static string Value(CallField field, ulong value)
    {
        ArgumentNullException.ThrowIfNull(field);
        switch (field.Role)
        {
            case FieldRole.Flags:
                return Flags(FieldMeanings.NamesOf(field.Namesake, field.Name), value);
            case FieldRole.Choice:
                foreach (NamedValue named in FieldMeanings.NamesOf(field.Namesake, field.Name))
                {
                    if (named.Value == value)
                        return named.Name;
                }
                break;
            case FieldRole.ObjectId or FieldRole.Size:
                return value.ToString(CultureInfo.InvariantCulture);
            case FieldRole.Descriptor:
                return ((int)value).ToString(CultureInfo.InvariantCulture);
        }
        return value < 10 ? value.ToString(CultureInfo.InvariantCulture) : Hex(value);
    }

    /// <summary>Set bits by name, what has no name in hex; 0 if none is set.</summary>
    public static string Flags(IReadOnlyList<NamedValue> names, ulong value)
    {
        ArgumentNullException.ThrowIfNull(names);
        if (value == 0)
            return "0";
        List<string> set = [];
        foreach (NamedValue named in names)
        {
            if ((value & named.Value) != named.Value)
                continue;
            set.Add(named.Name);
            value &= ~named.Value;
        }
        if (value != 0)
            set.Add(Hex(value));
        return string.Join('|', set);
    }

    internal static string Hex(ulong value) => "0x" + value.ToString("x", CultureInfo.InvariantCulture);

    private static string OnFile(CallRecord call) => call.FileObjects is [var id, ..] ? $"file of {id}, " : "";

    private static void Add(StringBuilder text, CallField field, ulong value) =>
        text.Append(text.Length == 0 ? "" : ", ").Append(field.Name).Append('=').Append(Value(field, value));
}
