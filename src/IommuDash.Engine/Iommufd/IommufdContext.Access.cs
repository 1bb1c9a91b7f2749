// Making and destroying access objects, and the files that keep a context alive after its own descriptor is closed.
namespace IommuDash.Engine.Iommufd;

public sealed partial class IommufdContext
{
    private int _holds;

    /// <summary>Whether the descriptor is closed, and only other files keep the context: an open access does.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Files that keep the context beside its descriptor.</summary>
    public int Holds => _holds;

    /// <summary>Makes an access for a driver, attached to nothing. The context lives until <see cref="AccessDestroy"/>. ENOMEM at a cap.</summary>
    public Refusal? AccessCreate(IAccessOwner owner, bool needsPinPages, out Access? access)
    {
        ArgumentNullException.ThrowIfNull(owner);
        if (Create(new Access(this, owner, needsPinPages), out access) is { } refusal)
            return refusal;
        Hold();
        return null;
    }

    /// <summary>Ends an access: its owner gives back what it pinned. If the descriptor was closed before, the context may go with it.</summary>
    public void AccessDestroy(Access access)
    {
        ArgumentNullException.ThrowIfNull(access);
        access.Detach();
        access.Put();
        Remove(access);
        if (!access.IsInternal)
            Unhold();
    }

    /// <summary>Makes an access of the kernel's own, attached to an IOAS, to pin with <see cref="Access.PinLocked"/>; it does not keep the context alive. ENOMEM, EADDRINUSE; nothing is left on refusal.</summary>
    internal Refusal? AccessCreateInternal(Ioas ioas, out Access? access)
    {
        if (Create(new Access(this, owner: null, needsPinPages: true), out access) is { } refusal)
            return refusal;
        if (access!.AttachInternal(ioas) is not { } unattached)
            return null;
        AccessDestroy(access);
        access = null;
        return unattached;
    }

    /// <summary>A file other than the descriptor keeps the context from now on.</summary>
    internal void Hold() => _holds++;

    /// <summary>Such a file is closed; the last one after the descriptor ends the context.</summary>
    internal void Unhold()
    {
        if (--_holds == 0 && IsClosed)
            Host.Release(this);
    }

    /// <summary>The descriptor is closed. What was made through it goes now, or with the last file that holds the context.</summary>
    internal void CloseDescriptor()
    {
        IsClosed = true;
        if (_holds == 0)
            Host.Release(this);
    }

    private Refusal? Create(Access made, out Access? access)
    {
        access = null;
        if (Objects.Reserve(made) is { } full)
            return full;
        Publish(made);
        access = made;
        return null;
    }
}
