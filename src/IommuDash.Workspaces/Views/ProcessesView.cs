using System.Text.Json.Serialization;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Workspaces.Views;

/// <summary>The host's processes and what they have pinned.</summary>
/// <param name="Context">Whose account mode is meant.</param>
public sealed record ProcessesQuery(int Context = 1);

/// <summary>One process.</summary>
/// <param name="PinnedPages">VmPin: pinned by devices, whoever pays.</param>
/// <param name="LockedPages">VmLck: charged to this address space.</param>
/// <param name="UserLockedPages">Charged to the user, over all of its processes.</param>
/// <param name="LimitPages">RLIMIT_MEMLOCK in whole pages; null = unlimited.</param>
/// <param name="Mode">Who pays for what this process maps through the context.</param>
/// <param name="Contexts">Contexts it has open.</param>
/// <param name="TouchedPages">Pages with a frame of their own.</param>
public sealed record ProcessRow(
    int Pid,
    string Name,
    int Uid,
    bool IsAlive,
    long PinnedPages,
    long LockedPages,
    long UserLockedPages,
    long? LimitPages,
    AccountMode Mode,
    bool CapIpcLock,
    bool CapSysResource,
    IReadOnlyList<int> Contexts,
    int Mappings,
    long MappedBytes,
    long TouchedPages) : IViewItem
{
    /// <summary>From this share of the limit on a person is warned, in percent.</summary>
    public const int WarnPercent = 80;

    public string Key => $"process:{Pid}";

    /// <summary>What counts against the limit.</summary>
    public long ChargedPages => Mode switch { AccountMode.Mm => LockedPages, AccountMode.User => UserLockedPages, _ => 0 };

    public bool IsNearLimit => LimitPages is { } limit && Mode != AccountMode.None && (Int128)ChargedPages * 100 >= (Int128)limit * WarnPercent && ChargedPages > 0;
}

/// <summary>Processes by ascending pid; <paramref name="Total"/> counts those left out too.</summary>
/// <param name="Mode">Account mode of the context; null if it is not open.</param>
public sealed record ProcessesSnapshot([property: JsonPropertyName("items")] IReadOnlyList<ProcessRow> Processes, int Total, AccountMode? Mode) : IItemSnapshot
{
    IReadOnlyList<IViewItem> IItemSnapshot.Items => Processes;
}

public sealed class ProcessesView : IView<ProcessesQuery, ProcessesSnapshot>
{
    /// <summary>Room for the living and the exited ones of a host with the default caps.</summary>
    public const int MaxProcesses = 320;

    public static string Name => "pinned.processes";

    public static ProcessesSnapshot Project(EmulatedHost host, ProcessesQuery query)
    {
        ArgumentNullException.ThrowIfNull(host);
        AccountMode? mode = host.FindContext(query.Context)?.AccountMode;
        return new ProcessesSnapshot([.. host.Processes.Take(MaxProcesses).Select(process => Row(host, process, mode ?? AccountMode.User))], host.Processes.Count, mode);
    }

    internal static ProcessRow Row(EmulatedHost host, EmulatedProcess process, AccountMode mode)
    {
        long mapped = 0;
        ulong touched = 0;
        foreach (MemoryMapping mapping in process.Memory.Mappings)
        {
            mapped += (long)mapping.Range.LengthBytes;
            touched += mapping.TouchedPages;
        }
        return new ProcessRow(
            process.Pid,
            process.Name,
            process.User.Uid,
            process.Memory.IsAlive,
            (long)process.Memory.PinnedPages,
            (long)process.Memory.LockedPages,
            (long)process.User.LockedPages,
            process.MemlockBytes == ulong.MaxValue ? null : (long)process.MemlockPages,
            process.CapIpcLock ? AccountMode.None : mode,
            process.CapIpcLock,
            process.CapSysResource,
            [.. host.Contexts.Where(context => context.Opener == process).Select(static context => context.Fd)],
            process.Memory.Mappings.Count,
            mapped,
            (long)touched);
    }
}
