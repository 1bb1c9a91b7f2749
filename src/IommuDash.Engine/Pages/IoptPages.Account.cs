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
        switch (Mode)
        {
            case AccountMode.User:
                if (Source.User.LockedPages + pages > Source.MemlockPages)
                    return AboveLimit($"user {Source.User.Uid}'s", Source.User.LockedPages, pages);
                Source.User.LockedPages += pages;
                break;
            case AccountMode.Mm:
                if (!Source.Memory.IsAlive)
                    return new Refusal(Errno.EINVAL, "account.mm.gone", $"Process {Source.Pid} has exited, so its address space can no longer pay.");
                if (Source.Memory.LockedPages + pages > Source.MemlockPages)
                    return AboveLimit($"process {Source.Pid}'s", Source.Memory.LockedPages, pages);
                Source.Memory.LockedPages += pages;
                break;
        }
        Source.Memory.PinnedPages += pages;
        Context.Raise(EngineEventKind.PagesPinned, (uint)Source.Pid, range: UserRange, value: pages);
        return null;
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

    private Refusal AboveLimit(string whose, ulong locked, uint more) => new(Errno.ENOMEM, "account.memlock",
        $"Pinning {more:N0} pages more would bring {whose} locked memory from {locked:N0} to {locked + more:N0} pages; RLIMIT_MEMLOCK of process {Source.Pid} allows {Source.MemlockPages:N0}.");
}
