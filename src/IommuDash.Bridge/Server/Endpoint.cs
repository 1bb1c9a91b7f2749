// What the server waits on: one class per kind of descriptor it holds.
using IommuDash.Abi;
using IommuDash.Bridge.Native;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Bridge.Server;

/// <summary>A descriptor of the server in its epoll set. <paramref name="fd"/> is closed when it leaves.</summary>
internal abstract class Endpoint(int fd)
{
    public int Fd => fd;

    /// <summary>What epoll reports it by: its number, and above that one that is never used again.</summary>
    public ulong Key { get; set; }
}

/// <summary>The socket that programs connect to.</summary>
internal sealed class ListenEndpoint(int fd) : Endpoint(fd);

/// <summary>Readable when the server should stop.</summary>
internal sealed class StopEndpoint(int fd) : Endpoint(fd);

/// <summary>Readable when a client's process has exited.</summary>
internal sealed class ProcessEndpoint(int fd, ClientProcess process) : Endpoint(fd)
{
    public ClientProcess Process => process;
}

/// <summary>The way back to one thread of a client.</summary>
internal sealed class ThreadEndpoint(int fd, ClientProcess process, uint tid) : Endpoint(fd)
{
    public ClientProcess Process => process;

    public uint Tid => tid;
}

/// <summary>The server's end of a descriptor that a program has open: of a device node, or of a file that a call made.</summary>
internal abstract class FileEndpoint(int fd) : Endpoint(fd);

/// <summary>A connection: <see cref="File"/> or <see cref="FailNth"/> once the program has said which node it opens.</summary>
internal sealed class NodeEndpoint(int fd) : FileEndpoint(fd)
{
    public IommuFile? File { get; set; }

    public FailNthFile? FailNth { get; set; }

    public bool IsVfio { get; set; }
}

/// <summary>A file that a call made: an event queue, an emulated device, a dma-buf.</summary>
internal sealed class MadeFileEndpoint(int fd, object file, IommufdContext context, string inode) : FileEndpoint(fd)
{
    /// <summary>The context of the call that made it.</summary>
    public IommufdContext Context => context;

    public object File => file;

    /// <summary>The program's end as /proc/PID/fd shows it, <c>socket:[number]</c>.</summary>
    public string Inode => inode;

    /// <summary>A token lies in the socket, so poll says readable.</summary>
    public bool HasToken { get; set; }

    public unsafe void PutToken()
    {
        byte token = 1;
        HasToken = Libc.Send(Fd, &token, 1, Libc.MsgDontwait | Libc.MsgNosignal) == 1;
    }
}

/// <summary>An open fail-nth node: which thread's calls are made to fail.</summary>
internal sealed class FailNthFile(ClientProcess process, uint tid)
{
    public ClientProcess Process => process;

    public uint Tid => tid;
}
