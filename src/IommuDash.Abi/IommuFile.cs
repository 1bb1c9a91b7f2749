// An open /dev/iommu or /dev/vfio/vfio as its ioctls see it: bytes in, bytes and errno out (drivers/iommu/iommufd/main.c).
// Holds always: a request is taken apart in the reference's order, so that where several things are wrong the same one answers; nothing is allocated unless the engine refuses.
using IommuDash.Engine;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Abi;

/// <summary>What an ioctl returned. <paramref name="Value"/> is 0 or more, or a negative errno, which <paramref name="Refusal"/> explains.</summary>
public readonly record struct IoctlResult(long Value, Refusal? Refusal)
{
    internal static IoctlResult Of(Refusal? refusal, long value = 0) => refusal is null ? new(value, null) : new(-(long)refusal.Errno, refusal);
}

/// <summary>One open file. Not for use by two threads at a time.</summary>
public sealed class IommuFile(IommufdContext context)
{
    private const int LargestCommandBytes = 80;

    public IommufdContext Context { get; } = context;

    /// <summary>Room for lists that answers are made from.</summary>
    internal List<IovaRange> Ranges { get; } = [];

    /// <summary>ioctl(2) on this file.</summary>
    /// <param name="caller">Who calls, whose memory <paramref name="argument"/> points into.</param>
    /// <param name="request">Request number; only its low 32 bits exist.</param>
    public IoctlResult Ioctl(ICaller caller, uint request, ulong argument)
    {
        if (request < IoctlTable.NativeFirst || request > IoctlTable.NativeFirst + LastNumber)
            return VfioCalls.Handle(Context.Vfio, caller, (VfioRequest)request, argument);
        if (!caller.TryRead(argument, out uint userBytes))
            return IoctlResult.Of(AbiRefusals.Fault);
        if (IoctlTable.FindNative(request) is not { } info || !Exists(request))
            return IoctlResult.Of(AbiRefusals.UnknownCall);
        if (userBytes < info.MinBytes)
            return IoctlResult.Of(AbiRefusals.TooShort);
        Span<byte> command = stackalloc byte[LargestCommandBytes];
        command = command[..info.KnownBytes];
        if (caller.ReadExtensible(argument, userBytes, command) is { } refusal)
            return IoctlResult.Of(refusal);
        var call = new IoctlCall(this, caller, argument, command, userBytes);
        return IoctlResult.Of(info.Handler!(ref call), call.Value);
    }

    // What a level does not have is an empty slot of its table.
    private bool Exists(uint request) => request == IoctlTable.NativeFirst + LastNumber || request <= IoctlTable.NativeFirst + Context.Host.Level.LastIoctl;

    // With selftest support the table reaches up to TEST.
    private const uint LastNumber = 0xa0 - 0x80;
}
