// The server behind the preload library: one thread that waits on every descriptor, takes one message at a time and answers it. It is the one writer of its emulated host, or takes turns with others (ISharedHost).
//
// Holds always:
//  - What is closed is seen before what is asked: in each round all hang-ups come first, so a call made after a close or an exit finds its effect.
//  - The pid of a caller is the one the kernel vouches for with each message; only that process's memory is touched, and answers go only to its own threads.
//  - The host is touched in a turn only; once it is gone, descriptors are closed and nothing else.
//  - A client that lies, stalls or dies costs at most its own contexts: no answer is waited for, no message can block.
// Leaves out: programs that leave every one of their threads' reply sockets to a child (they keep a few descriptors of the server until that exits).
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using IommuDash.Abi;
using IommuDash.Bridge.Memory;
using IommuDash.Bridge.Native;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;
using IommuDash.Workspaces.Calls;

namespace IommuDash.Bridge.Server;

/// <summary>Serves one emulated host to real programs.</summary>
public sealed unsafe partial class BridgeServer : IFailurePoints, IDisposable
{
    private const int EventRoom = 4_096;

    private readonly BridgeOptions _options;
    private readonly ISharedHost? _shared;
    private readonly Dictionary<int, Endpoint> _endpoints = [];
    private readonly Dictionary<int, ClientProcess> _processes = [];
    private readonly int _epoll;
    private readonly int _stop;
    private readonly Lock _stopping = new();
    private EmulatedHost _host;
    private ClientObjects _objects;
    private readonly byte[] _structure = new byte[WireRequest.MaxStructureBytes];
    private ulong _nextSerial;
    private bool _isHostGone;
    private readonly BriefWait _wait = new();
    private bool _isStopping;
    private bool _isDisposed;

    private BridgeServer(EmulatedHost host, BridgeOptions options, int listener)
    {
        _options = options;
        _shared = options.Shared;
        Bind(host);
        _epoll = Libc.EpollCreate1(Libc.EpollCloexec);
        _stop = Libc.Eventfd(0, Libc.EfdCloexec);
        Add(new StopEndpoint(_stop));
        Add(new ListenEndpoint(listener));
    }

    /// <summary>Calls answered so far.</summary>
    public long Calls { get; private set; }

    /// <summary>Starts listening. The socket can be reached by this user only. On failure the reason is given.</summary>
    /// <param name="host">Must not be used by anyone else from now on, but for whom <see cref="BridgeOptions.Shared"/> lets in.</param>
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
                int count = _wait.Wait(_epoll, events, EventRoom);
                var ready = new ReadOnlySpan<Libc.EpollEvent>(events, Math.Max(count, 0));
                EndWhatIsClosed(ready);
                foreach (Libc.EpollEvent one in ready)
                {
                    if (Find(one) is { } endpoint)
                        Serve(endpoint);
                }
            }
            EndAll();
        }
        finally
        {
            NativeMemory.Free(events);
        }
    }

    /// <summary>Makes <see cref="Run"/> return. From any thread, and at any time.</summary>
    public void Stop()
    {
        ulong one = 1;
        lock (_stopping)
        {
            if (!_isDisposed)
                Libc.Write(_stop, &one, sizeof(ulong));
        }
    }

    public void Dispose()
    {
        if (_isDisposed)
            return;
        EndAll();
        lock (_stopping)
        {
            _isDisposed = true;
            Libc.Close(_stop);
        }
        _objects.Dispose();
        _host.FailurePoints = null;
        // Whoever goes on with a shared host still has frames of programs in it.
        if (_shared is null)
            _host.Memory.Foreign = null;
        DropWindowMemory(all: true);
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

    [MemberNotNull(nameof(_host), nameof(_objects))]
    private void Bind(EmulatedHost host)
    {
        _objects?.Dispose();
        _host = host;
        // One that was rebuilt from a journal knows pages already.
        _objects = new ClientObjects(host.Memory.Foreign as ClientFrames ?? new ClientFrames(host.Memory));
        _objects.SizeObserved = _options.Trace is { } trace ? trace.FileSize : null;
        _objects.Frames.Lost = _options.Trace is { } lines ? lines.Lost : null;
        host.Memory.Foreign = _objects.Frames;
        host.FailurePoints = this;
    }

    // False: the host is gone.
    private bool TakeTurn()
    {
        if (_shared is null)
            return true;
        if (_shared.TakeTurn() is not { } host)
        {
            _isHostGone = true;
            _isStopping = true;
            return false;
        }
        if (host != _host)
            Bind(host);
        return true;
    }

    private void EndAll()
    {
        foreach (Endpoint endpoint in _endpoints.Values.Where(e => e is not StopEndpoint).ToArray())
            EndInTurn(endpoint);
    }

    private void EndInTurn(Endpoint endpoint)
    {
        bool isTurn = TakeTurn();
        try
        {
            End(endpoint);
        }
        finally
        {
            if (isTurn)
                _shared?.GiveBackTurn();
        }
    }

    private void AnswerInTurn(FileEndpoint file, in WireRequest request, in ReceivedPacket packet)
    {
        if (!TakeTurn())
        {
            if (packet.Fd >= 0)
                Libc.Close(packet.Fd);
            return;
        }
        try
        {
            Answer(file, request, packet);
        }
        finally
        {
            _shared?.GiveBackTurn();
        }
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
                EndInTurn(exited);
        }
        foreach (Libc.EpollEvent one in ready)
        {
            if ((one.Events & (Libc.Epollhup | Libc.Epollerr | Libc.Epollrdhup)) != 0 && Find(one) is { } closed)
                EndInTurn(closed);
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
                if (PacketSocket.TryReceive(file.Fd, out WireRequest request, _structure, out ReceivedPacket packet, out bool isClosed))
                {
                    _wait.CallerCpu = request.Cpu;
                    AnswerInTurn(file, request, packet);
                }
                else if (isClosed)
                    EndInTurn(file);
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
            case NodeEndpoint { File: { } file } when !_isHostGone:
                CloseNode(file);
                break;
            case MadeFileEndpoint made when !_isHostGone:
                CloseMade(made);
                break;
        }
        // Closing takes it out of the epoll set.
        Libc.Close(endpoint.Fd);
    }

    private void CloseNode(IommuFile file)
    {
        EmulatedProcess opener = file.Context.Opener;
        _shared?.Begin(opener.Pid, opener.Name, "close", onlyReleases: true);
        // Each mapping has a duplicate of the descriptor, so with the last one they are gone too.
        UnmapWindows((window, _) => window.Owner.Context == file.Context);
        _options.Trace?.Close(file);
        CallRecord? record = _shared is null ? null : RecordOf(file.Context, opener, CallKind.Close, "close", null);
        if (_host.FindContext(file.Context.Fd) == file.Context)
            _host.CloseContext(file.Context.Fd);
        _shared?.Complete(record);
    }

    private void CloseMade(MadeFileEndpoint made)
    {
        EmulatedProcess opener = made.Context.Opener;
        _shared?.Begin(opener.Pid, opener.Name, "close", onlyReleases: true);
        _options.Trace?.Close(made.File);
        CallRecord? record = _shared is null ? null : RecordOf(made.Context, opener, CallKind.Close, "close", made.File);
        CloseFile(made.File);
        _shared?.Complete(record);
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
        _shared?.Leave();
        if (_isHostGone)
            return;
        _shared?.Begin(process.Process.Pid, process.Process.Name, "exit", onlyReleases: true);
        UnmapWindows((_, by) => by == process);
        _options.Trace?.Exit(process.Process);
        _host.RetireProcess(process.Process);
        _shared?.Complete(null);
    }
}
