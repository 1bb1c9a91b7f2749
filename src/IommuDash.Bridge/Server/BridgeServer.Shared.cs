// What others who use the host are told about a message.
using IommuDash.Abi;
using IommuDash.Bridge.Native;
using IommuDash.Engine;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;
using IommuDash.Workspaces.Calls;

namespace IommuDash.Bridge.Server;

public sealed unsafe partial class BridgeServer
{
    private const string Source = "door";

    private readonly CallCapture _capture = new();

    // Of the call under way: why it failed, and bytes of _transfer that it moved.
    private Refusal? _refusal;
    private int _moved;

    /// <summary>Whether there is a process of a program, or a file one left open to somebody. In a turn.</summary>
    internal bool HasPrograms => _processes.Count != 0 || _endpoints.Values.Any(e => e is NodeEndpoint { File: not null } or MadeFileEndpoint);

    /// <summary>Whether a program has the context open. In a turn.</summary>
    internal bool HasContext(int fd) => _endpoints.Values.Any(e => e is NodeEndpoint { File: { } file } && file.Context.Fd == fd);

    /// <summary>Whether the process of this pid of the host's is a real one. In a turn.</summary>
    internal bool HasProcess(int pid) => _processes.Values.Any(p => p.Process.Pid == pid);

    /// <summary>Programs have run since their memory was last looked at. In a turn.</summary>
    internal void InvalidateMemory()
    {
        foreach (ClientProcess process in _processes.Values)
            process.Memory.Invalidate();
    }

    // What changes the host or asks it something.
    private static bool IsCall(FileEndpoint endpoint, in WireRequest request) => (request.Op, endpoint) switch
    {
        (RequestOp.Open, NodeEndpoint) => (NodeKind)request.A is NodeKind.Iommu or NodeKind.Vfio,
        (RequestOp.Ioctl or RequestOp.Mmap or RequestOp.Munmap, NodeEndpoint { File: not null }) => true,
        (RequestOp.Read or RequestOp.Write, MadeFileEndpoint) => true,
        _ => false,
    };

    private Refusal? Begin(ClientProcess caller, in WireRequest request)
    {
        if (_shared is null)
            return null;
        _moved = 0;
        if (request.Op == RequestOp.Ioctl)
            _capture.Begin(caller, (uint)request.A, request.B);
        return _shared.Begin(caller.Process.Pid, caller.Process.Name, NameOf(request), OnlyReleases(request));
    }

    private static string NameOf(in WireRequest request) => request.Op switch
    {
        RequestOp.Ioctl => IoctlTable.Find((uint)request.A)?.Name ?? Trace.TraceText.Hex((uint)request.A),
        RequestOp.Open => "open",
        RequestOp.Read => "read",
        RequestOp.Write => "write",
        RequestOp.Mmap => "mmap",
        _ => "munmap",
    };

    private static bool OnlyReleases(in WireRequest request) =>
        request.Op is RequestOp.Read or RequestOp.Write or RequestOp.Munmap || (request.Op == RequestOp.Ioctl && NameOf(request) is "DESTROY" or "IOAS_UNMAP" or "VFIO_IOMMU_UNMAP_DMA");

    private CallRecord? RecordOf(FileEndpoint endpoint, ClientProcess caller, in WireRequest request, long result)
    {
        if (_shared is null)
            return null;
        IommufdContext? context = (endpoint as NodeEndpoint)?.File?.Context ?? (endpoint as MadeFileEndpoint)?.Context;
        CallRecord record = RecordOf(context, caller.Process, KindOf(request.Op), NameOf(request), (endpoint as MadeFileEndpoint)?.File) with { Result = result, Refusal = _refusal };
        switch (request.Op)
        {
            case RequestOp.Open:
                return record with { FileName = (NodeKind)request.A == NodeKind.Vfio ? "/dev/vfio/vfio" : "/dev/iommu" };
            case RequestOp.Ioctl:
                return record with
                {
                    Request = (uint)request.A,
                    Argument = request.B,
                    Before = _capture.Before,
                    After = _capture.After,
                    Buffers = _capture.Buffers,
                    BuffersLeftOut = _capture.BuffersLeftOut,
                    FileObjects = _capture.FileObjects,
                };
            case RequestOp.Read or RequestOp.Write:
                byte[] kept = _transfer.AsSpan(0, Math.Min(_moved, CallCapture.MaxBufferBytes)).ToArray();
                return record with
                {
                    Argument = request.A,
                    LengthBytes = request.B,
                    Offset = request.C == OwnOffset ? 0 : request.C,
                    Buffers = _moved == 0 ? [] : [new CallBuffer(request.A, request.Op == RequestOp.Read, _moved, Failed: false, kept)],
                };
            case RequestOp.Mmap:
                return record with { LengthBytes = request.A, Offset = request.D };
            default:
                return record;
        }
    }

    private static CallRecord RecordOf(IommufdContext? context, EmulatedProcess process, CallKind kind, string name, object? file) => new()
    {
        Time = default,
        Version = 0,
        Source = Source,
        Pid = process.Pid,
        Program = process.Name,
        Context = context?.Fd ?? 0,
        Kind = kind,
        Name = name,
        Result = 0,
        FileObjects = file switch { AccessFile access => [access.Access.Id], EventFile events => [events.Id], _ => [] },
    };

    private static CallKind KindOf(RequestOp op) => op switch
    {
        RequestOp.Open => CallKind.Open,
        RequestOp.Ioctl => CallKind.Ioctl,
        RequestOp.Read => CallKind.Read,
        RequestOp.Write => CallKind.Write,
        RequestOp.Mmap => CallKind.Mmap,
        _ => CallKind.Munmap,
    };
}
