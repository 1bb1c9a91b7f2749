// The container calls of VFIO type 1 on an iommufd (drivers/iommu/iommufd/vfio_compat.c), and VFIO_IOAS, which names their IOAS.
using IommuDash.Abi.Layout;
using IommuDash.Engine;
using IommuDash.Engine.Vfio;

namespace IommuDash.Abi;

internal static class VfioCalls
{
    private const ushort IoasGet = 0;
    private const ushort IoasSet = 1;
    private const ushort IoasClear = 2;

    public static Refusal? Ioas(ref IoctlCall call)
    {
        ref IommuVfioIoas command = ref call.As<IommuVfioIoas>();
        if (command.Reserved != 0)
            return AbiRefusals.Unsupported;
        VfioContainer container = call.Context.Vfio;
        switch (command.Op)
        {
            case IoasGet:
                return container.GetIoas(out command.IoasId) ?? call.Respond();
            case IoasSet:
                return container.SetIoas(command.IoasId);
            case IoasClear:
                container.ClearIoas();
                return null;
            default:
                return AbiRefusals.UnknownOp;
        }
    }

    /// <summary>A container call. Its argument is a value or an address, as the call has it.</summary>
    public static IoctlResult Handle(VfioContainer container, ICaller caller, VfioRequest request, ulong argument)
    {
        switch (request)
        {
            case VfioRequest.GetApiVersion:
                return new(VfioContainer.ApiVersion, null);
            case VfioRequest.CheckExtension:
                Refusal? unchecked_ = container.CheckExtension((VfioExtension)argument, out int value);
                return IoctlResult.Of(unchecked_, value);
            case VfioRequest.SetIommu:
                return IoctlResult.Of(container.SetIommu((VfioExtension)argument));
            case VfioRequest.GetInfo:
                return IoctlResult.Of(GetInfo(container, caller, argument));
            case VfioRequest.MapDma:
                return IoctlResult.Of(caller.TryRead(argument, out VfioDmaMap map)
                    ? container.MapDma(caller.Process, map.Argsz, (VfioMapFlags)map.Flags, map.Vaddr, map.Iova, map.Size)
                    : AbiRefusals.Fault);
            case VfioRequest.UnmapDma:
                return IoctlResult.Of(UnmapDma(container, caller, argument));
            default:
                return IoctlResult.Of(AbiRefusals.UnknownCall);
        }
    }

    private static Refusal? GetInfo(VfioContainer container, ICaller caller, ulong argument)
    {
        Span<byte> head = stackalloc byte[VfioIommuInfo.FirstVersionBytes];
        if (!caller.TryRead(argument, head))
            return AbiRefusals.Fault;
        uint argumentBytes = BitConverter.ToUInt32(head);
        if (container.GetInfo(argumentBytes, out VfioInfo? info) is { } refusal)
            return refusal;
        foreach (VfioStore store in info!.Stores(argumentBytes))
        {
            if (!caller.TryWrite(argument + store.Offset, store.Bytes))
                return AbiRefusals.Fault;
        }
        return null;
    }

    private static Refusal? UnmapDma(VfioContainer container, ICaller caller, ulong argument)
    {
        if (!caller.TryRead(argument, out VfioDmaUnmap unmap))
            return AbiRefusals.Fault;
        Refusal? refusal = container.UnmapDma(unmap.Argsz, (VfioUnmapFlags)unmap.Flags, unmap.Iova, unmap.Size, out ulong unmapped, out bool writesBack);
        if (!writesBack)
            return refusal;
        unmap.Size = unmapped;
        return caller.TryWrite(argument, in unmap) ? refusal : AbiRefusals.Fault;
    }
}

/// <summary>Request numbers of the container.</summary>
internal enum VfioRequest : uint
{
    GetApiVersion = 0x3b64,
    CheckExtension = 0x3b65,
    SetIommu = 0x3b66,
    GetInfo = 0x3b70,
    MapDma = 0x3b71,
    UnmapDma = 0x3b72,
}
