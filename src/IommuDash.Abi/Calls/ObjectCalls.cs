// DESTROY and OPTION.
using IommuDash.Abi.Layout;
using IommuDash.Engine;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Abi;

internal static class ObjectCalls
{
    private const ushort OptionSet = 0;
    private const ushort OptionGet = 1;
    private const int Val64Offset = 16;

    public static Refusal? Destroy(ref IoctlCall call) => call.Context.Destroy(call.As<IommuDestroy>().Id);

    /// <summary>Only val64 goes back, whichever way the option went.</summary>
    public static Refusal? Option(ref IoctlCall call)
    {
        ref IommuOption command = ref call.As<IommuOption>();
        if (command.Reserved != 0)
            return AbiRefusals.Unsupported;
        var option = (IommufdOption)command.OptionId;
        ulong value = command.Val64;
        Refusal? refusal = command.Op switch
        {
            OptionSet => call.Context.OptionSet(call.Caller.Process, option, command.ObjectId, value),
            OptionGet => call.Context.OptionGet(option, command.ObjectId, out value),
            // The object is looked up before the operation is.
            _ => call.Context.OptionGet(option, command.ObjectId, out _) ?? AbiRefusals.UnknownOp,
        };
        if (refusal is not null)
            return refusal;
        return call.Caller.TryWrite(call.Argument + Val64Offset, in value) ? null : AbiRefusals.Fault;
    }
}
