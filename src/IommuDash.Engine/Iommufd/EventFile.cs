namespace IommuDash.Engine.Iommufd;

/// <summary>
/// An object whose events are read through a file of its own (struct iommufd_eventq). The file is open from the start; until it is closed it holds a reference on the object, and keeps the context.
/// Reads never wait. Not seekable: any offset but 0 is ESPIPE.
/// </summary>
public abstract class EventFile : IommufdObject
{
    private protected EventFile(IommufdContext context, IommufdObjectType type) : base(context, type)
    {
    }

    /// <summary>Whether the file is still open.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>What poll says about reading.</summary>
    public abstract bool IsReadable { get; }

    /// <summary>Closes the file. Nothing queued is lost or answered. The last file after the descriptor ends the context.</summary>
    public void Close()
    {
        if (!IsOpen)
            return;
        IsOpen = false;
        Put();
        Context.Unhold();
    }

    internal void Open()
    {
        IsOpen = true;
        Get();
        Context.Hold();
    }

    private protected static Refusal Seek(string what) => new(Errno.ESPIPE, "events.seek", what);

    private protected static Refusal TooSmall(string what) => new(Errno.EINVAL, "events.room", what);
}
