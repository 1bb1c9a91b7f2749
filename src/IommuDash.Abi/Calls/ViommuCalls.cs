// Virtual IOMMUs, their devices, event queues and hardware queues.
using IommuDash.Abi.Layout;
using IommuDash.Engine;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Abi;

internal static class ViommuCalls
{
    /// <summary>Longer than any driver's structure.</summary>
    private const int MaxDataBytes = 256;

    /// <summary>The driver's structure goes back before the command does; if either cannot be stored the vIOMMU goes again.</summary>
    public static Refusal? Alloc(ref IoctlCall call)
    {
        ref IommuViommuAlloc command = ref call.As<IommuViommuAlloc>();
        Span<byte> buffer = stackalloc byte[MaxDataBytes];
        int readable = call.Caller.ReadPrefix(command.DataUptr, command.DataLen, buffer).Length;
        Span<byte> data = buffer[..readable];
        if (call.Context.ViommuAlloc(command.Flags, command.Type, command.DevId, command.HwptId, command.DataLen, data, out command.OutViommuId) is { } refusal)
            return refusal;
        if (call.Caller.TryWrite(command.DataUptr, data))
            return call.RespondOrDestroy(command.OutViommuId);
        call.Undo(command.OutViommuId);
        return AbiRefusals.Fault;
    }

    public static Refusal? VdeviceAlloc(ref IoctlCall call)
    {
        ref IommuVdeviceAlloc command = ref call.As<IommuVdeviceAlloc>();
        return call.Context.VdeviceAlloc(command.ViommuId, command.DevId, command.VirtId, out command.OutVdeviceId)
            ?? call.RespondOrDestroy(command.OutVdeviceId);
    }

    public static Refusal? HwQueueAlloc(ref IoctlCall call)
    {
        ref IommuHwQueueAlloc command = ref call.As<IommuHwQueueAlloc>();
        return call.Context.HwQueueAlloc(command.Flags, command.ViommuId, command.Type, command.Index, command.NestingParentIova, command.Length, out command.OutHwQueueId)
            ?? call.RespondOrDestroy(command.OutHwQueueId);
    }

    public static Refusal? VeventqAlloc(ref IoctlCall call)
    {
        const int FdOffset = 24;
        ref IommuVeventqAlloc command = ref call.As<IommuVeventqAlloc>();
        if (command.Reserved != 0)
            return AbiRefusals.Unsupported;
        if (call.Context.VeventqAlloc(command.Flags, command.ViommuId, command.Type, command.VeventqDepth, out Veventq? queue) is { } refusal)
            return refusal;
        command.OutVeventqId = queue!.Id;
        return call.RespondWithFile(queue, FdOffset);
    }
}
