using IommuDash.Abi.Layout;

namespace IommuDash.Workspaces.Calls;

/// <summary>Which objects a call is about, read from the fields that hold object ids.</summary>
public static class CallObjects
{
    /// <summary>Ids, ascending, none twice. 0 is no object.</summary>
    public static IReadOnlyList<uint> Of(CallRecord call)
    {
        ArgumentNullException.ThrowIfNull(call);
        var ids = new SortedSet<uint>(call.FileObjects);
        foreach (CallField field in CallTypes.FieldsOf(call))
        {
            if (field.Role != FieldRole.ObjectId)
                continue;
            ids.Add((uint)field.Field.Read(call.Before.Span));
            ids.Add((uint)field.Field.Read(call.After.Span));
        }
        ids.Remove(0);
        return [.. ids];
    }

    /// <summary>Ids the call gave its caller, if it succeeded: of what it made, and of what an attach chose.</summary>
    public static IReadOnlyList<uint> Given(CallRecord call)
    {
        ArgumentNullException.ThrowIfNull(call);
        if (call.Result < 0)
            return [];
        List<uint> given = [];
        foreach (CallField field in CallTypes.FieldsOf(call))
        {
            if (IsGiven(call, field))
                given.Add((uint)field.Field.Read(call.After.Span));
        }
        if (CallTypes.OperationOf(call) is { Op: TestOp.CreateAccess })
            given.AddRange(call.FileObjects);
        return given;
    }

    /// <summary>Whether a field holds an id that the call put there.</summary>
    internal static bool IsGiven(CallRecord call, CallField field) =>
        field.Role == FieldRole.ObjectId && field.Field.Read(call.After.Span) is not 0 and var id && (field.IsOutput || id != field.Field.Read(call.Before.Span));
}
