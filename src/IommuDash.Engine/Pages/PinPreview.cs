// What mapping a piece of a process's memory would pin and charge, without doing it: the checks of IoptPages' pinning in their order. Reads only.
using IommuDash.Engine.Iommufd;

namespace IommuDash.Engine.Pages;

/// <summary>The answer to "would this map fit?".</summary>
/// <param name="Pages">Pages a new pages object would pin; every map call makes its own, so pages another call has pinned count again.</param>
/// <param name="FreshFrames">Of those, pages no one has touched yet: they would get frames.</param>
/// <param name="Mode">Who would pay.</param>
/// <param name="LockedPages">What the payer has been charged so far.</param>
/// <param name="LimitPages">RLIMIT_MEMLOCK of the process in pages.</param>
/// <param name="Refusal">Why it would be refused, or null. The IOVA is not looked at.</param>
public sealed record PinPreview(ulong Pages, ulong FreshFrames, AccountMode Mode, ulong LockedPages, ulong LimitPages, Refusal? Refusal)
{
    /// <summary>What the payer would have been charged afterwards.</summary>
    public ulong LockedAfter => Mode == AccountMode.None ? LockedPages : LockedPages + Pages;

    /// <summary>Looks at [<paramref name="address"/>, +<paramref name="length"/>) of a process as a map call of <paramref name="context"/> would once a domain is attached.</summary>
    public static PinPreview Of(IommufdContext context, EmulatedProcess process, ulong address, ulong length, bool writable)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(process);
        AccountMode mode = process.CapIpcLock ? AccountMode.None : context.AccountMode;
        ulong locked = mode == AccountMode.Mm ? process.Memory.LockedPages : process.User.LockedPages;
        if (IoptPages.FromUser(context, process, address, length, writable, out IoptPages? pages) is { } bad)
            return new PinPreview(0, 0, mode, locked, process.MemlockPages, bad);
        ulong count = pages!.PageCount;
        ulong first = pages.AddressOf(0);
        Refusal? refusal = process.Memory.CheckAccess(first, count, writable, out ulong touched);
        ulong fresh = refusal is null ? count - touched : 0;
        if (refusal is null && fresh > context.Host.Memory.FrameCount - context.Host.Memory.FramesInUse)
            refusal = new Refusal(Errno.ENOMEM, "memory.frames", $"{fresh:N0} pages have no frame yet, and the machine has {context.Host.Memory.FrameCount - context.Host.Memory.FramesInUse:N0} free.");
        refusal ??= IoptPages.CheckCharge(process, mode, count);
        return new PinPreview(count, fresh, mode, locked, process.MemlockPages, refusal);
    }
}
