// What anyone can ask of an emulated host, as data: the journal keeps commands, replay applies them again, the API reads and writes them as JSON with the field "op".
// Holds always: Apply depends on nothing but the host and the command's own fields, so that a journal replays to an equal state.
using System.Text.Json.Serialization;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces.Commands;

/// <summary>One call on an emulated host. To add a command: a sealed record in its family's file, a line here, a row in docs/api.md.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "op")]
[JsonDerivedType(typeof(ContextOpen), "context.open")]
[JsonDerivedType(typeof(ContextClose), "context.close")]
[JsonDerivedType(typeof(DeviceBind), "device.bind")]
[JsonDerivedType(typeof(DeviceUnbind), "device.unbind")]
[JsonDerivedType(typeof(DeviceAttach), "device.attach")]
[JsonDerivedType(typeof(DeviceReplace), "device.replace")]
[JsonDerivedType(typeof(DeviceDetach), "device.detach")]
[JsonDerivedType(typeof(IoasAlloc), "ioas.alloc")]
[JsonDerivedType(typeof(IoasAllow), "ioas.allow")]
[JsonDerivedType(typeof(IoasRanges), "ioas.ranges")]
[JsonDerivedType(typeof(IoasMap), "ioas.map")]
[JsonDerivedType(typeof(IoasUnmap), "ioas.unmap")]
[JsonDerivedType(typeof(IoasUnmapAll), "ioas.unmapAll")]
[JsonDerivedType(typeof(IoasCopy), "ioas.copy")]
[JsonDerivedType(typeof(HwptAlloc), "hwpt.alloc")]
[JsonDerivedType(typeof(HwptSetDirtyTracking), "hwpt.setDirtyTracking")]
[JsonDerivedType(typeof(HwptGetDirty), "hwpt.getDirty")]
[JsonDerivedType(typeof(DeviceDmaWrite), "device.dmaWrite")]
[JsonDerivedType(typeof(HwptInvalidate), "hwpt.invalidate")]
[JsonDerivedType(typeof(FaultAlloc), "fault.alloc")]
[JsonDerivedType(typeof(FaultRead), "fault.read")]
[JsonDerivedType(typeof(FaultAnswer), "fault.answer")]
[JsonDerivedType(typeof(FaultClose), "fault.close")]
[JsonDerivedType(typeof(DevicePageRequest), "device.pageRequest")]
[JsonDerivedType(typeof(ViommuAlloc), "viommu.alloc")]
[JsonDerivedType(typeof(VdeviceAlloc), "vdevice.alloc")]
[JsonDerivedType(typeof(HwQueueAlloc), "hwqueue.alloc")]
[JsonDerivedType(typeof(VeventqAlloc), "veventq.alloc")]
[JsonDerivedType(typeof(VeventqRead), "veventq.read")]
[JsonDerivedType(typeof(VeventqClose), "veventq.close")]
[JsonDerivedType(typeof(TestAddReserved), "test.addReserved")]
[JsonDerivedType(typeof(TestMockDomain), "test.mockDomain")]
[JsonDerivedType(typeof(TestTriggerVevent), "test.triggerVevent")]
[JsonDerivedType(typeof(ObjectDestroy), "object.destroy")]
[JsonDerivedType(typeof(OptionSet), "option.set")]
[JsonDerivedType(typeof(OptionGet), "option.get")]
[JsonDerivedType(typeof(ProcessCreate), "process.create")]
[JsonDerivedType(typeof(ProcessExit), "process.exit")]
[JsonDerivedType(typeof(ProcessMmap), "process.mmap")]
[JsonDerivedType(typeof(ProcessMunmap), "process.munmap")]
[JsonDerivedType(typeof(ProcessWrite), "process.write")]
[JsonDerivedType(typeof(ProcessMemlock), "process.memlock")]
[JsonDerivedType(typeof(AccessCreate), "access.create")]
[JsonDerivedType(typeof(AccessClose), "access.close")]
[JsonDerivedType(typeof(AccessReplace), "access.replace")]
[JsonDerivedType(typeof(AccessPin), "access.pin")]
[JsonDerivedType(typeof(AccessUnpin), "access.unpin")]
[JsonDerivedType(typeof(AccessRead), "access.read")]
[JsonDerivedType(typeof(AccessWrite), "access.write")]
[JsonDerivedType(typeof(FileCreate), "file.create")]
[JsonDerivedType(typeof(FileTruncate), "file.truncate")]
[JsonDerivedType(typeof(FileClose), "file.close")]
[JsonDerivedType(typeof(IoasMapFile), "ioas.mapFile")]
[JsonDerivedType(typeof(IoasChangeProcess), "ioas.changeProcess")]
[JsonDerivedType(typeof(VfioSetIoas), "vfio.setIoas")]
[JsonDerivedType(typeof(VfioCheckExtension), "vfio.checkExtension")]
[JsonDerivedType(typeof(VfioSetIommu), "vfio.setIommu")]
[JsonDerivedType(typeof(VfioGetInfo), "vfio.getInfo")]
[JsonDerivedType(typeof(VfioMapDma), "vfio.mapDma")]
[JsonDerivedType(typeof(VfioUnmapDma), "vfio.unmapDma")]
public abstract record Command
{
    /// <summary>What the journal counts for a command whose fields are all of fixed size, in bytes.</summary>
    private protected const int FixedCostBytes = 128;

    /// <summary>Runs the command. An expected failure is the result's refusal.</summary>
    public abstract CommandResult Apply(EmulatedHost host);

    /// <summary>What keeping the command costs, in bytes, near enough for a cap.</summary>
    [JsonIgnore]
    public virtual int CostBytes => FixedCostBytes;

    /// <summary>Whether it only gives things back, so that it may run while a cap on memory is reached.</summary>
    [JsonIgnore]
    public virtual bool OnlyReleases => false;

    /// <summary>Checks of the command's own size, before it is journalled; null = fine.</summary>
    public virtual Refusal? Check() => null;
}

/// <summary>Something that happened to the host from outside, in a form that repeats it: only the journal has such commands.</summary>
public abstract record RecordedCommand : Command
{
    /// <summary>What happened, as the events name it.</summary>
    public abstract string Op { get; }
}

/// <summary>A command to one open /dev/iommu file.</summary>
public abstract record ContextCommand : Command
{
    /// <summary>The context's file number; a new workspace has 1 open.</summary>
    public int Context { get; init; } = 1;

    /// <summary>The call it makes, if older kernels do not have it.</summary>
    private protected virtual KernelCall? Call => null;

    public sealed override CommandResult Apply(EmulatedHost host) =>
        host.FindContext(Context) is not { } context ? new Refusal(Errno.EBADF, "context.fd", $"No context {Context} is open.")
        : Call?.Check(host.Level) is { } unknown ? unknown
        : Apply(host, context);

    private protected abstract CommandResult Apply(EmulatedHost host, IommufdContext context);
}
