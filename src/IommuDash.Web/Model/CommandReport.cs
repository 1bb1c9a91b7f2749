using IommuDash.Engine;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Web.Model;

/// <summary>A command that ran, as it is shown to whoever ran it.</summary>
/// <param name="Op">The command's name.</param>
/// <param name="Version">Version of the host with it.</param>
/// <param name="Text">What it did, one sentence.</param>
/// <param name="Refusal">Why it was refused; null for success.</param>
/// <param name="Curl">The same command as a line for a shell.</param>
public sealed record CommandReport(string Op, long Version, string Text, Refusal? Refusal, string Curl)
{
    /// <param name="knownHwpts">The hw_pagetables there were before, which tells one that was chosen from one that was made.</param>
    public static CommandReport Of(Command command, CommandAnswer answer, string curl, IReadOnlySet<uint> knownHwpts) =>
        new(CommandOps.NameOf(command), answer.Version, Describe(command, answer.Outputs, knownHwpts), RefusalOf(answer), curl);

    private static Refusal? RefusalOf(CommandAnswer answer) => answer.Errno is not { } errno ? null
        : new Refusal(errno, answer.Rule ?? "", answer.Reason ?? "") { Ranges = answer.Ranges, Objects = answer.Objects };

    private static string Describe(Command command, CommandOutputs outputs, IReadOnlySet<uint> knownHwpts) => command switch
    {
        DeviceBind bind => $"Bound {bind.Address} as device {outputs.Device}.",
        DeviceUnbind unbind => $"Unbound device {unbind.Device}; the host's driver has it again.",
        DeviceAttach attach => $"Attached device {attach.Device}: {Landed(attach.Pt, outputs.Hwpt, knownHwpts)}.",
        DeviceReplace replace => $"Moved device {replace.Device} and its group: {Landed(replace.Pt, outputs.Hwpt, knownHwpts)}.",
        DeviceDetach detach => $"Detached device {detach.Device}; its DMA is blocked.",
        IoasAlloc => $"Made IOAS {outputs.Ioas}.",
        HwptAlloc alloc => $"Made hw_pagetable {outputs.Hwpt} for {alloc.Pt}.",
        HwptSetDirtyTracking { Enable: true } on => $"hw_pagetable {on.Hwpt} tracks dirty pages from now on; all are clean.",
        HwptSetDirtyTracking off => $"hw_pagetable {off.Hwpt} no longer tracks; what it recorded stays until it tracks again.",
        HwptGetDirty read when outputs.Dirty is { } dirty => Read(read, dirty),
        DeviceDmaWrite write when outputs.Dirty is { } dirty => $"Device {write.Device} wrote {(write.Writes is { } writes ? $"{SizeFormat.Count(writes)} scattered bytes in" : "to all of")} {SizeFormat.Text(write.Length)} at {AddressFormat.Full(write.Iova)}; {SizeFormat.Text(dirty.DirtiedBytes!.Value)} became dirty.",
        FaultAlloc => $"Made fault queue {Queue(outputs).Fault}; its file is open.",
        FaultRead read when Queue(outputs).Faults is { } faults => faults.Count == 0 ? "Read 0 bytes: nothing waited."
            : $"Read {Things(faults.Select(fault => fault.Cookie).Distinct().Count(), "group")} of {Things(faults.Count, "fault")}; answer {(faults[0].Cookie == faults[^1].Cookie ? "it" : "them")} by cookie {string.Join(", ", faults.Select(fault => fault.Cookie).Distinct())}.",
        FaultAnswer answer => $"Answered {(answer.Responses.Count == Queue(outputs).Done ? Things(answer.Responses.Count, "group") : $"{Queue(outputs).Done} of {Things(answer.Responses.Count, "group")}; the next one could not be taken")}.",
        FaultClose close => $"Closed the file of fault queue {close.Fault}. Nothing was answered by it: what waits goes on waiting until its device is detached or the queue destroyed.",
        DevicePageRequest request => $"Device {request.Device} asked for {AddressFormat.Full(request.Address)}: {(Queue(outputs).Fault is { } queue ? $"its group {request.Group} waits in fault queue {queue}" : request.Last ? "no queue could take it, so it was answered INVALID at once" : $"it waits until group {request.Group} is complete")}.",
        HwptInvalidate invalidate => $"Invalidated {Things(Queue(outputs).Done ?? 0, "entry", "entries")} of {invalidate.Id}.",
        ViommuAlloc alloc => $"Made vIOMMU {Queue(outputs).Viommu} on hw_pagetable {alloc.Hwpt}.",
        VdeviceAlloc alloc => $"Made vDEVICE {Queue(outputs).Vdevice}: the guest of vIOMMU {alloc.Viommu} calls device {alloc.Device} 0x{alloc.VirtualId:x}.",
        VeventqAlloc alloc => $"Made vEVENTQ {Queue(outputs).Veventq} with room for {Things(alloc.Depth, "event")}; its file is open.",
        VeventqRead when Queue(outputs).Events is { } events => events.Count == 0 ? "Read 0 bytes: nothing waited."
            : $"Read {Things(events.Count(item => !item.Lost), "event")}{(events.FirstOrDefault(item => item.Lost) is { } lost ? $", and a header that says events up to #{lost.Sequence} were lost" : "")}.",
        VeventqClose close => $"Closed the file of vEVENTQ {close.Veventq}; what waits stays until it is destroyed.",
        HwQueueAlloc alloc => $"Made hardware queue {Queue(outputs).HwQueue} of vIOMMU {alloc.Viommu}.",
        TestMockDomain => $"Made mock device {outputs.Device} on hw_pagetable {outputs.Hwpt}.",
        TestAddReserved add => $"Reserved {SizeFormat.Text(add.Length)} at {AddressFormat.Full(add.Start)} of IOAS {add.Ioas} until it goes.",
        TestTriggerVevent trigger => $"Device {trigger.Device} reported an event.",
        ObjectDestroy destroy => $"Destroyed object {destroy.Id}.",
        ContextOpen => $"Opened context {outputs.Context}.",
        ContextClose close => $"Closed context {close.Fd} and everything made through it.",
        ProcessCreate create => $"Started {create.Name} as pid {create.Pid}.",
        ProcessExit exit => $"Process {exit.Pid} exited.",
        ProcessMmap map => $"Mapped {SizeFormat.Text(map.LengthBytes)} at {AddressFormat.Full(map.Start)} into pid {map.Pid}.",
        ProcessMunmap unmap => $"Unmapped what began at {AddressFormat.Full(unmap.Start)} in pid {unmap.Pid}; pinned frames stay until their last unpin.",
        ProcessWrite write => $"Pid {write.Pid} wrote {SizeFormat.Exact((UInt128)write.Bytes.Length)} at {AddressFormat.Full(write.Address)}.",
        ProcessMemlock memlock => $"RLIMIT_MEMLOCK of pid {memlock.Pid} is {(memlock.Bytes == ulong.MaxValue ? "unlimited" : SizeFormat.Text(memlock.Bytes))} now.",
        _ => "Done.",
    };

    private static string Read(HwptGetDirty read, DirtyOutputs dirty) =>
        $"Read {SizeFormat.Count((long)dirty.Bits!.Value)} bits of hw_pagetable {read.Hwpt}: {SizeFormat.Count((long)dirty.DirtyBits!.Value)} dirty in {SizeFormat.Count(dirty.TotalRanges!.Value)} {(dirty.TotalRanges == 1 ? "run" : "runs")}; "
        + (read.NoClear ? "nothing was cleared." : $"{SizeFormat.Text(dirty.ClearedBytes!.Value)} of page-table leaves were cleared.");

    // Only these commands have such answers, and have them refused or not; a limit that stops one leaves none.
    private static QueueOutputs Queue(CommandOutputs outputs) => outputs as QueueOutputs ?? new QueueOutputs();

    private static string Things(long count, string one, string? many = null) => $"{SizeFormat.Count(count)} {(count == 1 ? one : many ?? one + "s")}";

    private static string Landed(uint pt, uint? hwpt, IReadOnlySet<uint> knownHwpts) =>
        hwpt == pt ? $"it uses hw_pagetable {hwpt}"
        : hwpt is { } id && knownHwpts.Contains(id) ? $"IOAS {pt} chose its hw_pagetable {hwpt}"
        : $"IOAS {pt} made hw_pagetable {hwpt} for it";
}
