// Which commands stand for which ioctls. To add one: a line here, and one in the test's list of commands, which holds that command → call → command comes back to the same.
// Leaves out commands that no ioctl on these files does: processes and their memory, files, and the emulated drivers' accesses.
using System.Collections.Frozen;
using System.Runtime.InteropServices;
using IommuDash.Abi;
using IommuDash.Abi.Layout;
using IommuDash.Engine;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Vfio;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Calls;

/// <summary>The table of <see cref="CommandCall"/>.</summary>
internal static class CommandCallTable
{
    private const int RangeBytes = 16;
    private const ushort OptionSetOp = 0;
    private const ushort OptionGetOp = 1;
    private const ushort VfioIoasSet = 1;
    private const ushort VfioIoasClear = 2;

    // The descriptor that stands for a memory file of a page's own.
    private const int StandInFd = 3;

    private static readonly CommandCall[] s_all =
    [
        new StructureCall<ObjectDestroy, IommuDestroy>("DESTROY")
        {
            In = c => new IommuDestroy { Id = c.Id },
            Back = (s, call) => new ObjectDestroy { Context = call.Context, Id = s.Id },
        },
        new StructureCall<IoasAlloc, IommuIoasAlloc>("IOAS_ALLOC")
        {
            In = _ => default,
            Out = (s, o) => s with { OutIoasId = o.Ioas ?? 0 },
            Back = (s, call) => s.Flags == 0 ? new IoasAlloc { Context = call.Context } : null,
        },
        new StructureCall<IoasAllow, IommuIoasAllowIovas>("IOAS_ALLOW_IOVAS")
        {
            In = c => new IommuIoasAllowIovas { IoasId = c.Ioas, NumIovas = (uint)c.Ranges.Count, AllowedIovas = CommandCall.StandInAddress },
            Beside = (c, _, parts) => parts with { Buffers = c.Ranges.Count == 0 ? [] : [BufferOf(c.Ranges, isWrite: false)] },
            Back = (s, call) => s.Reserved == 0 && RangesOf(call, (int)s.NumIovas) is { } ranges ? new IoasAllow { Context = call.Context, Ioas = s.IoasId, Ranges = ranges } : null,
        },
        new StructureCall<IoasRanges, IommuIoasIovaRanges>("IOAS_IOVA_RANGES")
        {
            In = c => new IommuIoasIovaRanges { IoasId = c.Ioas, NumIovas = (uint)c.MaxRanges, AllowedIovas = CommandCall.StandInAddress },
            Out = (s, o) => s with { NumIovas = (uint)(o.TotalRanges ?? 0), OutIovaAlignment = o.Alignment ?? 0 },
            WritesBackOnRefusal = true,
            Beside = (_, o, parts) => parts with { Buffers = o.Ranges is { Count: > 0 } ranges ? [BufferOf(ranges, isWrite: true)] : [] },
            Back = (s, call) => s.Reserved == 0 && s.NumIovas <= int.MaxValue ? new IoasRanges { Context = call.Context, Ioas = s.IoasId, MaxRanges = (int)s.NumIovas } : null,
        },
        new StructureCall<IoasMap, IommuIoasMap>("IOAS_MAP")
        {
            In = c => new IommuIoasMap { Flags = (uint)IoasMap.Flags(c.Iova, c.Readable, c.Writeable), IoasId = c.Ioas, UserVa = c.UserAddress, Length = c.Length, Iova = c.Iova ?? 0 },
            Out = (s, o) => s with { Iova = o.Iova ?? s.Iova },
            Back = (s, call) => s.Reserved == 0 && (MapFlags)s.Flags is var flags && IsKnown(flags)
                ? new IoasMap { Context = call.Context, Ioas = s.IoasId, UserAddress = s.UserVa, Length = s.Length, Iova = Fixed(flags, s.Iova), Readable = flags.HasFlag(MapFlags.Readable), Writeable = flags.HasFlag(MapFlags.Writeable), Pid = call.Pid }
                : null,
        },
        new StructureCall<IoasMapFile, IommuIoasMapFile>("IOAS_MAP_FILE")
        {
            In = c => new IommuIoasMapFile { Flags = (uint)IoasMap.Flags(c.Iova, c.Readable, c.Writeable), IoasId = c.Ioas, Fd = StandInFd, Start = c.Start, Length = c.Length, Iova = c.Iova ?? 0 },
            Out = (s, o) => s with { Iova = o.Iova ?? s.Iova },
            Beside = (c, _, parts) => parts with { FileName = c.File },
        },
        // Before IOAS_UNMAP of a range: the same structure with the one range that means everything.
        new StructureCall<IoasUnmapAll, IommuIoasUnmap>("IOAS_UNMAP")
        {
            In = c => new IommuIoasUnmap { IoasId = c.Ioas, Length = ulong.MaxValue },
            Out = (s, o) => s with { Length = o.UnmappedBytes ?? s.Length },
            Back = (s, call) => s is { Iova: 0, Length: ulong.MaxValue } ? new IoasUnmapAll { Context = call.Context, Ioas = s.IoasId } : null,
        },
        new StructureCall<IoasUnmap, IommuIoasUnmap>("IOAS_UNMAP")
        {
            In = c => new IommuIoasUnmap { IoasId = c.Ioas, Iova = c.Iova, Length = c.Length },
            Out = (s, o) => s with { Length = o.UnmappedBytes ?? s.Length },
            Back = (s, call) => new IoasUnmap { Context = call.Context, Ioas = s.IoasId, Iova = s.Iova, Length = s.Length },
        },
        new StructureCall<IoasCopy, IommuIoasCopy>("IOAS_COPY")
        {
            In = c => new IommuIoasCopy { Flags = (uint)IoasMap.Flags(c.Iova, c.Readable, c.Writeable), DstIoasId = c.Ioas, SrcIoasId = c.SourceIoas, Length = c.Length, DstIova = c.Iova ?? 0, SrcIova = c.SourceIova },
            Out = (s, o) => s with { DstIova = o.Iova ?? s.DstIova },
            Back = (s, call) => (MapFlags)s.Flags is var flags && IsKnown(flags)
                ? new IoasCopy { Context = call.Context, Ioas = s.DstIoasId, SourceIoas = s.SrcIoasId, SourceIova = s.SrcIova, Length = s.Length, Iova = Fixed(flags, s.DstIova), Readable = flags.HasFlag(MapFlags.Readable), Writeable = flags.HasFlag(MapFlags.Writeable) }
                : null,
        },
        new StructureCall<IoasChangeProcess, IommuIoasChangeProcess>("IOAS_CHANGE_PROCESS")
        {
            In = _ => default,
            Back = (s, call) => s.Reserved == 0 ? new IoasChangeProcess { Context = call.Context, Pid = call.Pid } : null,
        },
        new StructureCall<HwptAlloc, IommuHwptAlloc>("HWPT_ALLOC")
        {
            In = c => new IommuHwptAlloc { Flags = (uint)((c.NestParent ? HwptFlags.NestParent : 0) | (c.DirtyTracking ? HwptFlags.DirtyTracking : 0) | (c.Pasid ? HwptFlags.Pasid : 0)), DevId = c.Device, PtId = c.Pt },
            Out = (s, o) => s with { OutHwptId = o.Hwpt ?? 0 },
            Back = (s, call) => s is { Reserved: 0, DataType: 0, DataLen: 0, FaultId: 0, Reserved2: 0 } && (HwptFlags)s.Flags is var flags && (flags & ~(HwptFlags.NestParent | HwptFlags.DirtyTracking | HwptFlags.Pasid)) == 0
                ? new HwptAlloc { Context = call.Context, Device = s.DevId, Pt = s.PtId, NestParent = flags.HasFlag(HwptFlags.NestParent), DirtyTracking = flags.HasFlag(HwptFlags.DirtyTracking), Pasid = flags.HasFlag(HwptFlags.Pasid) }
                : null,
        },
        new StructureCall<OptionSet, IommuOption>("OPTION")
        {
            In = c => new IommuOption { OptionId = (uint)c.Option, Op = OptionSetOp, ObjectId = c.Object, Val64 = c.Value },
            Back = (s, call) => s is { Op: OptionSetOp, Reserved: 0 } ? new OptionSet { Context = call.Context, Option = (IommufdOption)s.OptionId, Object = s.ObjectId, Value = s.Val64 } : null,
        },
        new StructureCall<OptionGet, IommuOption>("OPTION")
        {
            In = c => new IommuOption { OptionId = (uint)c.Option, Op = OptionGetOp, ObjectId = c.Object },
            Out = (s, o) => s with { Val64 = o.Value ?? 0 },
            Back = (s, call) => s is { Op: OptionGetOp, Reserved: 0 } ? new OptionGet { Context = call.Context, Option = (IommufdOption)s.OptionId, Object = s.ObjectId } : null,
        },
        new StructureCall<DeviceBind, VfioDeviceBindIommufd>(CallTypes.Bind)
        {
            In = c => new VfioDeviceBindIommufd { Iommufd = c.Context },
            Out = (s, o) => s with { OutDevid = o.Device ?? 0 },
            Beside = (c, _, parts) => parts with { FileName = c.Address },
        },
        new StructureCall<DeviceAttach, VfioDeviceAttachIommufdPt>(CallTypes.Attach)
        {
            In = c => new VfioDeviceAttachIommufdPt { PtId = c.Pt },
            Out = (s, o) => s with { PtId = o.Hwpt ?? s.PtId },
            Beside = (c, _, parts) => parts with { FileObjects = [c.Device] },
        },
        // On a device that is attached, attaching is replacing.
        new StructureCall<DeviceReplace, VfioDeviceAttachIommufdPt>(CallTypes.Attach)
        {
            In = c => new VfioDeviceAttachIommufdPt { PtId = c.Pt },
            Out = (s, o) => s with { PtId = o.Hwpt ?? s.PtId },
            Beside = (c, _, parts) => parts with { FileObjects = [c.Device] },
        },
        new StructureCall<DeviceDetach, VfioDeviceDetachIommufdPt>(CallTypes.Detach)
        {
            In = _ => default,
            Beside = (c, _, parts) => parts with { FileObjects = [c.Device] },
        },
        new StructureCall<VfioSetIoas, IommuVfioIoas>("VFIO_IOAS")
        {
            In = c => new IommuVfioIoas { IoasId = c.Ioas ?? 0, Op = c.Ioas is null ? VfioIoasClear : VfioIoasSet },
            Back = (s, call) => s is { Op: VfioIoasSet or VfioIoasClear, Reserved: 0 } ? new VfioSetIoas { Context = call.Context, Ioas = s.Op == VfioIoasClear ? null : s.IoasId } : null,
        },
        new ValueCall<VfioCheckExtension>("VFIO_CHECK_EXTENSION", c => c.Extension, (argument, call) => new VfioCheckExtension { Context = call.Context, Extension = (uint)argument }),
        new ValueCall<VfioSetIommu>("VFIO_SET_IOMMU", c => c.Type, (argument, call) => new VfioSetIommu { Context = call.Context, Type = (uint)argument }),
        new StructureCall<VfioGetInfo, VfioIommuInfo>("VFIO_IOMMU_GET_INFO")
        {
            In = _ => default,
            Out = (_, o) => HeadOf(new VfioInfo(o.Value ?? 0, o.Ranges ?? [])),
            Back = (_, call) => new VfioGetInfo { Context = call.Context },
        },
        new StructureCall<VfioMapDma, VfioDmaMap>("VFIO_IOMMU_MAP_DMA")
        {
            In = c => new VfioDmaMap { Flags = (uint)((c.Read ? VfioMapFlags.Read : 0) | (c.Write ? VfioMapFlags.Write : 0)), Vaddr = c.UserAddress, Iova = c.Iova, Size = c.Size },
            Back = (s, call) => (VfioMapFlags)s.Flags is var flags && (flags & ~(VfioMapFlags.Read | VfioMapFlags.Write)) == 0
                ? new VfioMapDma { Context = call.Context, UserAddress = s.Vaddr, Iova = s.Iova, Size = s.Size, Read = flags.HasFlag(VfioMapFlags.Read), Write = flags.HasFlag(VfioMapFlags.Write), Pid = call.Pid }
                : null,
        },
        new StructureCall<VfioUnmapDma, VfioDmaUnmap>("VFIO_IOMMU_UNMAP_DMA")
        {
            In = c => new VfioDmaUnmap { Flags = (uint)(c.All ? VfioUnmapFlags.All : VfioUnmapFlags.None), Iova = c.Iova, Size = c.Size },
            Out = (s, o) => s with { Size = o.UnmappedBytes ?? s.Size },
            WritesBackOnRefusal = true,
            Back = (s, call) => (s.Flags & ~(uint)VfioUnmapFlags.All) == 0 ? new VfioUnmapDma { Context = call.Context, Iova = s.Iova, Size = s.Size, All = s.Flags != 0 } : null,
        },
    ];

    private static readonly FrozenDictionary<Type, CommandCall> s_byCommand = s_all.ToFrozenDictionary(line => line.Command);

    private static readonly FrozenDictionary<string, CommandCall[]> s_byIoctl = s_all.GroupBy(line => line.Ioctl).ToFrozenDictionary(lines => lines.Key, lines => lines.ToArray(), StringComparer.Ordinal);

    /// <summary>Commands that stand for an ioctl.</summary>
    public static IEnumerable<Type> Commands => s_byCommand.Keys;

    /// <summary>The line of a command; null if it stands for no ioctl.</summary>
    public static CommandCall? Find(Command command) => s_byCommand.GetValueOrDefault(command.GetType());

    /// <summary>Lines that may say what an ioctl asks for, in the order in which to try them.</summary>
    public static ReadOnlySpan<CommandCall> OfIoctl(string name) => s_byIoctl.GetValueOrDefault(name);

    private static bool IsKnown(MapFlags flags) => (flags & ~(MapFlags.FixedIova | MapFlags.Readable | MapFlags.Writeable)) == 0;

    private static ulong? Fixed(MapFlags flags, ulong iova) => flags.HasFlag(MapFlags.FixedIova) ? iova : null;

    // What of the information fits a structure without room for its capabilities.
    private static VfioIommuInfo HeadOf(VfioInfo info)
    {
        Span<byte> head = stackalloc byte[Marshal.SizeOf<VfioIommuInfo>()];
        head.Clear();
        foreach (VfioStore store in info.Stores((uint)head.Length))
            store.Bytes.CopyTo(head[(int)store.Offset..]);
        return MemoryMarshal.Read<VfioIommuInfo>(head);
    }

    private static CallBuffer BufferOf(IReadOnlyList<IovaRange> ranges, bool isWrite)
    {
        var bytes = new byte[Math.Min(ranges.Count * RangeBytes, CallCapture.MaxBufferBytes)];
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes.AsSpan());
        for (int i = 0; i < words.Length; i++)
            words[i] = i % 2 == 0 ? ranges[i / 2].Start : ranges[i / 2].Last;
        return new CallBuffer(CommandCall.StandInAddress, isWrite, ranges.Count * RangeBytes, Failed: false, bytes);
    }

    // Null if not all of them were kept, or one is none.
    private static IovaRange[]? RangesOf(CallRecord call, int count)
    {
        if (count == 0)
            return [];
        if (call.Buffers is not [{ IsWrite: false, Failed: false } first, ..] || first.Bytes.Length / RangeBytes != count)
            return null;
        ReadOnlySpan<ulong> read = MemoryMarshal.Cast<byte, ulong>(first.Bytes.Span);
        var ranges = new IovaRange[count];
        for (int i = 0; i < count; i++)
        {
            if (read[2 * i] > read[(2 * i) + 1])
                return null;
            ranges[i] = new IovaRange(read[2 * i], read[(2 * i) + 1]);
        }
        return ranges;
    }
}
