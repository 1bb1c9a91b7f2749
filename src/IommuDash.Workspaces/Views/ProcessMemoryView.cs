using System.Text.Json.Serialization;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Pages;

namespace IommuDash.Workspaces.Views;

/// <summary>A window on the mappings of a process.</summary>
/// <param name="First">Zero-based index of the first mapping.</param>
/// <param name="Count">At most <see cref="ProcessMemoryView.MaxMappings"/>.</param>
public sealed record ProcessMemoryQuery(int Pid, int First = 0, int Count = ProcessMemoryView.MaxMappings);

/// <summary>One mapping.</summary>
/// <param name="Backing"><c>anonymous</c> or the file's name.</param>
/// <param name="TouchedPages">Pages that have a frame.</param>
/// <param name="PinnedPages">Of those, pages whose frame is pinned by anyone.</param>
public sealed record MappingRow(IovaRange Range, bool CanRead, bool CanWrite, bool IsShared, FrameLayout Layout, string Backing, ulong FileOffset, long TouchedPages, long PinnedPages) : IViewItem
{
    public string Key => $"mapping:0x{Range.Start:x}";
}

/// <param name="Exists">False: there is no such process.</param>
public sealed record ProcessMemorySnapshot(bool Exists, int Pid, [property: JsonPropertyName("items")] IReadOnlyList<MappingRow> Mappings, int First, int Total) : IItemSnapshot
{
    IReadOnlyList<IViewItem> IItemSnapshot.Items => Mappings;
}

public sealed class ProcessMemoryView : IView<ProcessMemoryQuery, ProcessMemorySnapshot>
{
    public const int MaxMappings = 500;

    public static string Name => "pinned.memory";

    public static ProcessMemorySnapshot Project(EmulatedHost host, ProcessMemoryQuery query)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (host.FindProcess(query.Pid) is not { } process)
            return new ProcessMemorySnapshot(false, query.Pid, [], 0, 0);
        int first = Math.Max(0, query.First);
        return new ProcessMemorySnapshot(true, query.Pid, [.. process.Memory.Mappings.Skip(first).Take(Math.Clamp(query.Count, 0, MaxMappings)).Select(mapping => Row(host.Memory, mapping))], first, process.Memory.Mappings.Count);
    }

    private static MappingRow Row(PhysicalMemory memory, MemoryMapping mapping)
    {
        (ulong touched, ulong pinned) = mapping.CountFrames(memory);
        return new MappingRow(mapping.Range, mapping.CanRead, mapping.CanWrite, mapping.IsShared, mapping.Layout, mapping.File?.Name ?? "anonymous", mapping.FileOffset, (long)touched, (long)pinned);
    }
}
