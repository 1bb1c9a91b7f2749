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
        Span<byte> buffer = _transfer.AsSpan(0, WritablePrefix(caller.Memory, request.A, request.B));
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
        int wanted = (int)Math.Min(request.B, MaxTransferBytes);
        Span<byte> responses = _transfer.AsSpan(0, wanted);
        int readable = caller.TryRead(request.A, responses) ? wanted : 0;
        Refusal? refusal = queue.Write(offset, request.B, responses[..readable], out int bytes);
        long result = Result(refusal, bytes);
        (_refusal, _moved) = (refusal, readable);
        _options.Trace?.Transfer(caller.Process.Pid, file, isRead: false, request.B, offset, readable, responses[..readable], result);
        return result;
    }

    // How much of a buffer can be stored, so that what cannot be is not taken from the queue.
    private static int WritablePrefix(ClientAddressSpace memory, ulong address, ulong count)
    {
        int length = (int)Math.Min(count, MaxTransferBytes);
        int writable = 0;
        while (writable < length && memory.IsWritable(address + (ulong)writable))
            writable += PhysicalMemory.FrameBytes - (int)((address + (ulong)writable) % PhysicalMemory.FrameBytes);
        return Math.Min(writable, length);
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
