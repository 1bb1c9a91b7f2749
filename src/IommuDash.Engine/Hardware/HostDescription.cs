// What a host is made of before anything runs on it: the import, a preset file or a test makes one of these, and EmulatedHost builds the machine from it.
// Plain data that survives a round trip through JSON. Nothing here is checked; HostDescriptionValidator does that.
namespace IommuDash.Engine.Hardware;

/// <summary>A whole emulated machine at power-on.</summary>
public sealed record HostDescription
{
    public required string Name { get; init; }

    /// <summary>One sentence for the card on the hosts page.</summary>
    public string Summary { get; init; } = "";

    /// <summary>Physical memory of the machine, in bytes; a multiple of 2 MiB. Real bytes are used only for what is written.</summary>
    public ulong MemoryBytes { get; init; } = 16UL << 30;

    public IReadOnlyList<IommuUnitDescription> Units { get; init; } = [];

    public IReadOnlyList<GroupDescription> Groups { get; init; } = [];

    public IReadOnlyList<DeviceDescription> Devices { get; init; } = [];

    public IReadOnlyList<ProcessDescription> Processes { get; init; } = [];
}

/// <summary>Who made an IOMMU; decides table format and default apertures.</summary>
public enum IommuVendor
{
    Unknown,
    Intel,
    Amd,

    /// <summary>The kernel selftest's mock IOMMU.</summary>
    Mock,
}

/// <summary>One IOMMU of the machine, e.g. <c>dmar0</c> or <c>ivhd0</c>.</summary>
public sealed record IommuUnitDescription
{
    public required string Name { get; init; }

    public required IommuVendor Vendor { get; init; }

    /// <summary>Widest IOVA its second-stage tables translate, in bits: VT-d 39, 48 or 57; AMD v1 up to 64; ignored by the mock, whose window is fixed.</summary>
    public int InputBits { get; init; } = 48;

    /// <summary>Largest leaf the unit can use, as log2 bytes: VT-d 12, 21 or 30. 0 = all the format has.</summary>
    public int LargestPageShift { get; init; }

    /// <summary><see cref="LargestPageShift"/> with 0 resolved to a number that compares: VT-d's 30.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public int LargestLeafShift => LargestPageShift == 0 ? 30 : LargestPageShift;

    /// <summary>Whether it can enforce snooping (VT-d extended capability bit 7; always so on AMD).</summary>
    public bool SnoopControl { get; init; } = true;

    /// <summary>Whether its tables can record writes (VT-d: second-level access and dirty bits in scalable mode; AMD: host dirty support). The mock always can.</summary>
    public bool DirtyTracking { get; init; }

    /// <summary>Whether its tables can be the parent of a guest's own. The mock's always can.</summary>
    public bool Nesting { get; init; }

    /// <summary>Whether its tables can be used for a PASID. The mock's always can.</summary>
    public bool Pasid { get; init; }
}

/// <summary>Kind of a reserved region as <c>/sys/kernel/iommu_groups/N/reserved_regions</c> prints it; software MSI prints <c>msi</c> too.</summary>
public enum ReservedRegionKind
{
    Direct,
    DirectRelaxable,
    Reserved,
    Msi,
    SoftwareMsi,
}

/// <summary>A reserved IOVA region; both ends inclusive.</summary>
public sealed record ReservedRegion(ulong Start, ulong Last, ReservedRegionKind Kind);

/// <summary>An IOMMU group as Linux numbers it.</summary>
public sealed record GroupDescription
{
    /// <summary>Words the kernel prints for <see cref="Type"/>.</summary>
    public static IReadOnlyList<string> Types { get; } = ["blocked", "identity", "unmanaged", "DMA", "DMA-FQ", "unknown"];

    public required int Id { get; init; }

    /// <summary>Word of the <c>type</c> file: <c>DMA-FQ</c>, <c>DMA</c>, <c>identity</c>, <c>blocked</c>…</summary>
    public string Type { get; init; } = "DMA-FQ";

    public IReadOnlyList<ReservedRegion> ReservedRegions { get; init; } = [];
}

/// <summary>A device that can do DMA; on PCI named by its address.</summary>
public sealed record DeviceDescription
{
    /// <summary>Full lower-case PCI address <c>dddd:bb:dd.f</c>, or a free name for the mock's devices. Unique in the host.</summary>
    public required string Address { get; init; }

    /// <summary>Name of the unit that translates for it.</summary>
    public required string Unit { get; init; }

    public required int Group { get; init; }

    /// <summary>PCI class code, 24 bits (class, subclass, programming interface).</summary>
    public int ClassCode { get; init; }

    public string ClassName { get; init; } = "";

    public int VendorId { get; init; }

    public int DeviceId { get; init; }

    /// <summary>Vendor and device names as lspci prints them.</summary>
    public string Name { get; init; } = "";

    public int Revision { get; init; }

    /// <summary>PCI bridges cannot be handed to user space.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsBridge => (ClassCode >> 16) == 0x06;

    /// <summary>Selftest device flags (NO_DIRTY 1, PASID 4); 0 elsewhere.</summary>
    public uint MockFlags { get; init; }
}

/// <summary>A process of the host at power-on.</summary>
public sealed record ProcessDescription
{
    public required int Pid { get; init; }

    public required string Name { get; init; }

    public int Uid { get; init; } = 1000;

    /// <summary>RLIMIT_MEMLOCK in bytes; <see cref="ulong.MaxValue"/> = unlimited. Linux's default since 5.16 is 8 MiB.</summary>
    public ulong MemlockBytes { get; init; } = 8UL << 20;

    /// <summary>CAP_IPC_LOCK: pinned pages are not charged.</summary>
    public bool CapIpcLock { get; init; }

    /// <summary>CAP_SYS_RESOURCE: may set the RLIMIT_MODE option.</summary>
    public bool CapSysResource { get; init; }

    public IReadOnlyList<MemoryDescription> Memory { get; init; } = [];
}

/// <summary>How a mapping's frames lie in physical memory.</summary>
public enum FrameLayout
{
    /// <summary>Neighbouring pages get neighbouring frames while the machine has them, as a freshly booted Linux mostly does.</summary>
    Contiguous,

    /// <summary>No two neighbouring pages get neighbouring frames, as on a machine long in use: only 4 KiB leaves are possible.</summary>
    Scattered,

    /// <summary>2 MiB pages, aligned and contiguous (hugetlb).</summary>
    Huge,
}

/// <summary>One mapping in a process's address space. Pages get frames when first touched.</summary>
public sealed record MemoryDescription
{
    /// <summary>First address; page aligned, for <see cref="FrameLayout.Huge"/> 2 MiB aligned.</summary>
    public required ulong Start { get; init; }

    /// <summary>Bytes; a multiple of the page size of the layout.</summary>
    public required ulong LengthBytes { get; init; }

    public bool Read { get; init; } = true;

    public bool Write { get; init; } = true;

    public FrameLayout Layout { get; init; }

    /// <summary>Name of the emulated file behind it; null = anonymous.</summary>
    public string? File { get; init; }

    /// <summary>Offset of the first byte in the file, page aligned.</summary>
    public ulong FileOffset { get; init; }

    /// <summary>True = MAP_SHARED: writes reach the file. Ignored for anonymous memory.</summary>
    public bool Shared { get; init; }
}
