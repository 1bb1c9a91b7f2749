namespace IommuDash.Web.Components.Pinned;

/// <summary>What someone thinks of mapping; a null field is empty or cannot be read.</summary>
public sealed record FitPlan(ulong? Address, ulong? Length, bool Writeable);
