// The access objects of an IOAS: who they are, and what they keep pinned.
using System.Text.Json.Serialization;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces.Views;

public sealed record IoasAccessesQuery(uint Ioas, int Context = 1);

/// <summary>A range that an access keeps pinned.</summary>
/// <param name="Item">What unpins it; null for a hardware queue's, which goes with the queue.</param>
public sealed record AccessPinned(uint? Item, ulong Start, ulong Last);

/// <summary>One access object.</summary>
/// <param name="MayPin">Whether it was made for pinning.</param>
/// <param name="Holder">Who holds it.</param>
/// <param name="IsOpen">Whether an emulated device has it, which can pin, unpin and close it.</param>
/// <param name="Pinned">The first <see cref="IoasAccessesView.MostPins"/> ranges.</param>
public sealed record AccessRow(uint Id, bool MayPin, string Holder, bool IsOpen, IReadOnlyList<AccessPinned> Pinned, int TotalPinned) : IViewItem
{
    public string Key => $"access:{Id}";
}

/// <param name="Total">Access objects attached to the IOAS, those left out too.</param>
public sealed record IoasAccessesSnapshot([property: JsonPropertyName("items")] IReadOnlyList<AccessRow> Rows, int Total) : IItemSnapshot
{
    IReadOnlyList<IViewItem> IItemSnapshot.Items => Rows;
}

public sealed class IoasAccessesView : IView<IoasAccessesQuery, IoasAccessesSnapshot>
{
    /// <summary>Access objects listed.</summary>
    public const int MostRows = 64;

    /// <summary>Pinned ranges listed of each.</summary>
    public const int MostPins = 16;

    public static string Name => "ioas.accesses";

    public static IoasAccessesSnapshot Project(EmulatedHost host, IoasAccessesQuery query)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (IoasAreas.Find(host, query.Context, query.Ioas) is not { } ioas)
            return new IoasAccessesSnapshot([], 0);
        Access[] accesses = [.. ioas.Pagetable.Accesses.OrderBy(static access => access.Id)];
        return new IoasAccessesSnapshot([.. accesses.Take(MostRows).Select(Row)], accesses.Length);
    }

    /// <summary>Everything that is pinned through the accesses of an IOAS, and who asked for it.</summary>
    internal static IEnumerable<(uint Access, uint? Item, string Holder, IovaRange Range)> PinsOf(Ioas ioas) =>
        ioas.Pagetable.Accesses.SelectMany(static access => PinsOf(access).Select(pin => (access.Id, pin.Item, Holder(access), new IovaRange(pin.Start, pin.Last))));

    private static AccessRow Row(Access access)
    {
        AccessPinned[] pinned = [.. PinsOf(access)];
        return new AccessRow(access.Id, access.NeedsPinPages, Holder(access), access.Owner is AccessFile { IsOpen: true }, [.. pinned.Take(MostPins)], pinned.Length);
    }

    private static IEnumerable<AccessPinned> PinsOf(Access access) => access.Owner is AccessFile file
        ? file.Items.Select(static item => new AccessPinned(item.Id, item.Iova, item.Iova + (item.LengthBytes - 1)))
        : QueueOf(access) is { } queue ? [new AccessPinned(null, queue.Range.Start, queue.Range.Last)] : [];

    private static string Holder(Access access) => access.Owner is AccessFile file ? $"emulated device of {file.Opener.Name} (pid {file.Opener.Pid})"
        : QueueOf(access) is { } queue ? $"hardware queue {queue.Id}, which locks its areas"
        : "the kernel itself";

    private static HwQueue? QueueOf(Access access) => access.Context.Objects.All.OfType<HwQueue>().FirstOrDefault(queue => queue.Access == access);
}
