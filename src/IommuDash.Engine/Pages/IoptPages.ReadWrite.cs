// Copying bytes through an IOAS on behalf of an access (iopt_pages_rw_access): straight from the process's memory where it is the caller's own, otherwise through the frames, page by page.
// Leaves out: the part of a copy that a fault cuts short; the process's own memory is copied wholly or not at all.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Pages;

public partial class IoptPages
{
    /// <summary>
    /// Copies between a buffer and the bytes from <paramref name="startByte"/> on, counted from the start of page 0. EPERM to write pages that are not writable; EFAULT where the process has no suitable memory, or is gone and nobody holds the page;
    /// EINVAL outside a file. Pages pinned for the copy are unpinned at once; nothing is charged.
    /// </summary>
    /// <param name="caller">Whose copy it is; null = no process's.</param>
    internal Refusal? ReadWrite(EmulatedProcess? caller, ulong startByte, Span<byte> buffer, AccessFlags flags)
    {
        bool write = (flags & AccessFlags.Write) != 0;
        if (write && !IsWritable)
            return new Refusal(Errno.EPERM, "access.write", "The memory was mapped without WRITEABLE, so an access may not write it.");
        if (IsDmabuf)
            return new Refusal(Errno.EINVAL, "access.dmabuf", "Memory of a dma-buf is its exporter's; accesses may not use it.");
        ulong first = startByte >> PhysicalMemory.FrameShift;
        ulong last = (startByte + (ulong)buffer.Length - 1) >> PhysicalMemory.FrameShift;
        int offset = (int)(startByte % PhysicalMemory.FrameBytes);
        if (File is not null)
            return CopyThroughReader(first, last, offset, buffer, write);
        bool isOwn = caller?.Memory == Source.Memory && (flags & AccessFlags.SlowPath) == 0;
        if (isOwn || ((flags & AccessFlags.Kthread) != 0 && Source.Memory.IsAlive))
            return write ? Source.Memory.Write(AddressOf(0) + startByte, buffer) : Source.Memory.Read(AddressOf(0) + startByte, buffer);
        return first == last && Source.Memory.IsAlive && (flags & AccessFlags.Kthread) == 0
            ? CopyRemotePage(first, offset, buffer, write)
            : CopyThroughReader(first, last, offset, buffer, write);
    }

    // One page of another process, whoever has it pinned already: it is pinned for the copy alone, so pin and unpin cancel out.
    private Refusal? CopyRemotePage(ulong index, int offset, Span<byte> buffer, bool write) =>
        Context.Host.Fails(FailurePoint.RemoteCopy) ? Injected.Refusal(Errno.EINVAL, FailurePoint.RemoteCopy)
            : Source.Memory.FaultIn(AddressOf(index), 1, write, out ReadOnlySpan<uint> frames) ?? CopyFrame(frames[0], offset, buffer, write);

    private Refusal? CopyThroughReader(ulong index, ulong last, int offset, Span<byte> buffer, bool write)
    {
        if (Context.Host.Fails(FailurePoint.BatchMemory))
            return Injected.Refusal(Errno.ENOMEM, FailurePoint.BatchMemory);
        while (index <= last)
        {
            Span<PhysicalRun> runs = Context.Host.ScratchRuns;
            if (ReadRuns(index, last, runs, out int count, out ulong pageCount, out bool areFresh) is { } refusal)
                return refusal;
            runs = runs[..count];
            Refusal? failed = CopyRuns(runs, ref offset, ref buffer, write);
            if (areFresh)
                Unpin(runs);
            if (failed is not null)
                return failed;
            index += pageCount;
        }
        return null;
    }

    private Refusal? CopyRuns(ReadOnlySpan<PhysicalRun> runs, ref int offset, ref Span<byte> buffer, bool write)
    {
        foreach (PhysicalRun run in runs)
        {
            uint end = FirstFrame(run) + FrameCount(run);
            for (uint pfn = FirstFrame(run); pfn < end; pfn++)
            {
                int bytes = Math.Min(buffer.Length, PhysicalMemory.FrameBytes - offset);
                if (CopyFrame(pfn, offset, buffer[..bytes], write) is { } refusal)
                    return refusal;
                buffer = buffer[bytes..];
                offset = 0;
            }
        }
        return null;
    }

    private Refusal? CopyFrame(uint pfn, int offset, Span<byte> bytes, bool write)
    {
        Errno errno = write ? Memory.TryWrite(pfn, offset, bytes) : Memory.TryRead(pfn, offset, bytes);
        return errno == Errno.None ? null : new Refusal(errno, "access.frame", $"Frame 0x{pfn:x} could not be {(write ? "written" : "read")}{(errno == Errno.ENOMEM ? $": {Memory.WrittenFrames} of {Memory.MaxWrittenFrames} writable frames are written (Limits:MachineWrittenBytes)" : "")}.");
    }
}
