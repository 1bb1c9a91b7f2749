// A real process on the emulated host: the caller of ioctls, and the emulated process that stands for it.
using IommuDash.Abi;
using IommuDash.Bridge.Memory;
using IommuDash.Bridge.Native;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Pages;

namespace IommuDash.Bridge.Server;

internal sealed class ClientProcess(BridgeServer server, EmulatedProcess process, ClientAddressSpace memory, uint uid) : ICaller
{
    private readonly byte[] _sent = new byte[WireRequest.MaxStructureBytes];
    private ulong _sentAddress;
    private int _sentBytes;

    public int Pid => memory.Pid;

    public uint Uid => uid;

    public EmulatedProcess Process => process;

    public ClientAddressSpace Memory => memory;

    public Dictionary<uint, ThreadEndpoint> Threads { get; } = [];

    /// <summary>By thread: how many failure points its calls still pass before one fails; 0 = none will.</summary>
    public Dictionary<uint, ulong> FailNth { get; } = [];

    /// <summary>A file the call under way delivers with its answer, where its number goes, and whether the descriptor closes on exec.</summary>
    public (object File, ulong Address, bool CloseOnExec)? Delivery { get; set; }

    /// <summary>Bytes of its memory that came with the call under way, so that they need not be fetched. They count until the next store or the next of these.</summary>
    public void TakeSent(ulong address, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_sent);
        (_sentAddress, _sentBytes) = (address, bytes.Length);
    }

    public bool TryRead(ulong address, Span<byte> bytes)
    {
        if (server.Fails(FailurePoint.CopyIn))
            return false;
        ulong offset = address - _sentAddress;
        if (offset >= (ulong)_sentBytes || (ulong)bytes.Length > (ulong)_sentBytes - offset)
            return ProcessMemory.TryRead(Pid, address, bytes);
        _sent.AsSpan((int)offset, bytes.Length).CopyTo(bytes);
        return true;
    }

    public bool TryWrite(ulong address, ReadOnlySpan<byte> bytes)
    {
        _sentBytes = 0;
        return !server.Fails(FailurePoint.CopyOut) && ProcessMemory.TryWrite(Pid, address, bytes);
    }

    public bool TryDeliver(object file, ulong address, bool closeOnExec)
    {
        Delivery = (file, address, closeOnExec);
        return true;
    }

    public object? FindFile(int fd) => LinkOf(fd) is { } link ? server.FindFile(link) : null;

    public MemoryFile? FindMemoryFile(int fd) => FindFile(fd) as Dmabuf ?? server.OpenMemoryFile(Pid, fd);

    /// <summary>Takes over what the process may do now; it can have changed with any call it made elsewhere. True if it has.</summary>
    public bool RefreshPrivileges()
    {
        var known = new Privileges(process.MemlockBytes, process.CapIpcLock, process.CapSysResource);
        if (!Privileges.TryRead(Pid, uid, out Privileges now) || now == known)
            return false;
        EmulatedHost.SetPrivileges(process, now.MemlockBytes, now.CapIpcLock, now.CapSysResource);
        return true;
    }

    /// <summary>How a process that has just appeared is described. Null: it is gone already.</summary>
    public static ProcessDescription? Describe(int pid, uint uid)
    {
        if (!Privileges.TryRead(pid, uid, out Privileges now))
            return null;
        try
        {
            return new ProcessDescription
            {
                Pid = pid,
                Name = File.ReadAllText($"/proc/{pid}/comm").TrimEnd('\n'),
                Uid = (int)uid,
                MemlockBytes = now.MemlockBytes,
                CapIpcLock = now.CapIpcLock,
                CapSysResource = now.CapSysResource,
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private string? LinkOf(int fd)
    {
        try
        {
            return new FileInfo($"/proc/{Pid}/fd/{fd}").LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
