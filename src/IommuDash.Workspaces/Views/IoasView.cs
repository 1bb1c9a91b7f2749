using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;

namespace IommuDash.Workspaces.Views;

/// <param name="Ioas">0 = the context's first.</param>
public sealed record IoasQuery(uint Ioas = 0, int Context = 1);

/// <summary>An open context, for choosing.</summary>
public sealed record IoasContext(int Fd, int Pid, string Process);

/// <summary>An IOAS, for choosing.</summary>
public sealed record IoasChoice(uint Id, int Areas);

/// <summary>A domain attached to the IOAS.</summary>
/// <param name="Devices">PCI addresses attached through it.</param>
public sealed record IoasDomain(uint Hwpt, string Format, bool IsAutomatic, IReadOnlyList<string> Devices);

/// <summary>A living process whose memory can be mapped.</summary>
public sealed record IoasProcess(int Pid, string Name, IReadOnlyList<IoasMemory> Memory);

/// <summary>One mapping of a process.</summary>
/// <param name="Access"><c>rw</c>, <c>r-</c>, <c>-w</c> or <c>--</c>.</param>
public sealed record IoasMemory(ulong Start, ulong Last, string Access);

/// <summary>One IOAS as a whole, and what else could be chosen.</summary>
public sealed record IoasSnapshot
{
    public IReadOnlyList<IoasContext> Contexts { get; init; } = [];

    /// <summary>The first <see cref="IoasView.MostChoices"/> IOASes of the context.</summary>
    public IReadOnlyList<IoasChoice> Choices { get; init; } = [];

    public int TotalChoices { get; init; }

    /// <summary>The IOAS shown; 0 if there is none.</summary>
    public uint Ioas { get; init; }

    public int Areas { get; init; }

    /// <summary>From the first area's first address to the last area's last; null without areas.</summary>
    public IovaRange? Extent { get; init; }

    /// <summary>Bytes mapped.</summary>
    public UInt128 MappedBytes { get; init; }

    /// <summary>What every IOVA and length must be a multiple of, bytes.</summary>
    public ulong Alignment { get; init; }

    public bool LargePages { get; init; }

    public IReadOnlyList<IoasDomain> Domains { get; init; } = [];

    /// <summary>The first <see cref="IoasMapView.MostRanges"/>; none = everywhere is allowed.</summary>
    public IReadOnlyList<IovaRange> Allowed { get; init; } = [];

    public int TotalAllowed { get; init; }

    public IReadOnlyList<IoasReserved> Reserved { get; init; } = [];

    public int TotalReserved { get; init; }

    /// <summary>Living processes, each with its first <see cref="IoasView.MostMappings"/> mappings.</summary>
    public IReadOnlyList<IoasProcess> Processes { get; init; } = [];
}

public sealed class IoasView : IView<IoasQuery, IoasSnapshot>
{
    public const int MostChoices = 256;
    public const int MostMappings = 16;

    public static string Name => "ioas";

    public static IoasSnapshot Project(EmulatedHost host, IoasQuery query)
    {
        IommufdContext? context = host.FindContext(query.Context);
        Ioas[] all = context is null ? [] : [.. context.Objects.All.OfType<Ioas>()];
        Ioas? shown = query.Ioas == 0 ? all.FirstOrDefault() : Array.Find(all, ioas => ioas.Id == query.Ioas);
        var common = new IoasSnapshot
        {
            Contexts = [.. host.Contexts.Select(c => new IoasContext(c.Fd, c.Opener.Pid, c.Opener.Name))],
            Choices = [.. all.Take(MostChoices).Select(ioas => new IoasChoice(ioas.Id, ioas.Pagetable.Areas.Count))],
            TotalChoices = all.Length,
            Processes = [.. host.Processes.Where(p => p.Memory.IsAlive).Select(Process)],
        };
        if (shown is null)
            return common;
        IoPagetable table = shown.Pagetable;
        return common with
        {
            Ioas = shown.Id,
            Areas = table.Areas.Count,
            Extent = table.Areas.Count == 0 ? null : new IovaRange(table.Areas.Range(table.Areas.First).Start, table.Areas.Range(table.Areas.Last).Last),
            MappedBytes = table.MappedBytes,
            Alignment = table.IovaAlignment,
            LargePages = !table.LargePagesDisabled,
            Domains = [.. shown.Hwpts.Select(hwpt => Domain(context!, hwpt))],
            Allowed = [.. Slots(table.Allowed).Select(slot => table.Allowed.Range(slot))],
            TotalAllowed = table.Allowed.Count,
            Reserved = [.. Slots(table.Reserved).Select(slot => IoasMapView.Reserved(table, slot))],
            TotalReserved = table.Reserved.Count,
        };
    }

    private static IEnumerable<int> Slots(RangeTree<object> ranges)
    {
        int left = IoasMapView.MostRanges;
        for (int slot = ranges.First; slot >= 0 && left-- > 0; slot = ranges.Next(slot))
            yield return slot;
    }

    private static IoasDomain Domain(IommufdContext context, HwptPaging hwpt) =>
        new(hwpt.Id, hwpt.Domain.FormatName, hwpt.IsAutomatic, [.. context.Objects.All.OfType<Device>().Where(device => device.Hwpt == hwpt).Select(device => device.Hardware.Address)]);

    private static IoasProcess Process(Engine.Pages.EmulatedProcess process) =>
        new(process.Pid, process.Name, [.. process.Memory.Mappings.Take(MostMappings).Select(m => new IoasMemory(m.Range.Start, m.Range.Last, $"{(m.CanRead ? 'r' : '-')}{(m.CanWrite ? 'w' : '-')}"))]);
}
