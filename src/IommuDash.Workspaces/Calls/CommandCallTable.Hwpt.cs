// Objects, options, hw_pagetables, dirty tracking, fault queues, virtual IOMMUs and what belongs to them.
using IommuDash.Abi;
using IommuDash.Abi.Layout;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Calls;

internal static partial class CommandCallTable
{
    private const ushort OptionSetOp = 0;
    private const ushort OptionGetOp = 1;
    private const HwptFlags KnownHwptFlags = HwptFlags.NestParent | HwptFlags.DirtyTracking | HwptFlags.FaultIdValid | HwptFlags.Pasid;

    private static CommandCall[] Objects() =>
    [
        new StructureCall<ObjectDestroy, IommuDestroy>("DESTROY")
        {
            In = c => new IommuDestroy { Id = c.Id },
            Back = (s, call) => new ObjectDestroy { Context = call.Context, Id = s.Id },
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
    ];

    private static CommandCall[] Hwpts() =>
    [
        new StructureCall<HwptAlloc, IommuHwptAlloc>("HWPT_ALLOC")
        {
            In = c => new IommuHwptAlloc
            {
                Flags = (uint)((c.NestParent ? HwptFlags.NestParent : 0) | (c.DirtyTracking ? HwptFlags.DirtyTracking : 0) | (c.Pasid ? HwptFlags.Pasid : 0) | (c.Fault is null ? 0 : HwptFlags.FaultIdValid)),
                DevId = c.Device,
                PtId = c.Pt,
                DataType = c.DataType,
                DataLen = (uint)c.Data.Length,
                DataUptr = PointerTo(c.Data),
                FaultId = c.Fault ?? 0,
            },
            Out = (s, o) => s with { OutHwptId = o.Hwpt ?? 0 },
            Beside = (c, _, parts) => parts with { Buffers = BuffersOf(c.Data, isWrite: false) },
            Back = (s, call) => s is { Reserved: 0, Reserved2: 0 } && (HwptFlags)s.Flags is var flags && (flags & ~KnownHwptFlags) == 0 && BytesAt(call, s.DataUptr, s.DataLen) is { } data
                ? new HwptAlloc
                {
                    Context = call.Context,
                    Device = s.DevId,
                    Pt = s.PtId,
                    NestParent = flags.HasFlag(HwptFlags.NestParent),
                    DirtyTracking = flags.HasFlag(HwptFlags.DirtyTracking),
                    Pasid = flags.HasFlag(HwptFlags.Pasid),
                    Fault = flags.HasFlag(HwptFlags.FaultIdValid) ? s.FaultId : null,
                    DataType = s.DataType,
                    Data = data,
                }
                : null,
        },
        new StructureCall<HwptInvalidate, IommuHwptInvalidate>("HWPT_INVALIDATE")
        {
            In = c => new IommuHwptInvalidate { HwptId = c.Id, DataUptr = CommandCall.StandInAddress, DataType = c.DataType, EntryLen = c.EntryBytes, EntryNum = c.EntryBytes == 0 ? 0 : (uint)c.Entries.Length / c.EntryBytes },
            Out = (s, o) => s with { EntryNum = (o as QueueOutputs)?.Done ?? 0 },
            WritesBackOnRefusal = true,
            Beside = (c, _, parts) => parts with { Buffers = BuffersOf(c.Entries, isWrite: false) },
            Back = (s, call) => s.Reserved == 0 && BytesAt(call, s.DataUptr, (ulong)s.EntryLen * s.EntryNum) is { } entries ? new HwptInvalidate { Context = call.Context, Id = s.HwptId, DataType = s.DataType, EntryBytes = s.EntryLen, Entries = entries } : null,
        },
        new StructureCall<HwptSetDirtyTracking, IommuHwptSetDirtyTracking>("HWPT_SET_DIRTY_TRACKING")
        {
            In = c => new IommuHwptSetDirtyTracking { HwptId = c.Hwpt, Flags = c.Enable ? (uint)SetDirtyFlags.Enable : 0 },
            Back = (s, call) => s is { Reserved: 0, Flags: 0 or (uint)SetDirtyFlags.Enable } ? new HwptSetDirtyTracking { Context = call.Context, Hwpt = s.HwptId, Enable = s.Flags != 0 } : null,
        },
        new StructureCall<HwptGetDirty, IommuHwptGetDirtyBitmap>("HWPT_GET_DIRTY_BITMAP")
        {
            In = c => new IommuHwptGetDirtyBitmap { HwptId = c.Hwpt, Flags = c.NoClear ? (uint)GetDirtyFlags.NoClear : 0, Iova = c.Iova, Length = c.Length, PageSize = c.PageSize, Data = CommandCall.StandInAddress },
            Beside = (c, o, parts) => parts with { Buffers = BitmapOf(c, o) },
            Back = (s, call) => s is { Reserved: 0, Flags: 0 or (uint)GetDirtyFlags.NoClear } ? new HwptGetDirty { Context = call.Context, Hwpt = s.HwptId, Iova = s.Iova, Length = s.Length, PageSize = s.PageSize, NoClear = s.Flags != 0 } : null,
        },
        new StructureCall<FaultAlloc, IommuFaultAlloc>("FAULT_QUEUE_ALLOC")
        {
            In = _ => default,
            Out = (s, o) => s with { OutFaultId = (o as QueueOutputs)?.Fault ?? 0 },
            Beside = (_, o, parts) => parts with { FileObjects = Made((o as QueueOutputs)?.Fault) },
            Back = (s, call) => s.Flags == 0 ? new FaultAlloc { Context = call.Context } : null,
        },
    ];

    private static CommandCall[] Viommus() =>
    [
        new StructureCall<ViommuAlloc, IommuViommuAlloc>("VIOMMU_ALLOC")
        {
            In = c => new IommuViommuAlloc { Type = c.Type, DevId = c.Device, HwptId = c.Hwpt, DataLen = (uint)c.Data.Length, DataUptr = PointerTo(c.Data) },
            Out = (s, o) => s with { OutViommuId = (o as QueueOutputs)?.Viommu ?? 0 },
            Beside = (c, o, parts) => parts with { Buffers = [.. BuffersOf(c.Data, isWrite: false), .. BuffersOf(o.Hex is { } hex ? Convert.FromHexString(hex) : default, isWrite: true)] },
            Back = (s, call) => s is { Flags: 0, Reserved: 0 } && BytesAt(call, s.DataUptr, s.DataLen) is { } data ? new ViommuAlloc { Context = call.Context, Device = s.DevId, Hwpt = s.HwptId, Type = s.Type, Data = data } : null,
        },
        new StructureCall<VdeviceAlloc, IommuVdeviceAlloc>("VDEVICE_ALLOC")
        {
            In = c => new IommuVdeviceAlloc { ViommuId = c.Viommu, DevId = c.Device, VirtId = c.VirtualId },
            Out = (s, o) => s with { OutVdeviceId = (o as QueueOutputs)?.Vdevice ?? 0 },
            Back = (s, call) => new VdeviceAlloc { Context = call.Context, Viommu = s.ViommuId, Device = s.DevId, VirtualId = s.VirtId },
        },
        new StructureCall<HwQueueAlloc, IommuHwQueueAlloc>("HW_QUEUE_ALLOC")
        {
            In = c => new IommuHwQueueAlloc { ViommuId = c.Viommu, Type = c.Type, Index = c.Index, NestingParentIova = c.Iova, Length = c.Length },
            Out = (s, o) => s with { OutHwQueueId = (o as QueueOutputs)?.HwQueue ?? 0 },
            Back = (s, call) => s.Flags == 0 ? new HwQueueAlloc { Context = call.Context, Viommu = s.ViommuId, Type = s.Type, Index = s.Index, Iova = s.NestingParentIova, Length = s.Length } : null,
        },
        new StructureCall<VeventqAlloc, IommuVeventqAlloc>("VEVENTQ_ALLOC")
        {
            In = c => new IommuVeventqAlloc { ViommuId = c.Viommu, Type = c.Type, VeventqDepth = c.Depth },
            Out = (s, o) => s with { OutVeventqId = (o as QueueOutputs)?.Veventq ?? 0 },
            Beside = (_, o, parts) => parts with { FileObjects = Made((o as QueueOutputs)?.Veventq) },
            Back = (s, call) => s is { Flags: 0, Reserved: 0 } ? new VeventqAlloc { Context = call.Context, Viommu = s.ViommuId, Type = s.Type, Depth = s.VeventqDepth } : null,
        },
    ];

    private static IReadOnlyList<uint> Made(uint? id) => id is { } made ? [made] : [];

    // Only pages that are dirty are stored, so a clean bitmap is left alone.
    private static IReadOnlyList<CallBuffer> BitmapOf(HwptGetDirty asked, CommandOutputs outputs)
    {
        if (outputs.Dirty is not { DirtyBits: > 0, Hex: { } hex })
            return [];
        ReadOnlySpan<char> first = hex.AsSpan(0, Math.Min(hex.Length, 2 * CallCapture.MaxBufferBytes));
        int bytes = (int)DirtyBitmap.BytesFor(asked.Length, System.Numerics.BitOperations.TrailingZeroCount(asked.PageSize));
        return [new CallBuffer(CommandCall.StandInAddress, IsWrite: true, bytes, Failed: false, Convert.FromHexString(first))];
    }
}
