using System.Globalization;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Workspaces.Views;

/// <summary>Who holds one frame.</summary>
public sealed record PinnedFrameQuery(long Frame);

/// <summary>A process that sees the frame.</summary>
/// <param name="Address">Address of the frame's first byte in the process.</param>
/// <param name="Backing">What the memory is: <c>anonymous</c> or the file's name.</param>
public sealed record FrameProcess(int Pid, string Name, ulong Address, string Backing);

/// <summary>An area that leads devices to the frame.</summary>
/// <param name="Area">The whole area.</param>
/// <param name="Iova">Lowest IOVA of the area inside the frame.</param>
/// <param name="Hwpts">Ids of the hw_pagetables that show it.</param>
/// <param name="Pages">First byte and last byte of its pages object in the process that paid.</param>
public sealed record FrameAreaRow(int Context, uint Ioas, IovaRange Area, ulong Iova, IReadOnlyList<uint> Hwpts, int Pid, IovaRange Pages, AccountMode Mode);

/// <param name="Exists">False: the machine has no such frame.</param>
/// <param name="State">One sentence.</param>
/// <param name="Physical">Address of the first byte.</param>
/// <param name="PagesObjects">Pages objects that pin it; each pins it once.</param>
/// <param name="UnexplainedPins">Pins by others than areas.</param>
/// <param name="TableHwpt">The hw_pagetable whose table lies here, or null.</param>
/// <param name="AreaTotal">Areas that lead here, those left out too.</param>
/// <param name="IsComplete">False: the search stopped at its bound.</param>
public sealed record PinnedFrameSnapshot(
    bool Exists,
    long Frame,
    ulong Physical,
    string State,
    long Pins,
    bool IsOrphaned,
    IReadOnlyList<FrameProcess> Processes,
    IReadOnlyList<FrameAreaRow> Areas,
    long AreaTotal,
    int PagesObjects,
    long UnexplainedPins,
    uint? TableHwpt,
    int? TableLevel,
    bool IsComplete);

public sealed class PinnedFrameView : IView<PinnedFrameQuery, PinnedFrameSnapshot>
{
    public const int MaxAreas = 64;

    private const int MaxProcesses = 64;

    public static string Name => "pinned.frame";

    public static PinnedFrameSnapshot Project(EmulatedHost host, PinnedFrameQuery query)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (query.Frame < 0 || query.Frame >= host.Memory.FrameCount)
            return new PinnedFrameSnapshot(false, query.Frame, 0, $"The machine has frames 0 to {host.Memory.FrameCount - 1:N0}.", 0, false, [], [], 0, 0, 0, null, null, true);
        uint pfn = (uint)query.Frame;
        var found = FrameHolders.Find(host, pfn, MaxAreas);
        return new PinnedFrameSnapshot(
            true,
            query.Frame,
            (ulong)pfn << PhysicalMemory.FrameShift,
            State(host.Memory, found),
            found.Pins,
            host.Memory.IsOrphaned(pfn),
            [.. found.Mappings.Take(MaxProcesses).Select(static seen => new FrameProcess(seen.Process.Pid, seen.Process.Name, seen.Address, seen.Mapping.File?.Name ?? "anonymous"))],
            [.. found.Areas.Select(Row)],
            found.AreaCount,
            found.Pages.Count,
            Math.Max(0, found.Pins - found.Pages.Count),
            found.Table?.Hwpt.Id,
            found.Table?.Level,
            found.IsComplete);
    }

    private static FrameAreaRow Row(FrameArea area) => new(
        area.Ioas.Context.Fd,
        area.Ioas.Id,
        area.Area,
        area.Iova,
        [.. area.Ioas.Hwpts.Select(static hwpt => hwpt.Id)],
        area.Pages.Source.Pid,
        new IovaRange(area.Pages.FirstByte, area.Pages.FirstByte + area.Pages.LengthBytes - 1),
        area.Pages.Mode);

    private static string State(PhysicalMemory memory, FrameHolders found) => found switch
    {
        _ when found.Pfn == 0 => "Frame 0 is never handed out.",
        _ when !memory.IsAllocated(found.Pfn) => "Free.",
        { Table: { } table } => $"A page table of level {table.Level} of hw_pagetable {table.Hwpt.Id} lies here.",
        { Pins: 0 } => "In use, not pinned: the kernel could move it or swap it out.",
        _ when memory.IsOrphaned(found.Pfn) => Pinned(found) + " No process maps it any more; it is freed with its last pin.",
        _ => Pinned(found),
    };

    private static string Pinned(FrameHolders found) => string.Create(CultureInfo.InvariantCulture, $"Pinned {(found.Pins == 1 ? "once" : $"{found.Pins:N0} times")}: DMA may reach it, so it must stay where it is.");
}
