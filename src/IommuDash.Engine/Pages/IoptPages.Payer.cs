// Moving the charge for pinned pages from one process to another (iopt_change_process), for file pages: nothing else ties those to the process that mapped them.
using IommuDash.Engine.Iommufd;

namespace IommuDash.Engine.Pages;

public partial class IoptPages
{
    /// <summary>Whether a new payer means a new charge: in mode USER another user or address space, in mode MM another address space, in mode NONE never.</summary>
    internal bool NeedsRecharge(EmulatedProcess payer) => Mode switch
    {
        AccountMode.User => Source.User != payer.User || Source.Memory != payer.Memory,
        AccountMode.Mm => Source.Memory != payer.Memory,
        _ => false,
    };

    /// <summary>Makes <paramref name="payer"/>, who has been charged already, the owner, and takes the charge off the old one.</summary>
    internal void Repossess(EmulatedProcess payer)
    {
        Uncharge(PinnedPages);
        Source = payer;
    }
}
