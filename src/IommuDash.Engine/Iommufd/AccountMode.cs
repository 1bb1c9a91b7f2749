namespace IommuDash.Engine.Iommufd;

/// <summary>Who pays for pinned pages (iommufd's IOPT_PAGES_ACCOUNT_*). In every mode the address space's VmPin follows.</summary>
public enum AccountMode : byte
{
    /// <summary>Nobody: the mapping process had CAP_IPC_LOCK.</summary>
    None,

    /// <summary>The user's counter, over all of its processes, against the mapping process's RLIMIT_MEMLOCK.</summary>
    User,

    /// <summary>The address space's VmLck against the same limit, as VFIO type1 does.</summary>
    Mm,
}
