// Calls about memory files and about who pays for what is mapped.
using IommuDash.Abi.Layout;
using IommuDash.Engine;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Abi;

internal static class FileCalls
{
    public static Refusal? MapFile(ref IoctlCall call)
    {
        ref IommuIoasMapFile command = ref call.As<IommuIoasMapFile>();
        return call.Context.IoasMapFile(call.Caller.Process, command.IoasId, (MapFlags)command.Flags, call.Caller.FindMemoryFile(command.Fd), command.Start, command.Length, ref command.Iova)
            ?? call.Respond();
    }

    public static Refusal? ChangeProcess(ref IoctlCall call) =>
        call.As<IommuIoasChangeProcess>().Reserved != 0 ? AbiRefusals.Unsupported : call.Context.IoasChangeProcess(call.Caller.Process);
}
