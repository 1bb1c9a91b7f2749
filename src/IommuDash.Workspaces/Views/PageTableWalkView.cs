using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;

namespace IommuDash.Workspaces.Views;

/// <summary>The walk a DMA to an IOVA takes through one hw_pagetable.</summary>
public sealed record WalkQuery(int Context, uint Hwpt, ulong Iova);

/// <summary>One level of the walk.</summary>
/// <param name="Path">Indexes from the top up to this level, as <see cref="PageTableQuery.Path"/> wants them.</param>
/// <param name="Fields">The entry taken apart.</param>
public sealed record WalkedEntry(int Level, ulong TablePhysical, int Index, ulong Raw, EntryKind Kind, ulong Target, int PageShift, string Path, IReadOnlyList<EntryField> Fields);

/// <param name="Exists">False: there is no such hw_pagetable.</param>
/// <param name="Physical">Where the IOVA leads, or null if nowhere.</param>
/// <param name="Outcome">One sentence: where it leads, or at which level it ends.</param>
public sealed record WalkSnapshot(bool Exists, uint Hwpt, string Format, IReadOnlyList<LevelTables> Levels, IReadOnlyList<WalkedEntry> Steps, ulong? Physical, string Outcome);

public sealed class PageTableWalkView : IView<WalkQuery, WalkSnapshot>
{
    private const int MaxSteps = 6;

    public static string Name => "domains.walk";

    public static WalkSnapshot Project(EmulatedHost host, WalkQuery query)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (host.FindContext(query.Context)?.Objects.Find<HwptPaging>(query.Hwpt) is not { } hwpt)
            return new WalkSnapshot(false, query.Hwpt, "", [], [], null, $"There is no hw_pagetable {query.Hwpt}.");
        IommuDomain domain = hwpt.Domain;
        Span<WalkStep> steps = stackalloc WalkStep[MaxSteps];
        steps = steps[..domain.Walk(query.Iova, steps)];
        var walked = new List<WalkedEntry>();
        string path = "";
        foreach (WalkStep step in steps)
        {
            path = path.Length == 0 ? $"{step.Index}" : $"{path}.{step.Index}";
            walked.Add(new WalkedEntry(step.Level, step.TablePhysical, step.Index, step.Raw, step.Kind, step.Target, step.PageShift, path, domain.DescribeEntry(step.Level, step.Raw)));
        }
        ulong? physical = domain.TryTranslate(query.Iova, out ulong found) ? found : null;
        return new WalkSnapshot(true, hwpt.Id, domain.FormatName, PageTableView.LevelsOf(domain), walked, physical, Outcome(domain, query.Iova, walked, physical));
    }

    private static string Outcome(IommuDomain domain, ulong iova, List<WalkedEntry> walked, ulong? physical)
    {
        if (walked.Count == 0)
        {
            int bits = domain.IndexBits(domain.Levels - 1).LowBit + domain.IndexBits(domain.Levels - 1).Bits;
            return $"Not mapped: {DomainAperturesView.Hex(iova)} needs more than the {bits} bits that {domain.Levels} levels translate.";
        }
        WalkedEntry end = walked[^1];
        return physical is { } address
            ? $"{DomainAperturesView.Hex(iova)} leads to {DomainAperturesView.Hex(address)} through a leaf at level {end.Level}."
            : $"Not mapped: the walk ends at level {end.Level}, where entry {end.Index} is empty. A DMA there faults.";
    }
}
