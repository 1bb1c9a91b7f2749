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
        DeviceDmaWrite write when outputs.Dirty is { } dirty => $"Device {write.Device} wrote to {SizeFormat.Text(write.Length)} at {AddressFormat.Full(write.Iova)}{(write.Writes is { } writes ? $", {SizeFormat.Count(writes)} scattered bytes" : "")}; {SizeFormat.Text(dirty.DirtiedBytes!.Value)} became dirty.",
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

    private static string Landed(uint pt, uint? hwpt, IReadOnlySet<uint> knownHwpts) =>
        hwpt == pt ? $"it uses hw_pagetable {hwpt}"
        : hwpt is { } id && knownHwpts.Contains(id) ? $"IOAS {pt} chose its hw_pagetable {hwpt}"
        : $"IOAS {pt} made hw_pagetable {hwpt} for it";
}
