using IommuDash.Engine.Iommufd;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Components.Pinned;

/// <summary>Who pays for pinned pages, in words.</summary>
internal static class AccountWords
{
    public static string Short(AccountMode mode) => mode switch
    {
        AccountMode.None => "nobody",
        AccountMode.Mm => "the process",
        _ => "the user",
    };

    public static string Long(ProcessRow process) => process.Mode switch
    {
        AccountMode.None => "It has CAP_IPC_LOCK, so nobody is charged for what it pins and no limit holds. VmPin still counts.",
        AccountMode.Mm => "Pinned pages are charged to this process alone (VmLck), against its RLIMIT_MEMLOCK: the context was set to RLIMIT_MODE 1.",
        _ => $"Pinned pages are charged to user {process.Uid}, over all of the user's processes together, against this process's RLIMIT_MEMLOCK.",
    };
}
