// Who pays for pinned pages, and the limit (iopt_pages' account modes). VmPin follows in every mode.
using IommuDash.Engine.Iommufd;

namespace IommuDash.Engine.Pages;

public sealed partial class IoptPages
{
    /// <summary>Charges pages just pinned. ENOMEM above RLIMIT_MEMLOCK, EINVAL when the address space that should pay is gone; nothing is charged then.</summary>
    private Refusal? Charge(uint pages)
    {
        if (pages == 0)
            return null;
        if (CheckCharge(Source, Mode, pages) is { } refusal)
            return refusal;
        if (Mode == AccountMode.User)
            Source.User.LockedPages += pages;
        else if (Mode == AccountMode.Mm)
            Source.Memory.LockedPages += pages;
        Source.Memory.PinnedPages += pages;
        Context.Raise(EngineEventKind.PagesPinned, (uint)Source.Pid, range: UserRange, value: pages);
        return null;
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
        if (Mode == AccountMode.User)
            Source.User.LockedPages -= pages;
        else if (Mode == AccountMode.Mm)
            Source.Memory.LockedPages -= pages;
        Source.Memory.PinnedPages -= pages;
        Context.Raise(EngineEventKind.PagesUnpinned, (uint)Source.Pid, range: UserRange, value: pages);
    }

    private IovaRange UserRange => new(FirstByte, FirstByte + LengthBytes - 1);

    private static Refusal AboveLimit(EmulatedProcess payer, string whose, ulong locked, ulong more) => new(Errno.ENOMEM, "account.memlock",
        $"Pinning {more:N0} pages more would bring {whose} locked memory from {locked:N0} to {locked + more:N0} pages; RLIMIT_MEMLOCK of process {payer.Pid} allows {payer.MemlockPages:N0}.");
}
