// Where each object of the graph stands. Layers by type: what is held lies below what holds it. A layer has lines of a fixed number of places, so that 500 objects make a tall picture and not an endless one.
// Holds always: no two boxes overlap; an object keeps its place in its layer for as long as it is shown, and what goes leaves a gap that the next of the layer may take.
using IommuDash.Engine.Iommufd;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Components.Objects;

/// <summary>Upper left corner of a box, in units of the picture.</summary>
public readonly record struct NodePlace(int X, int Y);

/// <summary>The places of one snapshot.</summary>
public sealed class ObjectGraphLayout
{
    public const int NodeWidth = 172;
    public const int NodeHeight = 44;

    /// <summary>Places in a line.</summary>
    public const int Columns = 4;

    private const int Gap = 20;
    private const int LineGap = 16;
    private const int LayerGap = 56;
    private const int Margin = 8;

    private readonly Dictionary<uint, Slot> _slots;

    private ObjectGraphLayout(Dictionary<uint, Slot> slots)
    {
        _slots = slots;
        int usedColumns = slots.Count == 0 ? 1 : slots.Values.Max(slot => slot.Index % Columns) + 1;
        Width = (2 * Margin) + (usedColumns * NodeWidth) + ((usedColumns - 1) * Gap);
        var places = new Dictionary<uint, NodePlace>();
        int y = Margin;
        foreach (IGrouping<int, KeyValuePair<uint, Slot>> layer in slots.GroupBy(entry => entry.Value.Layer).OrderByDescending(layer => layer.Key))
        {
            int lines = (layer.Max(entry => entry.Value.Index) / Columns) + 1;
            foreach ((uint id, Slot slot) in layer)
                places.Add(id, new NodePlace(Margin + (slot.Index % Columns * (NodeWidth + Gap)), y + ((lines - 1 - (slot.Index / Columns)) * (NodeHeight + LineGap))));
            y += (lines * (NodeHeight + LineGap)) - LineGap + LayerGap;
        }
        Places = places;
        Height = Math.Max(y - LayerGap, Margin) + Margin;
    }

    public static ObjectGraphLayout Empty { get; } = new([]);

    /// <summary>By object id.</summary>
    public IReadOnlyDictionary<uint, NodePlace> Places { get; }

    public int Width { get; }

    public int Height { get; }

    /// <summary>Whether a straight line from one object down to another of its column would run behind boxes.</summary>
    public bool RunsBehindBoxes(uint holder, uint held)
    {
        (NodePlace from, NodePlace to) = (Places[holder], Places[held]);
        return from.X == to.X && Places.Values.Any(place => place.X == from.X && place.Y > from.Y && place.Y < to.Y);
    }

    /// <summary>Places a snapshot's objects. The same objects after the same layout give the same places.</summary>
    /// <param name="previous">The layout shown before of the same context, whose objects keep their places; <see cref="Empty"/> at first.</param>
    public static ObjectGraphLayout Arrange(IReadOnlyList<ObjectNode> nodes, ObjectGraphLayout previous)
    {
        var slots = new Dictionary<uint, Slot>();
        var taken = new HashSet<Slot>();
        foreach (ObjectNode node in nodes)
        {
            if (previous._slots.TryGetValue(node.Id, out Slot kept) && kept.Layer == LayerOf(node.Type))
            {
                slots.Add(node.Id, kept);
                taken.Add(kept);
            }
        }
        // What is held comes first, so that its holders can stand over it.
        foreach (ObjectNode node in nodes.Where(node => !slots.ContainsKey(node.Id)).OrderBy(node => LayerOf(node.Type)).ThenBy(node => node.Id))
        {
            Slot slot = Free(LayerOf(node.Type), Wanted(node, slots), taken);
            slots.Add(node.Id, slot);
            taken.Add(slot);
        }
        return new ObjectGraphLayout(slots);
    }

    /// <summary>Layer of a type, 0 at the bottom: everything a type may hold has a lower one, save that a HW queue also holds the queue before it.</summary>
    public static int LayerOf(IommufdObjectType type) => type switch
    {
        IommufdObjectType.Ioas or IommufdObjectType.Fault => 0,
        IommufdObjectType.HwptPaging or IommufdObjectType.Access => 1,
        IommufdObjectType.Viommu => 2,
        IommufdObjectType.HwptNested or IommufdObjectType.Veventq or IommufdObjectType.HwQueue => 3,
        IommufdObjectType.Device => 4,
        _ => 5,
    };

    private static int Wanted(ObjectNode node, Dictionary<uint, Slot> slots)
    {
        int[] columns = [.. node.Holds.Where(slots.ContainsKey).Select(id => slots[id].Index % Columns)];
        return columns.Length == 0 ? 0 : (int)Math.Round(columns.Average());
    }

    // The place nearest to the wanted column on the first line that has one; to the right of it first.
    private static Slot Free(int layer, int wanted, HashSet<Slot> taken)
    {
        for (int line = 0; ; line++)
        {
            int[] free = [.. Enumerable.Range(line * Columns, Columns).Where(index => !taken.Contains(new Slot(layer, index)))];
            if (free.Length != 0)
                return new Slot(layer, free.MinBy(index => (Math.Abs((index % Columns) - wanted) * 2) - (index % Columns > wanted ? 1 : 0)));
        }
    }

    /// <param name="Index">Number of the place in its layer, line by line from the bottom.</param>
    private readonly record struct Slot(int Layer, int Index);
}
