// The objects of one context and who holds a reference on whom, with what a destroy of the selected one would answer.
// A window of objects in ascending id is projected; each names what it holds even where that lies outside the window.
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Selftest;

namespace IommuDash.Workspaces.Views;

/// <param name="Context">The context's fd; need not be open.</param>
/// <param name="Kind">Kind of the selected object as in <see cref="ObjectFactsQuery"/>, or null for none.</param>
/// <param name="Id">Its id; of a device its address.</param>
/// <param name="First">Index of the first object, from 0.</param>
public sealed record ObjectGraphQuery(int Context = 1, string? Kind = null, string? Id = null, int First = 0);

/// <param name="Contexts">All open contexts of the host.</param>
/// <param name="Context">The one asked for; null if it is not open.</param>
/// <param name="Nodes">The window, by ascending id.</param>
/// <param name="First">Index of its first object.</param>
/// <param name="Total">Objects in the context's table.</param>
/// <param name="Selected">The selected object, in the window or not; null if none, or none of that name.</param>
public sealed record ObjectGraphSnapshot(IReadOnlyList<ContextSummary> Contexts, ContextSummary? Context, IReadOnlyList<ObjectNode> Nodes, int First, int Total, SelectedObject? Selected) : IItemSnapshot
{
    IReadOnlyList<IViewItem> IItemSnapshot.Items => Nodes;
}

/// <param name="Name">As selections have it.</param>
/// <param name="Label">Type and id, short.</param>
/// <param name="Detail">What tells it from others of its type; may be empty.</param>
/// <param name="References">Long-term references beside the table's own; 0 = it can be destroyed.</param>
/// <param name="Otherwise">How many of them are held by no object: by a driver, an attachment, an open file, a mapped window.</param>
/// <param name="Holds">Ids of the objects it holds a reference on, each once; the first <see cref="ObjectGraphView.MaxHolds"/>.</param>
/// <param name="TotalHolds">How many there are.</param>
/// <param name="IsAutomatic">It goes by itself with the last reference.</param>
public sealed record ObjectNode(uint Id, IommufdObjectType Type, ObjectName Name, string Label, string Detail, int References, int Otherwise, IReadOnlyList<uint> Holds, int TotalHolds, bool IsAutomatic) : IViewItem
{
    public string Key => $"{Id}";
}

/// <param name="Destroy">What IOMMU_DESTROY would answer; null = success.</param>
public sealed record SelectedObject(uint Id, Refusal? Destroy);

public sealed class ObjectGraphView : IView<ObjectGraphQuery, ObjectGraphSnapshot>
{
    /// <summary>Objects in one snapshot.</summary>
    public const int MaxNodes = 500;

    /// <summary>References named of one object; only a device with many PASIDs has more.</summary>
    public const int MaxHolds = 32;

    public static string Name => "objects.graph";

    public static ObjectGraphSnapshot Project(EmulatedHost host, ObjectGraphQuery query)
    {
        IReadOnlyList<ContextSummary> contexts = [.. host.Contexts.Select(AttachTargetsView.Describe)];
        if (host.FindContext(query.Context) is not { } context)
            return new ObjectGraphSnapshot(contexts, null, [], 0, 0, null);
        var held = new Dictionary<IommufdObject, int>();
        foreach (IommufdObject to in context.Objects.All.SelectMany(item => item.References))
            held[to] = held.GetValueOrDefault(to) + 1;
        int first = Math.Clamp(query.First, 0, Math.Max(context.Objects.Count - 1, 0));
        ObjectNode[] nodes = [.. context.Objects.All.Skip(first).Take(MaxNodes).Select(item => Describe(item, held.GetValueOrDefault(item)))];
        SelectedObject? selected = Find(host, context, query) is { } found ? new SelectedObject(found.Id, context.PreviewDestroy(found.Id)) : null;
        return new ObjectGraphSnapshot(contexts, AttachTargetsView.Describe(context), nodes, first, context.Objects.Count, selected);
    }

    private static IommufdObject? Find(EmulatedHost host, IommufdContext context, ObjectGraphQuery query) => query.Kind switch
    {
        "device" when query.Id is { } address => host.FindDevice(address)?.Owner is { } device && device.Context == context ? device : null,
        "object" or "ioas" or "hwpt" when uint.TryParse(query.Id, out uint id) && context.Objects.Find<IommufdObject>(id) is { } item =>
            query.Kind == "object" || ObjectFactsView.NameOf(item).Kind == query.Kind ? item : null,
        _ => null,
    };

    private static ObjectNode Describe(IommufdObject item, int held)
    {
        uint[] holds = [.. item.References.Select(to => to.Id).Distinct()];
        return new ObjectNode(item.Id, item.Type, ObjectFactsView.NameOf(item), $"{TypeName(item.Type)} {item.Id}", Detail(item), item.Users - 1, item.Users - 1 - held, [.. holds.Take(MaxHolds)], holds.Length,
            item is HwptPaging { IsAutomatic: true });
    }

    private static string Detail(IommufdObject item) => item switch
    {
        Device device => device.Hardware.Address,
        HwptPaging hwpt => $"{(hwpt.IsAutomatic ? "automatic" : hwpt.Flags.HasFlag(HwptFlags.NestParent) ? "nest parent" : "manual")} · {hwpt.Unit.Name}",
        Ioas ioas => $"{ioas.Pagetable.Areas.Count:N0} {(ioas.Pagetable.Areas.Count == 1 ? "area" : "areas")}",
        Access access => access.PinnedRanges == 1 ? "1 range pinned" : $"{access.PinnedRanges:N0} ranges pinned",
        FaultQueue queue => $"{queue.Waiting.Count + queue.Unanswered.Count:N0} pending",
        Viommu viommu => viommu.Unit.Name,
        Vdevice vdevice => $"0x{vdevice.VirtualId:x} in the guest",
        Veventq queue => $"{queue.Events.Count:N0} of {queue.Depth:N0} events",
        HwQueue queue => $"index {queue.Index}",
        MockDeviceObject mock => mock.Hardware.Address,
        _ => "",
    };

    /// <summary>As the kernel's structures call it.</summary>
    internal static string TypeName(IommufdObjectType type) => type switch
    {
        IommufdObjectType.Ioas => "IOAS",
        IommufdObjectType.HwptPaging => "hw_pagetable",
        IommufdObjectType.HwptNested => "nested hwpt",
        IommufdObjectType.Fault => "fault queue",
        IommufdObjectType.Viommu => "vIOMMU",
        IommufdObjectType.Vdevice => "vDEVICE",
        IommufdObjectType.Veventq => "vEVENTQ",
        IommufdObjectType.HwQueue => "HW queue",
        IommufdObjectType.Selftest => "mock device",
        _ => type.ToString().ToLowerInvariant(),
    };
}
