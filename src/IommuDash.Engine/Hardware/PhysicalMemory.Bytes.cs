// The bytes of process and file frames. Everything that reads or writes them by frame number goes through these two methods, whatever backs the frame; page tables have their own way (Words).
namespace IommuDash.Engine.Hardware;

public sealed unsafe partial class PhysicalMemory
{
    /// <summary>Who keeps the bytes of some frames elsewhere; null = nobody.</summary>
    public IForeignFrames? Foreign { get; set; }

    /// <summary>Copies bytes of one frame out; [offset, +length) must lie inside it. EFAULT: they are kept elsewhere and cannot be had.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It does not.</exception>
    public Errno TryRead(uint pfn, int offset, Span<byte> bytes)
    {
        if (Foreign is { } foreign)
        {
            bool done = foreign.TryRead(pfn, offset, bytes, out bool isForeign);
            if (isForeign)
                return done ? Errno.None : Errno.EFAULT;
        }
        Read(pfn).Slice(offset, bytes.Length).CopyTo(bytes);
        return Errno.None;
    }

    /// <summary>Copies bytes into one frame; [offset, +length) must lie inside it. ENOMEM: see <see cref="TryMarkWritten"/>; nothing is written then. EFAULT as <see cref="TryRead"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It does not.</exception>
    public Errno TryWrite(uint pfn, int offset, ReadOnlySpan<byte> bytes)
    {
        if (Foreign is { } foreign)
        {
            bool done = foreign.TryWrite(pfn, offset, bytes, out bool isForeign);
            if (isForeign)
                return done ? Errno.None : Errno.EFAULT;
        }
        if (!TryMarkWritten(pfn))
            return Errno.ENOMEM;
        bytes.CopyTo(Write(pfn).Slice(offset, bytes.Length));
        return Errno.None;
    }
}
