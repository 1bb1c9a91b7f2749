using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Pages;

/// <summary>A user of the host: account mode USER charges pinned pages here, over all of the user's processes (struct user_struct, locked_vm).</summary>
public sealed class EmulatedUser
{
    internal EmulatedUser(int uid) => Uid = uid;

    public int Uid { get; }

    public ulong LockedPages { get; internal set; }
}

/// <summary>A process: address space, user, limit and capabilities.</summary>
public sealed class EmulatedProcess
{
    internal EmulatedProcess(ProcessDescription description, EmulatedUser user, AddressSpace memory)
    {
        Pid = description.Pid;
        Name = description.Name;
        User = user;
        MemlockBytes = description.MemlockBytes;
        CapIpcLock = description.CapIpcLock;
        CapSysResource = description.CapSysResource;
        Memory = memory;
    }

    public int Pid { get; }

    public string Name { get; }

    public EmulatedUser User { get; }

    public AddressSpace Memory { get; }

    /// <summary>RLIMIT_MEMLOCK in bytes; <see cref="ulong.MaxValue"/> = unlimited.</summary>
    public ulong MemlockBytes { get; internal set; }

    /// <summary>RLIMIT_MEMLOCK in whole pages.</summary>
    public ulong MemlockPages => MemlockBytes >> PhysicalMemory.FrameShift;

    public bool CapIpcLock { get; internal set; }

    public bool CapSysResource { get; internal set; }
}
