// Which calls before a call a program needs to make for it to come to the same: a slice backwards through the log, by the objects that calls name.
// Holds always: every call of the chain is of the same open context, succeeded, was not undone, and comes before the call.
// Leaves out what refused calls left behind (a refused unmap may have removed something), and what other contexts did.
namespace IommuDash.Workspaces.Calls;

/// <summary>The calls a call stands on.</summary>
/// <param name="Open">The call that opened the context; null if it is not kept.</param>
/// <param name="Calls">Ascending; the open is not among them.</param>
/// <param name="IsCut">There are more, beyond <see cref="MaxCalls"/> or no longer kept.</param>
public sealed record CallChain(CallRecord? Open, IReadOnlyList<CallRecord> Calls, bool IsCut)
{
    /// <summary>Most calls of a chain.</summary>
    public const int MaxCalls = 200;

    /// <summary>The chain of a call in its log.</summary>
    public static CallChain Of(CallLog log, CallRecord call)
    {
        ArgumentNullException.ThrowIfNull(log);
        ArgumentNullException.ThrowIfNull(call);
        var needed = new HashSet<uint>(Named(call));
        needed.UnionWith(call.Refusal?.Objects ?? []);
        // What the container does depends on all that was done with the container.
        bool needsContainer = IsOnContainer(call);
        List<CallRecord> chain = [];
        CallRecord? open = null;
        bool isCut = true;
        for (long number = call.Number - 1; log.Find(number) is { } before; number--)
        {
            if (before.Context != call.Context || before.IsUndone || before.Result < 0)
                continue;
            if (before.Kind == CallKind.Open)
            {
                (open, isCut) = (before, false);
                break;
            }
            if (!before.Objects.Any(needed.Contains) && before.Name != "OPTION" && !(needsContainer && IsOnContainer(before)))
                continue;
            if (chain.Count == MaxCalls)
                break;
            chain.Add(before);
            needed.ExceptWith(CallObjects.Given(before));
            needed.UnionWith(Named(before));
        }
        chain.Reverse();
        return new CallChain(open, chain, isCut);
    }

    private static IEnumerable<uint> Named(CallRecord call) => call.Objects.Except(CallObjects.Given(call));

    private static bool IsOnContainer(CallRecord call) => call.Kind == CallKind.Ioctl && call.Name.StartsWith("VFIO_", StringComparison.Ordinal) && !CallTypes.IsOnDevice(call.Name);
}
