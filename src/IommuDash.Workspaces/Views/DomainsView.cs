using System.Text.Json.Serialization;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;

namespace IommuDash.Workspaces.Views;

/// <summary>The hw_pagetables of a context and their tables in numbers.</summary>
public sealed record DomainsQuery(int Context = 1);

/// <summary>How many leaves of one size a table has.</summary>
/// <param name="PageShift">log2 of the size in bytes.</param>
public sealed record LeafCount(int PageShift, long Count);

/// <summary>How many tables there are at a level, 0 = leaf-most, and which IOVA bits index them.</summary>
public sealed record LevelTables(int Level, int LowBit, int Bits, long Tables);

/// <summary>A device attached through a hw_pagetable.</summary>
public sealed record DomainDevice(uint Id, string Address);

/// <summary>One hw_pagetable with its domain.</summary>
/// <param name="RootPhysical">Physical address of the top table.</param>
/// <param name="PageSizeBitmap">One bit per leaf size it can use.</param>
/// <param name="Levels">Top level first.</param>
public sealed record DomainRow(
    uint Hwpt,
    uint Ioas,
    string Unit,
    bool IsAutomatic,
    string Format,
    ulong RootPhysical,
    IovaRange Aperture,
    ulong PageSizeBitmap,
    long TableBytes,
    ulong MappedBytes,
    bool EnforcesCoherency,
    IReadOnlyList<LevelTables> Levels,
    IReadOnlyList<LeafCount> Leaves,
    IReadOnlyList<DomainDevice> Devices) : IViewItem
{
    public string Key => $"hwpt:{Hwpt}";

    /// <summary>Leaves of all sizes.</summary>
    public long LeafTotal => Leaves.Sum(static leaf => leaf.Count);
}

/// <summary>Domains by ascending id; <paramref name="Total"/> counts those left out too.</summary>
/// <param name="Ioases">Ids of the context's IOASes, the first <see cref="DomainsView.MaxDomains"/>.</param>
/// <param name="Contexts">Open contexts of the host.</param>
public sealed record DomainsSnapshot([property: JsonPropertyName("items")] IReadOnlyList<DomainRow> Domains, int Total, IReadOnlyList<uint> Ioases, IReadOnlyList<IoasContext> Contexts) : IItemSnapshot
{
    IReadOnlyList<IViewItem> IItemSnapshot.Items => Domains;
}

public sealed class DomainsView : IView<DomainsQuery, DomainsSnapshot>
{
    /// <summary>Most domains shown.</summary>
    public const int MaxDomains = 256;

    private const int MaxDevices = 64;

    public static string Name => "domains.list";

    public static DomainsSnapshot Project(EmulatedHost host, DomainsQuery query)
    {
        ArgumentNullException.ThrowIfNull(host);
        HwptPaging[] hwpts = [.. host.FindContext(query.Context)?.Objects.All.OfType<HwptPaging>() ?? []];
        ILookup<HwptPaging, Device> devices = (host.FindContext(query.Context)?.Objects.All.OfType<Device>() ?? []).Where(static device => device.Hwpt is not null).ToLookup(static device => device.Hwpt!);
        return new DomainsSnapshot(
            [.. hwpts.Take(MaxDomains).Select(hwpt => Row(hwpt, devices[hwpt]))],
            hwpts.Length,
            [.. (host.FindContext(query.Context)?.Objects.All.OfType<Ioas>() ?? []).Take(MaxDomains).Select(static ioas => ioas.Id)],
            [.. host.Contexts.Select(static context => new IoasContext(context.Fd, context.Opener.Pid, context.Opener.Name))]);
    }

    private static DomainRow Row(HwptPaging hwpt, IEnumerable<Device> devices)
    {
        IommuDomain domain = hwpt.Domain;
        return new DomainRow(
            hwpt.Id,
            hwpt.Ioas.Id,
            hwpt.Unit.Name,
            hwpt.IsAutomatic,
            domain.FormatName,
            domain.RootPhysical,
            domain.Aperture,
            domain.PageSizeBitmap,
            (long)domain.TableBytes,
            domain.MappedBytes,
            domain.EnforcesCoherency,
            [.. Enumerable.Range(0, domain.Levels).Reverse().Select(level => new LevelTables(level, domain.IndexBits(level).LowBit, domain.IndexBits(level).Bits, domain.TableCount(level)))],
            [.. domain.LeafCounts().Select(static leaf => new LeafCount(leaf.PageShift, leaf.Count))],
            [.. devices.Take(MaxDevices).Select(static device => new DomainDevice(device.Id, device.Hardware.Address))]);
    }
}
