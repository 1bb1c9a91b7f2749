// The server behind the preload library: one thread that waits on every descriptor, takes one message at a time and answers it. It is the one writer of its emulated host.
//
// Holds always:
//  - What is closed is seen before what is asked: in each round all hang-ups come first, so a call made after a close or an exit finds its effect.
//  - The pid of a caller is the one the kernel vouches for with each message; only that process's memory is touched, and answers go only to its own threads.
//  - A client that lies, stalls or dies costs at most its own contexts: no answer is waited for, no message can block.
// Leaves out: programs that leave every one of their threads' reply sockets to a child (they keep a few descriptors of the server until that exits).
using System.Runtime.InteropServices;
using IommuDash.Bridge.Memory;
using IommuDash.Bridge.Native;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Bridge.Server;

/// <summary>Serves one emulated host to real programs.</summary>
public sealed unsafe partial class BridgeServer : IFailurePoints, IDisposable
{
    private const int EventRoom = 4_096;

    private readonly EmulatedHost _host;
    private readonly BridgeOptions _options;
    private readonly ClientFrames _frames;
    private readonly ClientObjects _objects;
    private readonly Dictionary<int, Endpoint> _endpoints = [];
    private readonly Dictionary<int, ClientProcess> _processes = [];
    private readonly int _epoll;
    private readonly int _stop;
    private ulong _nextSerial;
    private bool _isStopping;
    private bool _isDisposed;

    private BridgeServer(EmulatedHost host, BridgeOptions options, int listener)
    {
        _host = host;
        _options = options;
        _frames = new ClientFrames(host.Memory);
        _objects = new ClientObjects(_frames);
        host.Memory.Foreign = _frames;
        host.FailurePoints = this;
        _epoll = Libc.EpollCreate1(Libc.EpollCloexec);
        _stop = Libc.Eventfd(0, Libc.EfdCloexec);
        Add(new StopEndpoint(_stop));
        Add(new ListenEndpoint(listener));
    }

    /// <summary>Calls answered so far.</summary>
    public long Calls { get; private set; }

    /// <summary>Starts listening. The socket can be reached by this user only. On failure the reason is given.</summary>
    /// <param name="host">Must not be used by anyone else from now on.</param>
    public static BridgeServer? Listen(EmulatedHost host, BridgeOptions options, out string reason)
    {
        ArgumentNullException.ThrowIfNull(options);
        reason = "";
        int listener = Libc.Socket(Libc.AfUnix, Libc.SockSeqpacket | Libc.SockCloexec | Libc.SockNonblock, 0);
        uint mask = Libc.Umask(0x3f); // 077
        bool isBound = listener >= 0 && PacketSocket.TryBind(listener, options.SocketPath);
        _ = Libc.Umask(mask);
        if (isBound)
        {
            PacketSocket.PassCredentials(listener);
            if (Libc.Listen(listener, 128) == 0)
                return new BridgeServer(host, options, listener);
        }
        reason = $"Cannot listen on {options.SocketPath}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}.";
        if (listener >= 0)
            Libc.Close(listener);
        return null;
    }

    /// <summary>Serves until <see cref="Stop"/>; then every context is closed.</summary>
    public void Run()
    {
        Libc.EpollEvent* events = (Libc.EpollEvent*)NativeMemory.Alloc(EventRoom, (nuint)sizeof(Libc.EpollEvent));
        try
        {
            while (!_isStopping)
            {
                int count = Libc.EpollWait(_epoll, events, EventRoom, -1);
                var ready = new ReadOnlySpan<Libc.EpollEvent>(events, Math.Max(count, 0));
                EndWhatIsClosed(ready);
                foreach (Libc.EpollEvent one in ready)
                {
                    if (Find(one) is { } endpoint)
                        Serve(endpoint);
                }
            }
            foreach (Endpoint endpoint in _endpoints.Values.ToArray())
                End(endpoint);
        }
        finally
        {
            NativeMemory.Free(events);
        }
    }

    /// <summary>Makes <see cref="Run"/> return. From any thread.</summary>
    public void Stop()
    {
        ulong one = 1;
        Libc.Write(_stop, &one, sizeof(ulong));
    }

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        foreach (Endpoint endpoint in _endpoints.Values.ToArray())
            End(endpoint);
        _host.Memory.Foreign = null;
        _host.FailurePoints = null;
        Libc.Close(_epoll);
        File.Delete(_options.SocketPath);
    }

    /// <summary>The file whose other end a descriptor link of a program names.</summary>
    internal object? FindFile(string link)
    {
        foreach (Endpoint endpoint in _endpoints.Values)
        {
            if (endpoint is MadeFileEndpoint made && made.Inode == link)
                return made.File;
        }
        return null;
    }

    private void Add(Endpoint endpoint)
    {
        endpoint.Key = _nextSerial++ << 32 | (uint)endpoint.Fd;
        var change = new Libc.EpollEvent { Events = Libc.Epollin | Libc.Epollrdhup, Data = endpoint.Key };
        Libc.EpollCtl(_epoll, Libc.EpollCtlAdd, endpoint.Fd, &change);
        _endpoints.Add(endpoint.Fd, endpoint);
    }

    // Null if it ended in this round, also when another has its number by now.
    private Endpoint? Find(in Libc.EpollEvent ready) => _endpoints.GetValueOrDefault((int)(uint)ready.Data) is { } found && found.Key == ready.Data ? found : null;

    // Processes first, as an exit drops the memory before the descriptors.
    private void EndWhatIsClosed(ReadOnlySpan<Libc.EpollEvent> ready)
    {
        foreach (Libc.EpollEvent one in ready)
        {
            if (Find(one) is ProcessEndpoint exited)
                End(exited);
        }
        foreach (Libc.EpollEvent one in ready)
        {
            if ((one.Events & (Libc.Epollhup | Libc.Epollerr | Libc.Epollrdhup)) != 0 && Find(one) is { } closed)
                End(closed);
        }
    }

    private void Serve(Endpoint endpoint)
    {
        switch (endpoint)
        {
            case StopEndpoint:
                _isStopping = true;
                break;
            case ListenEndpoint:
                Accept(endpoint.Fd);
                break;
            case FileEndpoint file:
                if (PacketSocket.TryReceive(file.Fd, out WireRequest request, out ReceivedPacket packet, out bool isClosed))
                    Answer(file, request, packet);
                else if (isClosed)
                    End(file);
                break;
            case ThreadEndpoint:
                // Nothing is ever asked there.
                End(endpoint);
                break;
        }
    }

    private void Accept(int listener)
    {
        int fd = Libc.Accept4(listener, null, null, Libc.SockCloexec);
        if (fd < 0)
            return;
        if (PacketSocket.PeerUid(fd) != Libc.Geteuid() || _endpoints.Count >= _options.MaxDescriptors)
        {
            Libc.Close(fd);
            return;
        }
        PacketSocket.PassCredentials(fd);
        Add(new NodeEndpoint(fd));
    }

    private void End(Endpoint endpoint)
    {
        if (!_endpoints.Remove(endpoint.Fd))
            return;
        switch (endpoint)
        {
            case ProcessEndpoint { Process: { } process }:
                Retire(process);
                break;
            case ThreadEndpoint thread:
                if (thread.Process.Threads.GetValueOrDefault(thread.Tid) == thread)
                    thread.Process.Threads.Remove(thread.Tid);
                break;
            case NodeEndpoint { File: { } file }:
                _options.Trace?.Close(file);
                _host.CloseContext(file.Context.Fd);
                break;
            case MadeFileEndpoint made:
                _options.Trace?.Close(made.File);
                CloseFile(made.File);
                break;
        }
        // Closing takes it out of the epoll set.
        Libc.Close(endpoint.Fd);
    }

    private static void CloseFile(object file)
    {
        switch (file)
        {
            case AccessFile access:
                access.Close();
                break;
            case Dmabuf buffer:
                buffer.Close();
                break;
            default:
                ((EventFile)file).Close();
                break;
        }
    }

    private void Retire(ClientProcess process)
    {
        _processes.Remove(process.Pid);
        foreach (ThreadEndpoint thread in process.Threads.Values.ToArray())
            End(thread);
        _options.Trace?.Exit(process.Memory);
        _host.RetireProcess(process.Process);
    }
}
