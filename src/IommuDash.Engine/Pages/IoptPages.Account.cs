// Who pays for pinned pages, and the limit (iopt_pages' account modes). VmPin follows in every mode.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Engine.Pages;

public partial class IoptPages
{
    /// <summary>Charges pages just pinned. ENOMEM above RLIMIT_MEMLOCK, EINVAL when the address space that should pay is gone; nothing is charged then.</summary>
    private Refusal? Charge(uint pages)
    {
        if (pages == 0)
            return null;
        if (ChargeTo(Context.Host, Source, Mode, pages) is { } refusal)
            return refusal;
        Context.Raise(EngineEventKind.PagesPinned, (uint)Source.Pid, range: UserRange, value: pages);
        return null;
    }

    /// <summary>Charges a process for pages, one at least. As <see cref="CheckCharge"/>; nothing is charged on refusal.</summary>
    internal static Refusal? ChargeTo(EmulatedHost host, EmulatedProcess payer, AccountMode mode, ulong pages)
    {
        if (host.Fails(FailurePoint.Charge))
            return Injected.Refusal(Errno.ENOMEM, FailurePoint.Charge);
        if (CheckCharge(payer, mode, pages) is { } refusal)
            return refusal;
        Book(payer, mode, pages);
        return null;
    }

    /// <summary>Books pages on the counters of a mode; 0 - n takes n off.</summary>
    internal static void Book(EmulatedProcess payer, AccountMode mode, ulong pages)
    {
        if (mode == AccountMode.User)
            payer.User.LockedPages += pages;
        else if (mode == AccountMode.Mm)
            payer.Memory.LockedPages += pages;
        payer.Memory.PinnedPages += pages;
    }

    /// <summary>Pages charged to whoever pays in a mode; 0 where nobody does.</summary>
    internal static ulong ChargedPages(EmulatedProcess payer, AccountMode mode) => mode switch
    {
        AccountMode.User => payer.User.LockedPages,
        AccountMode.Mm => payer.Memory.LockedPages,
        _ => 0,
    };

    /// <summary>Whether a process could be charged for more pages, <paramref name="promised"/> ones coming before them; charges nothing.</summary>
    internal static Refusal? CheckCharge(EmulatedProcess payer, AccountMode mode, ulong pages, ulong promised = 0)
    {
        if (mode == AccountMode.None)
            return null;
        if (mode == AccountMode.Mm && !payer.Memory.IsAlive)
            return new Refusal(Errno.EINVAL, "account.mm.gone", $"Process {payer.Pid} has exited, so its address space can no longer pay.");
        ulong locked = ChargedPages(payer, mode) + promised;
        return locked + pages <= payer.MemlockPages ? null
            : AboveLimit(payer, mode == AccountMode.User ? $"user {payer.User.Uid}'s" : $"process {payer.Pid}'s", locked, pages);
    }

    private void Uncharge(uint pages)
    {
        if (pages == 0)
            return;
        Book(Source, Mode, 0UL - pages);
        Context.Raise(EngineEventKind.PagesUnpinned, (uint)Source.Pid, range: UserRange, value: pages);
    }

    private IovaRange UserRange => new(FirstByte, FirstByte + LengthBytes - 1);

    private static Refusal AboveLimit(EmulatedProcess payer, string whose, ulong locked, ulong more) => new(Errno.ENOMEM, "account.memlock",
        $"Pinning {more:N0} pages more would bring {whose} locked memory from {locked:N0} to {locked + more:N0} pages; RLIMIT_MEMLOCK of process {payer.Pid} allows {payer.MemlockPages:N0}.");
}
