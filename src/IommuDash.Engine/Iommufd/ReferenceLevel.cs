// Every difference between the kernels this engine can answer as, and nothing else: code asks for a named property, never for a version.
// A property says what it does at the current level, what changed and when. Not listed: calls and objects that a level does not have at all, which its table of ioctls leaves out.
namespace IommuDash.Engine.Iommufd;

/// <summary>Which Linux a host answers as. The default is <see cref="Current"/>, Linux 6.19/7.0 with the fixes queued in 2026.</summary>
public sealed record ReferenceLevel
{
    private ReferenceLevel(string name) => Name = name;

    public static ReferenceLevel Current { get; } = new("current");

    /// <summary>The long-term series 6.12, as of 6.12.117: the features of 6.12 with the fixes carried back later.</summary>
    public static ReferenceLevel Linux612 { get; } = new("6.12")
    {
        LastIoctl = 0x0e,
        HasFaultsOnPaging = false,
        HasPasids = false,
        HasAmdHwInfo = false,
        ReportsMissingAts = false,
        InvalidateOfOtherType = Errno.ENOENT,
        DirtyReadNeedsTracking = true,
        DirtyReadStepsByLeaf = true,
        MockHasRadixTable = false,
        MockHugeFlag = 2,
        MockDataMaxBytes = 4,
        MockLastOp = 15,
        MockDirtyCountsMappedOnly = true,
        MockCheckMapAlignsFirst = true,
        MockMapCanFail = true,
        MockMapsWithoutRights = true,
    };

    /// <summary>All levels, newest first.</summary>
    public static IReadOnlyList<ReferenceLevel> All { get; } = [Current, Linux612];

    /// <summary>What <c>--level</c> takes.</summary>
    public string Name { get; }

    /// <summary>Highest ioctl, counted from IOMMU_DESTROY: 0x14 = HW_QUEUE_ALLOC now; 0x0e = FAULT_QUEUE_ALLOC at 6.12.</summary>
    public uint LastIoctl { get; private init; } = 0x14;

    /// <summary>A paging hw_pagetable may report faults (6.13); before, only nested ones.</summary>
    public bool HasFaultsOnPaging { get; private init; } = true;

    /// <summary>HWPT_ALLOC knows the flag PASID, and devices attach per PASID (6.15).</summary>
    public bool HasPasids { get; private init; } = true;

    /// <summary>AMD units tell about themselves (2026); before, they answered type 0.</summary>
    public bool HasAmdHwInfo { get; private init; } = true;

    /// <summary>GET_HW_INFO says which devices lack ATS (2026).</summary>
    public bool ReportsMissingAts { get; private init; } = true;

    /// <summary>HWPT_INVALIDATE of an object that is neither nested nor a vIOMMU: EINVAL since vIOMMUs exist (6.13); before, the lookup asked for a nested one, ENOENT.</summary>
    public Errno InvalidateOfOtherType { get; private init; } = Errno.EINVAL;

    /// <summary>Drivers refused to read dirty bits while tracking is off, and the ioctl hid it; with the generic page table (6.19) the bits are read as they are.</summary>
    public bool DirtyReadNeedsTracking { get; private init; }

    /// <summary>Drivers recorded a whole leaf from wherever the walk stood and stepped on by its size; the generic page table (6.19) walks entries and records all but the last slot of a leaf of several.</summary>
    public bool DirtyReadStepsByLeaf { get; private init; }

    /// <summary>The mock IOMMU has a radix table with every power of two, and a second kind with 4 KiB and 1 MiB (6.19); before, a flat map of 2 KiB records with 1 MiB by device flag.</summary>
    public bool MockHasRadixTable { get; private init; } = true;

    /// <summary>Mock device flag that adds 1 MiB pages; gone, so refused, since the page-table kind is chosen by hw_pagetable data (6.19). 0 = there is none.</summary>
    public uint MockHugeFlag { get; private init; }

    // Two things are the same at every level although 6.12 proper lacks them, because the selftest of 6.12.117 asks for them: the flag of GET_HW_INFO for a wanted type (6.16), and this one.

    /// <summary>Mock device flag for 20 bits of PASID, since devices attach per PASID (6.15).</summary>
    public uint MockPasidFlag { get; } = 4;

    /// <summary>Largest hw_pagetable data of the mock: a page-table kind follows the IOTLB value since 6.19.</summary>
    public int MockDataMaxBytes { get; private init; } = 8;

    /// <summary>Highest test operation: 15 = TRIGGER_IOPF at 6.12; 23 = DMABUF_REVOKE now.</summary>
    public int MockLastOp { get; private init; } = 23;

    /// <summary>The flat mock counted only marks on records that exist; the radix one counts every bit of the request.</summary>
    public bool MockDirtyCountsMappedOnly { get; private init; }

    /// <summary>MD_CHECK_MAP looked at alignment before the id.</summary>
    public bool MockCheckMapAlignsFirst { get; private init; }

    /// <summary>The flat mock mapped pages that may be neither read nor written, which only VFIO asks for; the radix one refuses them, EINVAL, as real drivers always did.</summary>
    public bool MockMapsWithoutRights { get; private init; }

    /// <summary>The flat mock's map call was a failure point of its own, ENOENT; the radix one fails by its allocations.</summary>
    public bool MockMapCanFail { get; private init; }

    /// <summary>The level with a name, or null.</summary>
    public static ReferenceLevel? Find(string name) => All.FirstOrDefault(level => level.Name == name);

    public override string ToString() => Name;
}
