// Memory files of the host (memfd_create, ftruncate, close). Other files come and go with the mappings that name them.
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Hardware;

public sealed partial class EmulatedHost
{
    public EmulatedFile? FindFile(string name) => _files.GetValueOrDefault(name);

    /// <summary>
    /// Makes a memfd: mappings name it, and IOAS_MAP_FILE pins it by offset. EEXIST: the name is taken; EINVAL: empty name, or a size that is no multiple of 2 MiB for <see cref="FrameLayout.Huge"/>; ENOMEM at a cap.
    /// </summary>
    public Refusal? CreateMemfd(string name, ulong sizeBytes, FrameLayout layout = FrameLayout.Contiguous)
    {
        if (string.IsNullOrEmpty(name))
            return new Refusal(Errno.EINVAL, "memfd.name", "A memory file needs a name.");
        if (_files.ContainsKey(name))
            return new Refusal(Errno.EEXIST, "memfd.name", $"There is a file {name} already.");
        if (_files.Count >= Limits.Files)
            return EngineLimits.Reached(nameof(EngineLimits.Files), Limits.Files, "files");
        if (CheckSize(name, sizeBytes, layout) is { } refusal)
            return refusal;
        var file = new EmulatedFile(name, Memory, sizeBytes, layout) { IsOpen = true };
        file.Get();
        _files.Add(name, file);
        return null;
    }

    /// <summary>Sets the size of a memfd. What was pinned behind the new end stays pinned. ENOENT: no such file; EINVAL: not a memfd, or as <see cref="CreateMemfd"/>.</summary>
    public Refusal? TruncateFile(string name, ulong sizeBytes)
    {
        if (FindFile(name) is not { } file)
            return NoFile(name);
        if (!file.IsMemfd)
            return new Refusal(Errno.EINVAL, "memfd.type", $"{name} is not a memory file; it has no size.");
        if (CheckSize(name, sizeBytes, file.Layout) is { } refusal)
            return refusal;
        file.Truncate(sizeBytes);
        return null;
    }

    /// <summary>Closes a memfd; it lives on while mapped or in use by an IOAS. ENOENT: no such file; EBADF: not open.</summary>
    public Refusal? CloseFile(string name)
    {
        if (FindFile(name) is not { } file)
            return NoFile(name);
        if (!file.IsOpen)
            return new Refusal(Errno.EBADF, "memfd.closed", $"No descriptor of {name} is open.");
        file.IsOpen = false;
        file.Put();
        DropUnusedFiles();
        return null;
    }

    internal void DropUnusedFiles()
    {
        foreach (EmulatedFile file in _files.Values.Where(f => f.Users == 0).ToArray())
            _files.Remove(file.Name);
    }

    private Refusal? CheckSize(string name, ulong sizeBytes, FrameLayout layout)
    {
        if (layout == FrameLayout.Huge && sizeBytes % (PhysicalMemory.HugeFrames * (ulong)PhysicalMemory.FrameBytes) != 0)
            return new Refusal(Errno.EINVAL, "memfd.huge", $"{name} has huge pages; its size 0x{sizeBytes:x} must be a multiple of 2 MiB.");
        return sizeBytes <= Limits.ProcessMemoryBytes ? null
            : EngineLimits.Reached(nameof(EngineLimits.ProcessMemoryBytes), Limits.ProcessMemoryBytes, "bytes in one file");
    }

    private static Refusal NoFile(string name) => new(Errno.ENOENT, "file.lookup", $"There is no file {name}.");
}
