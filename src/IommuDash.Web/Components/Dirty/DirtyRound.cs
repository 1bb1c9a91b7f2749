using IommuDash.Engine;
using IommuDash.Engine.Iommufd;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Components.Dirty;

/// <summary>One read of a hw_pagetable's dirty bitmap: a round of a migration's pre-copy.</summary>
/// <param name="Number">From 1 since tracking was switched on last.</param>
/// <param name="Pages">Bits the read set.</param>
/// <param name="Cleared">False for a read with NO_CLEAR.</param>
public sealed record DirtyRound(int Number, ulong Pages, bool Cleared, IovaRange Range, long Version, string Source, DateTimeOffset Time)
{
    /// <summary>The rounds since tracking was switched on, oldest first.</summary>
    /// <param name="events">Of the hw_pagetable, newest first.</param>
    public static IReadOnlyList<DirtyRound> Of(IReadOnlyList<EventItem> events, uint hwpt)
    {
        var rounds = events
            .TakeWhile(item => !(item.Object == hwpt && item is { Kind: EngineEventKind.ObjectCreated } or { Kind: EngineEventKind.DirtyTrackingSet, Value: 1 }))
            .Where(static item => item is { Kind: EngineEventKind.DirtyBitmapRead, Range: not null })
            .Reverse()
            .ToList();
        return [.. rounds.Select(static (item, index) => new DirtyRound(index + 1, item.Value, item.Other != (uint)GetDirtyFlags.NoClear, item.Range!.Value, item.Version, item.Source, item.Time))];
    }
}
