using IommuDash.Engine;

namespace IommuDash.Abi;

/// <summary>Refusals of the door itself, before a call reaches the engine. Shared instances: answering them allocates nothing.</summary>
internal static class AbiRefusals
{
    public static readonly Refusal Fault = new(Errno.EFAULT, "abi.fault", "A pointer of the call leads to memory the caller cannot use that way.");

    public static readonly Refusal UnknownCall = new(Errno.ENOTTY, "abi.number", "There is no such ioctl at this reference level.");

    public static readonly Refusal TooShort = new(Errno.EINVAL, "abi.size.short", "The size is smaller than the first version of the structure.");

    public static readonly Refusal TooBig = new(Errno.E2BIG, "abi.size.tail", "The structure is longer than the one known here, and the part beyond is not zero: it asks for something that does not exist.");

    public static readonly Refusal Unsupported = new(Errno.EOPNOTSUPP, "abi.reserved", "A reserved field or an unknown flag is not zero.");

    public static readonly Refusal UnknownOp = new(Errno.EOPNOTSUPP, "abi.op", "The operation is unknown.");

    public static readonly Refusal NoDescriptor = new(Errno.ENOMEM, "abi.fd", "The caller could take no further descriptor.");
}
