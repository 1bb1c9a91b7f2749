// A file whose pages can be pinned by offset, without an address space in between (the kernel's memfd: shmem and hugetlb files).
namespace IommuDash.Engine.Pages;

/// <summary>A file as IOAS_MAP_FILE sees it. Kept alive by open descriptors, mappings and pages objects.</summary>
public abstract class MemoryFile
{
    protected MemoryFile(string name) => Name = name;

    public string Name { get; }

    /// <summary>Open descriptors, mappings and pages objects.</summary>
    public int Users { get; private set; }

    /// <summary>
    /// Gives the frames of pages from <paramref name="pageIndex"/> on, at most <paramref name="maxPages"/>, at least one: as many as are at hand, valid until the next call.
    /// EINVAL: not a memfd, or the page is not wholly inside the file's size; ENOMEM: no frame left.
    /// </summary>
    protected internal abstract Refusal? FaultIn(ulong pageIndex, ulong maxPages, out ReadOnlySpan<uint> frames);

    /// <summary>The checks of <see cref="FaultIn"/> over pages [first, +count) without touching any.</summary>
    protected internal abstract Refusal? CheckAccess(ulong firstPage, ulong pageCount);

    /// <summary>Runs when the last user is gone: frames are given back, pinned ones with their last pin.</summary>
    protected abstract void DropAll();

    internal void Get() => Users++;

    internal void Put()
    {
        if (--Users == 0)
            DropAll();
        else if (Users < 0)
            throw new InvalidOperationException($"File {Name} lost a user it did not have.");
    }
}
