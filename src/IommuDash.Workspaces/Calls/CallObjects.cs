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

    /// <summary>Ids the call made, if it succeeded: what its output fields say.</summary>
    public static IReadOnlyList<uint> Made(CallRecord call)
    {
        ArgumentNullException.ThrowIfNull(call);
        if (call.Result < 0)
            return [];
        List<uint> made = [];
        foreach (CallField field in CallTypes.FieldsOf(call))
        {
            if (field.IsOutput && field.Role == FieldRole.ObjectId && field.Field.Read(call.After.Span) is not 0 and var id)
                made.Add((uint)id);
        }
        if (CallTypes.OperationOf(call) is { Op: TestOp.CreateAccess })
            made.AddRange(call.FileObjects);
        return made;
    }
}
