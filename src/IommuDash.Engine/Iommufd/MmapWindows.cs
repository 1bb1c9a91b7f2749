// What may be mapped of a driver's hardware through the context's file: each window has an offset of its own, and only the whole window can be mapped (iommufd_fops_mmap).
using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Iommufd;

/// <summary>A window of a driver: some pages behind an offset of the context's file.</summary>
public sealed class MmapWindow
{
    internal MmapWindow(IommufdObject owner, ulong offset, int bytes)
    {
        Owner = owner;
        Offset = offset;
        Content = new byte[bytes];
    }

    /// <summary>The object it belongs to; each mapping holds a reference on it, and keeps the context.</summary>
    public IommufdObject Owner { get; }

    public ulong Offset { get; }

    /// <summary>What is seen through it.</summary>
    public byte[] Content { get; }

    public int Mappings { get; private set; }

    internal void Map()
    {
        Mappings++;
        Owner.Get();
        Owner.Context.Hold();
    }

    /// <summary>munmap of one mapping.</summary>
    /// <exception cref="InvalidOperationException">It is not mapped.</exception>
    public void Unmap()
    {
        if (Mappings == 0)
            throw new InvalidOperationException($"The window at 0x{Offset:x} is not mapped.");
        Mappings--;
        Owner.Put();
        Owner.Context.Unhold();
    }
}

/// <summary>The windows of one context by offset; offsets are the lowest that fit, from one page on.</summary>
public sealed class MmapWindows
{
    private readonly SortedDictionary<ulong, MmapWindow> _windows = [];

    public IReadOnlyCollection<MmapWindow> All => _windows.Values;

    /// <param name="pages">Length in pages.</param>
    internal MmapWindow Add(IommufdObject owner, int pages)
    {
        int bytes = pages * PhysicalMemory.FrameBytes;
        ulong offset = PhysicalMemory.FrameBytes;
        foreach (MmapWindow window in _windows.Values)
        {
            if (window.Offset - offset >= (ulong)bytes)
                break;
            offset = window.Offset + (ulong)window.Content.Length;
        }
        var added = new MmapWindow(owner, offset, bytes);
        _windows.Add(offset, added);
        return added;
    }

    internal void Remove(MmapWindow window) => _windows.Remove(window.Offset);

    /// <summary>
    /// mmap() of the context's file. EINVAL a length that is not in pages, or not MAP_SHARED; EPERM PROT_EXEC; ENXIO no window at the offset, or the length is not the window's.
    /// </summary>
    public Refusal? Map(ulong offset, ulong length, bool isShared, bool isExecutable, out MmapWindow? window)
    {
        window = null;
        if (length % PhysicalMemory.FrameBytes != 0)
            return new Refusal(Errno.EINVAL, "mmap.length", $"The length 0x{length:x} is not a multiple of a page.");
        if (!isShared)
            return new Refusal(Errno.EINVAL, "mmap.private", "A driver's window can only be mapped MAP_SHARED.");
        if (isExecutable)
            return new Refusal(Errno.EPERM, "mmap.exec", "A driver's window cannot be mapped PROT_EXEC.");
        if (!_windows.TryGetValue(offset, out MmapWindow? found) || length != (ulong)found.Content.Length)
            return new Refusal(Errno.ENXIO, "mmap.window", $"No window is exactly 0x{length:x} bytes at offset 0x{offset:x}.");
        found.Map();
        window = found;
        return null;
    }
}
