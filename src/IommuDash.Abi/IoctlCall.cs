using System.Runtime.InteropServices;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Abi;

/// <summary>One native call being handled: the command's bytes in the length known here, and the way back to the caller.</summary>
internal ref struct IoctlCall(IommuFile file, ICaller caller, ulong argument, Span<byte> command, uint userBytes)
{
    private readonly Span<byte> _command = command;

    public readonly IommuFile File = file;

    public readonly ICaller Caller = caller;

    /// <summary>User address of the structure.</summary>
    public readonly ulong Argument = argument;

    /// <summary>What the ioctl returns on success; 0 for all but DMABUF_GET.</summary>
    public long Value;

    public readonly IommufdContext Context => File.Context;

    /// <summary>The command as a structure. Writing to it changes what <see cref="Respond"/> sends.</summary>
    public readonly ref T As<T>() where T : unmanaged => ref MemoryMarshal.AsRef<T>(_command);

    /// <summary>A structure at an offset inside the command.</summary>
    public readonly ref T At<T>(int offset) where T : unmanaged => ref MemoryMarshal.AsRef<T>(_command[offset..]);

    /// <summary>Writes the command back, as far as the caller's structure reaches. EFAULT.</summary>
    public readonly Refusal? Respond() =>
        Caller.TryWrite(Argument, _command[..(int)Math.Min(userBytes, (uint)_command.Length)]) ? null : AbiRefusals.Fault;

    /// <summary>As <see cref="Respond"/>, for calls that made an object: if the answer cannot be delivered, the object goes again.</summary>
    public readonly Refusal? RespondOrDestroy(uint objectId)
    {
        if (Respond() is not { } fault)
            return null;
        Undo(objectId);
        return fault;
    }

    /// <summary>As <see cref="RespondOrDestroy"/> for an object with a file, whose descriptor's number goes to an offset of the structure last of all.</summary>
    public readonly Refusal? RespondWithFile(EventFile file, int fdOffset)
    {
        Refusal? refusal = Respond() ?? (Caller.TryDeliver(file, Argument + (ulong)fdOffset) ? null : AbiRefusals.NoDescriptor);
        if (refusal is null)
            return null;
        file.Close();
        Undo(file.Id);
        return refusal;
    }

    /// <summary>Destroys an object that the call has just made. Undoing is not made to fail.</summary>
    public readonly void Undo(uint objectId)
    {
        IFailurePoints? points = Context.Host.FailurePoints;
        Context.Host.FailurePoints = null;
        Refusal? stuck = Context.Destroy(objectId);
        Context.Host.FailurePoints = points;
        if (stuck is not null)
            throw new InvalidOperationException($"An object just made cannot be destroyed: {stuck.Reason}");
    }
}

internal delegate Refusal? IoctlHandler(ref IoctlCall call);
