namespace IommuDash.Engine;

/// <summary>
/// Why a call was refused: the errno the reference gives, the rule that fired, one sentence a learner understands, and what stands in the way.
/// A method that may be refused returns <c>Refusal?</c>, null meaning success; an exception means a bug in the engine.
/// </summary>
/// <param name="Errno">The reference's error.</param>
/// <param name="Rule">Stable short name of the rule, e.g. <c>map.fixed.area</c>: documentation, tests and pages refer to it.</param>
/// <param name="Reason">One sentence with the values at hand.</param>
public sealed record Refusal(Errno Errno, string Rule, string Reason)
{
    /// <summary>Ranges to light up: the request's own first, then those in its way. May be empty.</summary>
    public IReadOnlyList<RefusalRange> Ranges { get; init; } = [];

    /// <summary>Ids of the objects in the way, in the context of the call. May be empty.</summary>
    public IReadOnlyList<uint> Objects { get; init; } = [];
}

/// <summary>What part a range plays in a refusal.</summary>
public enum RangeRole
{
    Requested,
    Area,
    Reserved,
    Allowed,
    Aperture,
    ProcessMemory,
}

/// <summary>A range in the way of a call, and in which role; IOVA unless the role is process memory.</summary>
public readonly record struct RefusalRange(RangeRole Role, IovaRange Range);
