// Answering one message.
using System.Globalization;
using System.Text;
using IommuDash.Abi;
using IommuDash.Bridge.Memory;
using IommuDash.Bridge.Native;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Bridge.Server;

public sealed unsafe partial class BridgeServer
{
    private const ulong OwnOffset = ulong.MaxValue;

    private (ClientProcess Caller, uint Tid)? _failing;
    private ClientFile? _opened;
    private ulong _nextName;

    private void Answer(FileEndpoint endpoint, in WireRequest request, in ReceivedPacket packet)
    {
        if (request.Op == RequestOp.Register)
        {
            Register(packet, request.Tid, isNewImage: request.A != 0);
            return;
        }
        if (packet.Fd >= 0)
            Libc.Close(packet.Fd);
        // Who has not said where to answer gets none.
        if (!_processes.TryGetValue(packet.Pid, out ClientProcess? caller) || !caller.Threads.TryGetValue(request.Tid, out ThreadEndpoint? thread))
            return;
        InvalidateMemory();
        caller.Delivery = null;
        bool isCall = IsCall(endpoint, request);
        if (isCall && caller.RefreshPrivileges())
            _options.Trace?.Process(caller.Process);
        var reply = new WireReply { Cpu = (uint)Libc.SchedGetcpu() };
        int carried = -1;
        _refusal = isCall ? Begin(caller, request) : null;
        reply.Value = _refusal is { } capped ? -(long)capped.Errno : request.Op switch
        {
            RequestOp.Open => Open(endpoint, caller, request),
            RequestOp.Ioctl => Ioctl(endpoint, caller, request, _structure.AsSpan(0, packet.StructureBytes)),
            RequestOp.Read => Transfer(endpoint, caller, request, ref reply),
            RequestOp.Write => Transfer(endpoint, caller, request, ref reply),
            RequestOp.Mmap => Mmap(endpoint, caller, request, ref reply, out carried),
            RequestOp.Munmap => Munmap(endpoint, caller, request.A),
            RequestOp.Counters => Counters(request.A, ref reply),
            _ => -(long)Errno.EINVAL,
        };
        Calls++;
        Deliver(endpoint, caller, ref reply, ref carried);
        PutTokens();
        if (isCall)
            _shared?.Complete(RecordOf(endpoint, caller, request, reply.Value));
        PacketSocket.TrySend(thread.Fd, reply, carried);
        if (carried >= 0)
            Libc.Close(carried);
    }

    // What /proc/PID/status would say on the emulated host. Of processes it does not know nothing is pinned.
    private long Counters(ulong pid, ref WireReply reply)
    {
        if (pid > int.MaxValue || !_processes.TryGetValue((int)pid, out ClientProcess? process))
            return 0;
        reply.Extra = process.Memory.LockedPages;
        return (long)process.Memory.PinnedPages;
    }

    private void Register(in ReceivedPacket packet, uint tid, bool isNewImage)
    {
        if (packet.Fd < 0)
            return;
        if (isNewImage && _processes.TryGetValue(packet.Pid, out ClientProcess? old))
            End(_endpoints.Values.OfType<ProcessEndpoint>().Single(e => e.Process == old));
        if ((_processes.GetValueOrDefault(packet.Pid) ?? Adopt(packet.Pid, packet.Uid)) is not { } process || _endpoints.Count >= _options.MaxDescriptors)
        {
            // The answer to the call that the thread wants to make.
            PacketSocket.TrySend(packet.Fd, new WireReply { Flags = ReplyFlags.Unregistered, Value = -(long)Errno.ENOMEM });
            Libc.Close(packet.Fd);
            return;
        }
        if (process.Threads.TryGetValue(tid, out ThreadEndpoint? before))
            End(before);
        var thread = new ThreadEndpoint(packet.Fd, process, tid);
        Add(thread);
        process.Threads[tid] = thread;
    }

    private ClientProcess? Adopt(int pid, uint uid)
    {
        int pidfd = (int)Libc.Syscall(Libc.SysPidfdOpen, pid, 0);
        if (pidfd < 0)
            return null;
        ClientProcess? client = ClientProcess.Describe(pid, uid) is { } description ? Adopt(pid, uid, description) : null;
        if (client is null)
        {
            Libc.Close(pidfd);
            return null;
        }
        _processes.Add(pid, client);
        Add(new ProcessEndpoint(pidfd, client));
        return client;
    }

    private ClientProcess? Adopt(int pid, uint uid, ProcessDescription description)
    {
        // The host's own processes have pids of their own making; the program's is only a number to it.
        while (_host.FindProcess(description.Pid) is not null)
            description = description with { Pid = description.Pid + 1 };
        if (_shared?.Admit(description.Pid, description.Name) is not null)
            return null;
        _shared?.Begin(description.Pid, description.Name, "process", onlyReleases: false);
        var memory = new ClientAddressSpace(_objects, pid);
        ClientProcess? client = null;
        if (_host.AdoptProcess(description, memory, out EmulatedProcess? process) is null)
            client = new ClientProcess(this, process!, memory, uid);
        else
            _objects.Remove(memory);
        if (client is not null && _options.Trace is { } trace)
        {
            memory.Observed = mapping => trace.Memory(client.Process, mapping);
            trace.Process(client.Process);
        }
        _shared?.Complete(null);
        if (client is null)
            _shared?.Leave();
        return client;
    }

    private long Open(FileEndpoint endpoint, ClientProcess caller, in WireRequest request)
    {
        if (endpoint is not NodeEndpoint { File: null, FailNth: null } node)
            return -(long)Errno.EINVAL;
        switch ((NodeKind)request.A)
        {
            case NodeKind.FailNth:
                node.FailNth = new FailNthFile(caller, (uint)request.B);
                return 0;
            case NodeKind.Iommu or NodeKind.Vfio:
                node.IsVfio = (NodeKind)request.A == NodeKind.Vfio;
                _refusal = _host.OpenContext(caller.Process.Pid, out IommufdContext? context, node.IsVfio ? AccountMode.Mm : AccountMode.User);
                node.File = _refusal is null ? new IommuFile(context!) : null;
                _options.Trace?.Open(caller.Process.Pid, node.File, node.IsVfio, Result(_refusal));
                return Result(_refusal);
            default:
                return -(long)Errno.ENODEV;
        }
    }

    private long Ioctl(FileEndpoint endpoint, ClientProcess caller, in WireRequest request, ReadOnlySpan<byte> structure)
    {
        if (endpoint is not NodeEndpoint { File: { } file })
            return -(long)Errno.ENOTTY;
        _failing = (caller, request.Tid);
        caller.TakeSent(request.B, structure);
        ICaller by = _shared is null ? caller : _capture;
        IoctlResult result = _options.Trace is { } trace
            ? trace.Ioctl(file, by, (uint)request.A, request.B, caller.FailNth.GetValueOrDefault(request.Tid))
            : file.Ioctl(by, (uint)request.A, request.B);
        _failing = null;
        caller.TakeSent(0, default);
        _opened?.ReleaseIfUnused();
        _opened = null;
        _refusal = result.Refusal;
        return result.Value;
    }

    private static long Result(Refusal? refusal, long value = 0) => refusal is null ? value : -(long)refusal.Errno;

    /// <summary>Whether the call under way fails here: it does at the point to which its thread's count (the fail-nth node) has come down. Points outside a call pass.</summary>
    internal bool Fails(FailurePoint point)
    {
        if (_failing is not { } now || !now.Caller.FailNth.TryGetValue(now.Tid, out ulong left) || left == 0)
            return false;
        now.Caller.FailNth[now.Tid] = left - 1;
        return left == 1;
    }

    bool IFailurePoints.ShouldFail(FailurePoint point) => Fails(point);

    private long Transfer(FileEndpoint endpoint, ClientProcess caller, in WireRequest request, ref WireReply reply) => endpoint switch
    {
        NodeEndpoint { FailNth: { } failNth } => request.Op == RequestOp.Read ? ReadFailNth(failNth, caller, request) : WriteFailNth(failNth, caller, request),
        MadeFileEndpoint { File: EventFile file } made => TransferEvents(made, file, caller, request, ref reply),
        _ => -(long)Errno.EINVAL,
    };

    // What is left of the count, and a line end; as the kernel's file, which is read at an offset like any text.
    private static long ReadFailNth(FailNthFile file, ClientProcess caller, in WireRequest request)
    {
        string text = file.Process.FailNth.GetValueOrDefault(file.Tid).ToString(CultureInfo.InvariantCulture) + "\n";
        int from = request.C == OwnOffset ? 0 : (int)Math.Min(request.C, (ulong)text.Length);
        ReadOnlySpan<byte> bytes = Encoding.ASCII.GetBytes(text[from..]);
        bytes = bytes[..(int)Math.Min((ulong)bytes.Length, request.B)];
        return caller.TryWrite(request.A, bytes) ? bytes.Length : -(long)Errno.EFAULT;
    }

    private static long WriteFailNth(FailNthFile file, ClientProcess caller, in WireRequest request)
    {
        Span<byte> bytes = stackalloc byte[32];
        if (request.B is 0 or > 20)
            return -(long)Errno.EINVAL;
        bytes = bytes[..(int)request.B];
        if (!caller.TryRead(request.A, bytes))
            return -(long)Errno.EFAULT;
        if (!ulong.TryParse(Encoding.ASCII.GetString(bytes).TrimEnd('\n', '\0'), NumberStyles.None, CultureInfo.InvariantCulture, out ulong nth))
            return -(long)Errno.EINVAL;
        file.Process.FailNth[file.Tid] = nth;
        return (long)request.B;
    }

    // A call that delivers a file has succeeded already; only now does the program's end come into being.
    private void Deliver(FileEndpoint endpoint, ClientProcess caller, ref WireReply reply, ref int carried)
    {
        if (caller.Delivery is not { } delivery || endpoint is not NodeEndpoint { File: { } node })
            return;
        if (_endpoints.Count >= _options.MaxDescriptors
            || !PacketSocket.TryCreatePair(string.Create(CultureInfo.InvariantCulture, $"{_options.SocketPath}#{_nextName++}"), out int serverEnd, out carried))
        {
            _options.Trace?.Close(delivery.File);
            CloseFile(delivery.File);
            reply.Value = -(long)Errno.ENOMEM;
            return;
        }
        string inode = new FileInfo($"/proc/self/fd/{carried}").LinkTarget!;
        Add(new MadeFileEndpoint(serverEnd, delivery.File, node.Context, inode));
        reply.Flags |= delivery.CloseOnExec ? ReplyFlags.File : ReplyFlags.File | ReplyFlags.KeptByExec;
        reply.Extra = delivery.Address;
    }

    /// <summary>A memory file behind a descriptor of a client, for the call under way; null for a bad descriptor.</summary>
    internal MemoryFile? OpenMemoryFile(int pid, int fd)
    {
        _opened = ClientFile.Open(_objects, pid, fd);
        return _opened;
    }
}
