// Dirty pages of an IOAS's hw_pagetables at the level of detail of the screen: a window cut into cells of a power of two, and for each hw_pagetable how much of each cell is dirty.
// Counts the leaves themselves and not what a bitmap read would report. Costs one pass of vector loads over the level-0 tables of the window, and one over the whole table for the total; a
// hw_pagetable with more than MaxLeaves leaves is counted only in windows small enough.
using System.Numerics;
using System.Text.Json.Serialization;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;
using IommuDash.Engine.PageTables;

namespace IommuDash.Workspaces.Views;

/// <param name="Start">First address of the window.</param>
/// <param name="Last">Last address, inclusive; below <paramref name="Start"/> counts as equal to it.</param>
/// <param name="Cells">Most cells, 1 … 4,096.</param>
public sealed record DirtyQuery(uint Ioas, ulong Start = 0, ulong Last = ulong.MaxValue, int Cells = 1_024, int Context = 1);

/// <summary>Whether a hw_pagetable records writes.</summary>
public enum DirtyState
{
    /// <summary>It was not made for it, or its unit cannot.</summary>
    Incapable,
    Off,
    On,
}

/// <summary>Neighbouring cells that are equally dirty.</summary>
/// <param name="Cell">The first, 0-based.</param>
/// <param name="Cells">How many.</param>
/// <param name="Level">Eighths of them that are dirty, rounded up: 1 … 8.</param>
/// <param name="DirtyBytes">Dirty bytes of all of them.</param>
public sealed record DirtyRun(int Cell, int Cells, int Level, ulong DirtyBytes);

/// <summary>One hw_pagetable.</summary>
/// <param name="Reason">Why it is incapable, or null.</param>
/// <param name="PageBytes">Its smallest page, and no less than the CPU's, which is all that pages objects have.</param>
/// <param name="IsCounted">False where it has too many leaves to count in this window.</param>
/// <param name="DirtyBytes">Bytes of all its dirty leaves; null if it has too many leaves to count.</param>
/// <param name="WindowDirtyBytes">Those of the window.</param>
/// <param name="Devices">What is attached to it, the first <see cref="DirtyView.MaxDevices"/>.</param>
public sealed record DirtyRow(
    uint Hwpt,
    string Unit,
    string Format,
    DirtyState State,
    string? Reason,
    ulong PageBytes,
    ulong MappedBytes,
    bool IsCounted,
    ulong? DirtyBytes,
    ulong WindowDirtyBytes,
    IReadOnlyList<DirtyRun> Runs,
    IReadOnlyList<DomainDevice> Devices) : IViewItem
{
    public string Key => $"hwpt:{Hwpt}";
}

/// <summary>A device whose writes can be recorded.</summary>
/// <param name="Id">Null while it is not bound to the context.</param>
/// <param name="IsAttached">To anything.</param>
public sealed record DirtyCandidate(uint? Id, string Address, bool IsAttached);

public sealed record DirtySnapshot : IItemSnapshot
{
    /// <summary>False if the context has no such IOAS (any more).</summary>
    public bool Exists { get; init; }

    /// <summary>First address of cell 0: the window's, rounded down to a cell.</summary>
    public ulong Start { get; init; }

    /// <summary>Last address of the last cell, inclusive.</summary>
    public ulong Last { get; init; }

    public ulong CellBytes { get; init; }

    public int Cells { get; init; }

    /// <summary>Ranges that areas cover without a hole, ascending, the first <see cref="DirtyView.MaxStretches"/>; a read of the bitmap ends where one ends.</summary>
    public IReadOnlyList<IovaRange> Stretches { get; init; } = [];

    /// <summary>Whether there are more of them.</summary>
    public bool MoreStretches { get; init; }

    /// <summary>By ascending id.</summary>
    [JsonPropertyName("items")]
    public IReadOnlyList<DirtyRow> Rows { get; init; } = [];

    /// <summary>Hw_pagetables of the IOAS, those not shown too.</summary>
    public int Total { get; init; }

    /// <summary>Devices a tracking hw_pagetable can be made for, those of the context first; at most <see cref="DirtyView.MaxDevices"/>.</summary>
    public IReadOnlyList<DirtyCandidate> Candidates { get; init; } = [];

    IReadOnlyList<IViewItem> IItemSnapshot.Items => Rows;
}

public sealed class DirtyView : IView<DirtyQuery, DirtySnapshot>
{
    /// <summary>Most hw_pagetables shown.</summary>
    public const int MaxRows = 32;

    public const int MaxDevices = 32;

    public const int MaxStretches = 64;

    /// <summary>Leaves of a table that are counted at one time: 16 GiB of 4 KiB pages.</summary>
    public const long MaxLeaves = 1L << 22;

    private const int MostCells = 4_096;

    // Areas looked at for stretches.
    private const int MaxStretchAreas = 10_000;

    public static string Name => "dirty";

    public static DirtySnapshot Project(EmulatedHost host, DirtyQuery query)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (IoasAreas.Find(host, query.Context, query.Ioas) is not { } ioas)
            return new DirtySnapshot();
        IommufdContext context = ioas.Context;
        HwptPaging[] hwpts = [.. ioas.Hwpts.OrderBy(static hwpt => hwpt.Id)];
        ulong granule = hwpts.Length == 0 ? PhysicalMemory.FrameBytes : hwpts.Min(static hwpt => Granule(hwpt.Domain));
        int shift = CellShift(query, BitOperations.Log2(granule), out IovaRange window);
        var cells = new ulong[(int)((window.Last - window.Start) >> shift) + 1];
        ILookup<HwptPaging?, Device> devices = context.Objects.All.OfType<Device>().ToLookup(static device => device.Hwpt);
        IReadOnlyList<IovaRange> stretches = Stretches(ioas.Pagetable, out bool more);
        return new DirtySnapshot
        {
            Exists = true,
            Start = window.Start,
            Last = window.Last,
            CellBytes = 1UL << shift,
            Cells = cells.Length,
            Stretches = stretches,
            MoreStretches = more,
            Rows = [.. hwpts.Take(MaxRows).Select(hwpt => Row(hwpt, window, shift, cells, devices[hwpt]))],
            Total = hwpts.Length,
            Candidates = [.. Candidates(host, context).Take(MaxDevices)],
        };
    }

    private static IEnumerable<DirtyCandidate> Candidates(EmulatedHost host, IommufdContext context) =>
    [
        .. context.Objects.All.OfType<Device>().Where(static device => device.Hardware.SupportsDirtyTracking).Select(static device => new DirtyCandidate(device.Id, device.Hardware.Address, device.Hwpt is not null)),
        .. host.Devices.Where(device => device is { SupportsDirtyTracking: true, Owner: null } && !device.Description.IsBridge && (device.Group.Owner is null || device.Group.Owner == context))
            .Select(static device => new DirtyCandidate(null, device.Address, false)),
    ];

    // The smallest cells that are not too many for the window, with edges on their own multiples.
    private static int CellShift(DirtyQuery query, int granuleShift, out IovaRange window)
    {
        var most = (ulong)Math.Clamp(query.Cells, 1, MostCells);
        ulong last = Math.Max(query.Start, query.Last);
        int shift = granuleShift;
        while (shift < 63 && (last >> shift) - (query.Start >> shift) >= most)
            shift++;
        ulong inCell = (1UL << shift) - 1;
        window = new IovaRange(query.Start & ~inCell, last | inCell);
        return shift;
    }

    private static DirtyRow Row(HwptPaging hwpt, IovaRange window, int shift, ulong[] cells, IEnumerable<Device> devices)
    {
        IommuDomain domain = hwpt.Domain;
        bool few = domain.LeafCounts().Sum(static leaf => leaf.Count) <= MaxLeaves;
        bool isCounted = few || (window.Last - window.Start) / Granule(domain) < MaxLeaves;
        Array.Clear(cells);
        if (isCounted)
            domain.CountDirty(window.Start, window.Last, shift, cells);
        (DirtyState state, string? reason) = State(hwpt);
        return new DirtyRow(
            hwpt.Id,
            hwpt.Unit.Name,
            domain.FormatName,
            state,
            reason,
            Granule(domain),
            domain.MappedBytes,
            isCounted,
            few ? domain.DirtyBytes(0, ulong.MaxValue) : null,
            Sum(cells),
            Runs(cells, shift),
            [.. devices.Take(MaxDevices).Select(static device => new DomainDevice(device.Id, device.Hardware.Address))]);
    }

    private static (DirtyState State, string? Reason) State(HwptPaging hwpt)
    {
        if (hwpt.Flags.HasFlag(HwptFlags.DirtyTracking))
            return (hwpt.IsTrackingDirty ? DirtyState.On : DirtyState.Off, null);
        return (DirtyState.Incapable, hwpt.IsAutomatic
            ? "made by attaching, which never asks for DIRTY_TRACKING"
            : "made by HWPT_ALLOC without DIRTY_TRACKING");
    }

    private static List<DirtyRun> Runs(ulong[] cells, int shift)
    {
        var runs = new List<DirtyRun>();
        for (int cell = 0; cell < cells.Length; cell++)
        {
            if (cells[cell] == 0)
                continue;
            var level = (int)((((UInt128)cells[cell] * 8) + ((UInt128.One << shift) - 1)) >> shift);
            if (runs is [.., var before] && before.Cell + before.Cells == cell && before.Level == level)
                runs[^1] = before with { Cells = before.Cells + 1, DirtyBytes = before.DirtyBytes + cells[cell] };
            else
                runs.Add(new DirtyRun(cell, 1, level, cells[cell]));
        }
        return runs;
    }

    private static List<IovaRange> Stretches(IoPagetable table, out bool more)
    {
        var stretches = new List<IovaRange>();
        int slot = table.Areas.First;
        for (int seen = 0; slot >= 0 && seen < MaxStretchAreas; slot = table.Areas.Next(slot), seen++)
        {
            IovaRange area = table.Areas.Range(slot);
            if (stretches is [.., var before] && before.Last + 1 == area.Start)
                stretches[^1] = before with { Last = area.Last };
            else if (stretches.Count == MaxStretches)
                break;
            else
                stretches.Add(area);
        }
        more = slot >= 0;
        return stretches;
    }

    private static ulong Sum(ulong[] cells)
    {
        ulong sum = 0;
        foreach (ulong cell in cells)
            sum += cell;
        return sum;
    }

    private static ulong Granule(IommuDomain domain) => Math.Max(PhysicalMemory.FrameBytes, domain.PageSizeBitmap & (0 - domain.PageSizeBitmap));
}
