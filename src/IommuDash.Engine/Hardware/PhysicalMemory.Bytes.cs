// The bytes of process and file frames. Everything that reads or writes them by frame number goes through these two methods, whatever backs the frame; page tables have their own way (Words).
namespace IommuDash.Engine.Hardware;

public sealed unsafe partial class PhysicalMemory
{
    /// <summary>Copies bytes of one frame out; [offset, +length) must lie inside it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It does not.</exception>
    public Errno TryRead(uint pfn, int offset, Span<byte> bytes)
    {
        Read(pfn).Slice(offset, bytes.Length).CopyTo(bytes);
        return Errno.None;
    }

    /// <summary>Copies bytes into one frame; [offset, +length) must lie inside it. ENOMEM: see <see cref="TryMarkWritten"/>; nothing is written then.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It does not.</exception>
    public Errno TryWrite(uint pfn, int offset, ReadOnlySpan<byte> bytes)
    {
        if (!TryMarkWritten(pfn))
            return Errno.ENOMEM;
        bytes.CopyTo(Write(pfn).Slice(offset, bytes.Length));
        return Errno.None;
    }
}
