// An emulated device's view of an IOAS: code of the kernel that reads, writes and pins memory by IOVA (iommufd_access). What it pins, its owner gives back when told that an area goes.
// Holds always: attached to at most one IOAS, on which it holds a reference; a driver holds the access itself, so that user space can never destroy it.
using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Iommufd;

/// <summary>Flags of pin and rw (IOMMUFD_ACCESS_RW_*).</summary>
[Flags]
public enum AccessFlags : uint
{
    /// <summary>Read.</summary>
    None = 0,
    Write = 1,

    /// <summary>The caller is a kernel thread, which borrows the owner's address space.</summary>
    Kthread = 2,

    /// <summary>Go through the frames even where the caller's own memory could be copied.</summary>
    SlowPath = 4,
}

/// <summary>The driver behind an access.</summary>
public interface IAccessOwner
{
    /// <summary>An area goes: unpin everything that overlaps [iova, +length). Called again, up to 100 times, until that is done.</summary>
    void Unmap(Access access, ulong iova, ulong length);
}

/// <summary>An access object.</summary>
public sealed partial class Access : IommufdObject
{
    // What unpin goes by: it stays while the owner is told to let go, when pinning is impossible already.
    private Ioas? _unpinIoas;

    internal Access(IommufdContext context, IAccessOwner? owner, bool needsPinPages) : base(context, IommufdObjectType.Access)
    {
        Owner = owner;
        NeedsPinPages = needsPinPages;
        Get();
    }

    /// <summary>Null for an internal one, which no unmap can take anything from: it locks the areas it pins.</summary>
    public IAccessOwner? Owner { get; }

    public bool IsInternal => Owner is null;

    /// <summary>Whether it may pin; then the IOAS must be page aligned.</summary>
    public bool NeedsPinPages { get; }

    /// <summary>The IOAS it is attached to, or null.</summary>
    public Ioas? Ioas { get; private set; }

    /// <summary>Ranges pinned now.</summary>
    public int PinnedRanges { get; private set; }

    public override IEnumerable<IommufdObject> References => _unpinIoas is { } ioas ? [ioas] : [];

    /// <summary>What it demands of an IOAS's alignment.</summary>
    internal ulong IovaAlignment => NeedsPinPages ? PhysicalMemory.FrameBytes : 1UL;

    /// <summary>EINVAL: attached already; ENOENT: no such IOAS; EADDRINUSE: an area is not page aligned, and the access pins.</summary>
    public Refusal? Attach(uint ioasId) => Ioas is { } attached
        ? new Refusal(Errno.EINVAL, "access.attached", $"Access {Id} is attached to IOAS {attached.Id} already.") { Objects = [attached.Id] }
        : ChangeTo(ioasId);

    /// <summary>Moves to another IOAS; the owner gives back what it pinned in the old one. ENOENT: not attached, or no such IOAS; EADDRINUSE as <see cref="Attach"/>; EBUSY: in the midst of a detach.</summary>
    public Refusal? Replace(uint ioasId) => Ioas is null
        ? new Refusal(Errno.ENOENT, "access.unattached", $"Access {Id} is not attached to an IOAS that could be replaced.")
        : ChangeTo(ioasId);

    /// <summary>Leaves the IOAS; the owner gives back what it pinned.</summary>
    public void Detach()
    {
        if (Ioas is not null && Change(null) is { } refusal)
            throw new InvalidOperationException($"Access {Id} could not be detached: {refusal.Reason}");
    }

    internal Refusal? AttachInternal(Ioas ioas) => Change(ioas);

    internal override void Destroy() => Detach();

    private Refusal? ChangeTo(uint ioasId) => Context.Objects.Get(ioasId, "IOAS", out Ioas ioas) ?? Change(ioas);

    private Refusal? Change(Ioas? next)
    {
        Ioas? current = Ioas;
        if (current != _unpinIoas)
            return new Refusal(Errno.EBUSY, "access.changing", $"Access {Id} is being moved already.");
        if (current == next)
            return null;
        Ioas = null;
        if (next is not null)
        {
            if (next.Pagetable.AddAccess(this) is { } refusal)
            {
                Ioas = current;
                return refusal;
            }
            next.Get();
        }
        if (current is not null)
        {
            Owner?.Unmap(this, 0, ulong.MaxValue);
            if (PinnedRanges != 0)
                throw new InvalidOperationException($"The owner of access {Id} kept {PinnedRanges} pinned ranges when told to let go.");
            current.Pagetable.RemoveAccess(this);
            current.Put();
        }
        Ioas = next;
        _unpinIoas = next;
        Context.Raise(EngineEventKind.AccessAttached, Id, next?.Id ?? 0);
        return null;
    }
}
