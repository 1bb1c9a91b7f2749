// Files that calls made, as far as they are read and written: event queues, whose reads and writes are calls.
using IommuDash.Bridge.Memory;
using IommuDash.Bridge.Native;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Bridge.Server;

public sealed unsafe partial class BridgeServer
{
    /// <summary>Most bytes that one read or write of an event file moves; a longer one is answered as far as this goes.</summary>
    private const int MaxTransferBytes = 64 << 10;

    private readonly byte[] _transfer = new byte[MaxTransferBytes];

    private long TransferEvents(MadeFileEndpoint endpoint, EventFile file, ClientProcess caller, in WireRequest request, ref WireReply reply)
    {
        ulong offset = request.C == OwnOffset ? 0 : request.C;
        long result = request.Op == RequestOp.Read ? ReadEvents(file, caller, request, offset) : WriteEvents(file, caller, request, offset);
        if (endpoint.HasToken && !file.IsReadable)
        {
            endpoint.HasToken = false;
            reply.Flags |= ReplyFlags.Drained;
        }
        return result;
    }

    private long ReadEvents(EventFile file, ClientProcess caller, in WireRequest request, ulong offset)
    {
        Span<byte> buffer = _transfer.AsSpan(0, Reachable(caller.Memory, request.A, request.B, write: true));
        int bytes = 0;
        Refusal? refusal = file switch
        {
            FaultQueue queue => queue.Read(offset, request.B, buffer, out bytes),
            Veventq queue => queue.Read(offset, request.B, buffer, out bytes),
            _ => throw new InvalidOperationException($"Nobody knows how to read a {file.Type}."),
        };
        _refusal = refusal;
        _options.Trace?.Transfer(caller.Process.Pid, file, isRead: true, request.B, offset, buffer.Length, default, Result(refusal, bytes));
        if (refusal is not null)
            return Result(refusal);
        _moved = buffer[..bytes].Length;
        return caller.TryWrite(request.A, buffer[..bytes]) ? bytes : -(long)Errno.EFAULT;
    }

    private long WriteEvents(EventFile file, ClientProcess caller, in WireRequest request, ulong offset)
    {
        if (file is not FaultQueue queue)
            return -(long)Errno.EBADF;
        int readable = Reachable(caller.Memory, request.A, request.B, write: false);
        Span<byte> responses = _transfer.AsSpan(0, readable);
        if (!caller.TryRead(request.A, responses))
            readable = 0;
        Refusal? refusal = queue.Write(offset, request.B, responses[..readable], out int bytes);
        long result = Result(refusal, bytes);
        (_refusal, _moved) = (refusal, readable);
        _options.Trace?.Transfer(caller.Process.Pid, file, isRead: false, request.B, offset, readable, responses[..readable], result);
        return result;
    }

    // How much of a buffer can be stored, so that what cannot be is not taken from the queue; or read, so that responses before a hole count.
    private static int Reachable(ClientAddressSpace memory, ulong address, ulong count, bool write)
    {
        int length = (int)Math.Min(count, MaxTransferBytes);
        int reachable = 0;
        while (reachable < length && memory.Allows(address + (ulong)reachable, write))
            reachable += PhysicalMemory.FrameBytes - (int)((address + (ulong)reachable) % PhysicalMemory.FrameBytes);
        return Math.Min(reachable, length);
    }

    private void PutTokens()
    {
        foreach (Endpoint endpoint in _endpoints.Values)
        {
            if (endpoint is MadeFileEndpoint { HasToken: false, File: EventFile { IsReadable: true } } made)
                made.PutToken();
        }
    }
}
