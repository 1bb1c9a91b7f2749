// Processes whose memory is not the emulated machine's: real programs that opened its device nodes.
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Hardware;

public sealed partial class EmulatedHost
{
    /// <summary>
    /// Adds a process that keeps its own memory; the description's mappings are not looked at. EEXIST: the pid is taken; EINVAL: it is not positive; ENOMEM at the cap.
    /// </summary>
    public Refusal? AdoptProcess(ProcessDescription description, AddressSpace memory, out EmulatedProcess? process)
    {
        process = null;
        if (CheckNewProcess(description) is { } refusal)
            return refusal;
        process = NewProcess(description, memory);
        Add(process);
        return null;
    }

    /// <summary>What an adopted process may do has changed: RLIMIT_MEMLOCK in bytes, CAP_IPC_LOCK, CAP_SYS_RESOURCE. Pages charged already stay so.</summary>
    public static void SetPrivileges(EmulatedProcess process, ulong memlockBytes, bool capIpcLock, bool capSysResource)
    {
        ArgumentNullException.ThrowIfNull(process);
        process.MemlockBytes = memlockBytes;
        process.CapIpcLock = capIpcLock;
        process.CapSysResource = capSysResource;
    }

    /// <summary>
    /// An adopted process has exited: its memory goes and its pid is free. Its contexts and access files stay until whoever watches its descriptors closes them, for other processes may hold them too.
    /// </summary>
    public void RetireProcess(EmulatedProcess process)
    {
        ArgumentNullException.ThrowIfNull(process);
        process.Memory.Exit();
        _processes.Remove(process.Pid);
        _exited.Remove(process);
        RaiseProcess(EngineEventKind.ProcessExited, process);
    }
}
