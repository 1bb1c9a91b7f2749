// The address space of a process as the engine needs it (the kernel's mm): its bytes, its frames, and the two counters of locked and pinned pages.
// Whether the memory behind it is the emulated machine's alone or some real process's is a matter of the subclass.
namespace IommuDash.Engine.Pages;

/// <summary>Memory of one process, and access to its bytes as the process itself would see them.</summary>
public abstract class AddressSpace
{
    /// <summary>Mappings the engine knows of, sorted and disjoint; empty where they are not its own to keep.</summary>
    public virtual IReadOnlyList<MemoryMapping> Mappings => [];

    /// <summary>The mapping of <see cref="Mappings"/> that holds an address, or null.</summary>
    public virtual MemoryMapping? Find(ulong address) => null;

    /// <summary>Pages pinned by devices or accesses (VmPin), whoever pays for them.</summary>
    public ulong PinnedPages { get; internal set; }

    /// <summary>Pages charged to this address space (VmLck): only account mode MM does.</summary>
    public ulong LockedPages { get; internal set; }

    /// <summary>False once the process has exited: a fresh pin then fails, what is pinned stays.</summary>
    public bool IsAlive { get; private set; } = true;

    /// <summary>Copies bytes in as a store of the process would. EFAULT for unmapped or read-only addresses, ENOMEM without frames; nothing is written on refusal.</summary>
    public abstract Refusal? Write(ulong address, ReadOnlySpan<byte> bytes);

    /// <summary>Copies bytes out as a load of the process would. EFAULT for unmapped or unreadable addresses.</summary>
    public abstract Refusal? Read(ulong address, Span<byte> bytes);

    /// <summary>
    /// Faults in pages from <paramref name="address"/> (page aligned) on, at most <paramref name="maxPages"/>, and gives their frames, at least one: as many as are at hand.
    /// EFAULT for unmapped addresses, for lacking permission and once the process is gone; ENOMEM when the machine has no frame left. The frames are valid until the next call.
    /// </summary>
    protected internal abstract Refusal? FaultIn(ulong address, ulong maxPages, bool write, out ReadOnlySpan<uint> frames);

    /// <summary>The checks of <see cref="FaultIn"/> over <paramref name="pageCount"/> pages without touching any, and how many of them have a frame already.</summary>
    protected internal abstract Refusal? CheckAccess(ulong firstPage, ulong pageCount, bool write, out ulong touchedPages);

    /// <summary>The frame that a page has now, 0 if it was never touched, and whether a huge page holds it; touches nothing. EFAULT where nothing readable is mapped.</summary>
    public abstract Refusal? Peek(ulong address, out uint pfn, out bool isHuge);

    /// <summary>Gives back what the process had mapped; pinned frames stay pinned.</summary>
    protected abstract void DropAll();

    /// <summary>Ends the address space as exit does.</summary>
    internal void Exit()
    {
        IsAlive = false;
        DropAll();
    }

    /// <summary>The refusal of a pin once the process has exited.</summary>
    protected static Refusal Gone() => new(Errno.EFAULT, "pin.process.gone", "The process that owns this memory has exited; only pages already pinned can still be used.");
}
