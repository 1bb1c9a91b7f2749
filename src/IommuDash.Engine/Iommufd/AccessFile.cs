// The driver of an emulated device with a file of its own, as the kernel's selftest has one: it keeps a list of what it pinned and gives it back when the file closes or an area goes.
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Iommufd;

/// <summary>One range an access file keeps pinned.</summary>
/// <param name="Id">From 0, counted up for each file, never reused.</param>
public sealed record AccessItem(uint Id, ulong Iova, ulong LengthBytes, IReadOnlyList<uint> Frames);

/// <summary>An open emulated device: an access and what it pinned. Its context lives at least as long.</summary>
public sealed class AccessFile : IAccessOwner
{
    private readonly SortedDictionary<uint, AccessItem> _items = [];

    private AccessFile(EmulatedProcess opener) => Opener = opener;

    /// <summary>The process whose file it is; the file closes with it.</summary>
    public EmulatedProcess Opener { get; }

    public Access Access { get; private set; } = null!;

    /// <summary>False after <see cref="Close"/>.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>By ascending id.</summary>
    public IReadOnlyCollection<AccessItem> Items => _items.Values;

    /// <summary>Id of the next item.</summary>
    public uint NextItem { get; private set; }

    /// <summary>Makes an access and attaches it to an IOAS. ENOENT no such IOAS; EADDRINUSE an area is not page aligned and the access pins; ENOMEM at a cap.</summary>
    public static Refusal? Open(IommufdContext context, EmulatedProcess opener, uint ioasId, bool needsPinPages, out AccessFile? file)
    {
        ArgumentNullException.ThrowIfNull(context);
        file = null;
        var made = new AccessFile(opener);
        if (context.AccessCreate(made, needsPinPages, out Access? access) is { } refusal)
            return refusal;
        made.Access = access!;
        if (access!.Attach(ioasId) is { } unattached)
        {
            context.AccessDestroy(access);
            return unattached;
        }
        made.IsOpen = true;
        file = made;
        return null;
    }

    /// <summary>Pins a range and remembers it as an item. The errors of <see cref="Access.PinPages"/>; ENOMEM at the cap of items.</summary>
    /// <param name="check">Looks at the frames before the item is made; what it refuses is given back, and no id is used up.</param>
    public Refusal? Pin(ulong iova, ulong length, AccessFlags flags, out AccessItem? item, Func<IReadOnlyList<uint>, Refusal?>? check = null)
    {
        item = null;
        int cap = Access.Context.Host.Limits.PinsPerAccess;
        if (_items.Count >= cap)
            return EngineLimits.Reached(nameof(EngineLimits.PinsPerAccess), cap, "ranges pinned by one access");
        ulong pages = length == 0 ? 0 : Access.PagesOf(iova, length);
        if (pages > Access.Context.Host.Memory.FrameCount)
            return new Refusal(Errno.ENOMEM, "access.pin.list", $"A list of {pages:N0} frames is longer than the machine has frames.");
        var frames = new uint[pages];
        if (Access.PinPages(iova, length, flags, frames) is { } refusal)
            return refusal;
        if (check?.Invoke(frames) is { } unwanted)
        {
            Access.UnpinPages(iova, length);
            return unwanted;
        }
        item = new AccessItem(NextItem++, iova, length, frames);
        _items.Add(item.Id, item);
        return null;
    }

    /// <summary>Gives an item's pages back. ENOENT: no such item; an unmap may have taken it.</summary>
    public Refusal? Unpin(uint itemId)
    {
        if (!_items.Remove(itemId, out AccessItem? item))
            return new Refusal(Errno.ENOENT, "access.item", $"Access {Access.Id} has no item {itemId}; unmapping an area takes the items in it.");
        Access.UnpinPages(item.Iova, item.LengthBytes);
        return null;
    }

    /// <summary>Unpins everything and destroys the access. Closing twice does nothing.</summary>
    public void Close()
    {
        if (!IsOpen)
            return;
        IsOpen = false;
        Access.Context.AccessDestroy(Access);
    }

    void IAccessOwner.Unmap(Access access, ulong iova, ulong length)
    {
        ulong last = length > ulong.MaxValue - iova ? ulong.MaxValue : iova + length - 1;
        foreach (AccessItem item in _items.Values.Where(i => i.Iova <= last && i.Iova + (i.LengthBytes - 1) >= iova).ToArray())
        {
            _items.Remove(item.Id);
            access.UnpinPages(item.Iova, item.LengthBytes);
        }
    }
}
