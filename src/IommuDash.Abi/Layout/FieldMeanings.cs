// What the fields of calls stand for: which are ids, addresses, pointers, and the names of flags and choices (include/uapi/linux/iommufd.h, vfio.h, the selftest's iommufd_test.h).
// For people who look at a call; answering one never comes by here. Leaves out what drivers put into buffers.
using System.Collections.Frozen;

namespace IommuDash.Abi.Layout;

/// <summary>What a field's number stands for.</summary>
public enum FieldRole
{
    Number,

    /// <summary>Length of the structure itself.</summary>
    Size,
    Reserved,
    Flags,

    /// <summary>One of a few named values.</summary>
    Choice,

    /// <summary>Id of an object in the context; 0 = none.</summary>
    ObjectId,

    /// <summary>An IOVA.</summary>
    Iova,
    LengthBytes,

    /// <summary>An address in the caller's memory, of bytes that the call copies in or out.</summary>
    Buffer,

    /// <summary>An address in the caller's memory, of pages that the call maps or looks for.</summary>
    Memory,

    /// <summary>A file descriptor of the caller.</summary>
    Descriptor,
}

/// <summary>A named bit or value.</summary>
public readonly record struct NamedValue(ulong Value, string Name);

public static class FieldMeanings
{
    private static readonly FrozenSet<string> s_ids = FrozenSet.Create(
        StringComparer.Ordinal,
        "id", "ioas_id", "out_ioas_id", "dst_ioas_id", "src_ioas_id", "object_id", "dev_id", "pt_id", "hwpt_id", "out_hwpt_id", "fault_id", "out_fault_id",
        "viommu_id", "out_viommu_id", "out_vdevice_id", "out_veventq_id", "out_hw_queue_id", "out_stdev_id", "out_idev_id", "out_devid");

    private static readonly FrozenSet<string> s_iovas = FrozenSet.Create(StringComparer.Ordinal, "iova", "dst_iova", "src_iova", "nesting_parent_iova", "addr");

    private static readonly NamedValue[] s_mapFlags = [new(1, "FIXED_IOVA"), new(2, "WRITEABLE"), new(4, "READABLE")];

    private static readonly NamedValue[] s_accessFlags = [new(1, "WRITE"), new(2, "KTHREAD"), new(4, "SLOW_PATH"), new(1 << 16, "SYZ")];

    private static readonly FrozenDictionary<string, NamedValue[]> s_flags = new Dictionary<string, NamedValue[]>
    {
        ["IOAS_MAP.flags"] = s_mapFlags,
        ["IOAS_MAP_FILE.flags"] = s_mapFlags,
        ["IOAS_COPY.flags"] = s_mapFlags,
        ["HWPT_ALLOC.flags"] = [new(1, "NEST_PARENT"), new(2, "DIRTY_TRACKING"), new(4, "FAULT_ID_VALID"), new(8, "PASID")],
        ["GET_HW_INFO.flags"] = [new(1, "INPUT_TYPE")],
        ["GET_HW_INFO.out_capabilities"] = [new(1, "DIRTY_TRACKING"), new(2, "PCI_PASID_EXEC"), new(4, "PCI_PASID_PRIV"), new(8, "PCI_ATS_NOT_SUPPORTED")],
        ["HWPT_SET_DIRTY_TRACKING.flags"] = [new(1, "ENABLE")],
        ["HWPT_GET_DIRTY_BITMAP.flags"] = [new(1, "NO_CLEAR")],
        ["VFIO_DEVICE_ATTACH_IOMMUFD_PT.flags"] = [new(1, "PASID")],
        ["VFIO_DEVICE_DETACH_IOMMUFD_PT.flags"] = [new(1, "PASID")],
        ["VFIO_IOMMU_GET_INFO.flags"] = [new(1, "PGSIZES"), new(2, "CAPS")],
        ["VFIO_IOMMU_MAP_DMA.flags"] = [new(1, "READ"), new(2, "WRITE"), new(4, "VADDR")],
        ["VFIO_IOMMU_UNMAP_DMA.flags"] = [new(1, "GET_DIRTY_BITMAP"), new(2, "ALL"), new(4, "VADDR")],
        ["MOCK_DOMAIN_FLAGS.dev_flags"] = [new(1, "NO_DIRTY"), new(2, "HUGE_IOVA"), new(4, "PASID")],
        ["CREATE_ACCESS.flags"] = [new(1, "NEEDS_PIN_PAGES")],
        ["ACCESS_PAGES.flags"] = s_accessFlags,
        ["ACCESS_RW.flags"] = s_accessFlags,
        ["TRIGGER_IOPF.perm"] = [new(1, "READ"), new(2, "WRITE"), new(4, "EXEC"), new(8, "PRIV")],
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, NamedValue[]> s_choices = new Dictionary<string, NamedValue[]>
    {
        ["OPTION.option_id"] = [new(0, "RLIMIT_MODE"), new(1, "HUGE_PAGES")],
        ["OPTION.op"] = [new(0, "SET"), new(1, "GET")],
        ["VFIO_IOAS.op"] = [new(0, "GET"), new(1, "SET"), new(2, "CLEAR")],
        ["HWPT_ALLOC.data_type"] = [new(0, "NONE"), new(1, "VTD_S1"), new(2, "ARM_SMMUV3"), new(0xdead, "SELFTEST")],
        ["GET_HW_INFO.out_data_type"] = [new(0, "NONE"), new(1, "INTEL_VTD"), new(2, "ARM_SMMUV3"), new(3, "TEGRA241_CMDQV"), new(0xfeedbeef, "SELFTEST")],
        ["HWPT_INVALIDATE.data_type"] = [new(0, "VTD_S1"), new(1, "ARM_SMMUV3"), new(0xdeadbeef, "SELFTEST")],
        ["VIOMMU_ALLOC.type"] = [new(0, "DEFAULT"), new(1, "ARM_SMMUV3"), new(2, "TEGRA241_CMDQV"), new(0xdeadbeef, "SELFTEST")],
        ["VEVENTQ_ALLOC.type"] = [new(0, "DEFAULT"), new(1, "ARM_SMMUV3"), new(2, "TEGRA241_CMDQV"), new(0xbeefbeef, "SELFTEST")],
        ["HW_QUEUE_ALLOC.type"] = [new(0, "DEFAULT"), new(1, "TEGRA241_CMDQV"), new(0xdeadbeef, "SELFTEST")],
        ["TEST.op"] = [.. TestFields.All.Select(operation => new NamedValue((ulong)operation.Op, operation.Name))],
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>What a field stands for.</summary>
    /// <param name="call">Name of the ioctl without prefix; of TEST's own fields the name of the operation.</param>
    public static FieldRole RoleOf(string call, in StructField field) => field.Name switch
    {
        "size" when field.Offset == 0 => FieldRole.Size,
        "argsz" => FieldRole.Size,
        "pad" => FieldRole.Reserved,
        "user_va" or "vaddr" => FieldRole.Memory,
        // What DIRTY and ACCESS_RW find there are bytes; the others look at the pages.
        "uptr" => call is "DIRTY" or "ACCESS_RW" ? FieldRole.Buffer : FieldRole.Memory,
        "data_uptr" or "allowed_iovas" => FieldRole.Buffer,
        "data" when call == "HWPT_GET_DIRTY_BITMAP" => FieldRole.Buffer,
        "length" or "size" or "page_size" or "data_len" or "entry_len" or "out_iova_alignment" => FieldRole.LengthBytes,
        "start" => call == "IOAS_MAP_FILE" ? FieldRole.LengthBytes : FieldRole.Iova,
        "fd" or "iommufd" or "out_fault_fd" or "out_veventq_fd" or "out_access_fd" => FieldRole.Descriptor,
        _ when field.Name.StartsWith("__", StringComparison.Ordinal) => FieldRole.Reserved,
        _ when s_iovas.Contains(field.Name) => FieldRole.Iova,
        _ when s_ids.Contains(field.Name) => FieldRole.ObjectId,
        _ when s_flags.ContainsKey($"{call}.{field.Name}") => FieldRole.Flags,
        _ when s_choices.ContainsKey($"{call}.{field.Name}") => FieldRole.Choice,
        _ => FieldRole.Number,
    };

    /// <summary>Names of a field's bits or values; empty where it has none.</summary>
    public static IReadOnlyList<NamedValue> NamesOf(string call, string field) =>
        s_flags.GetValueOrDefault($"{call}.{field}") ?? s_choices.GetValueOrDefault($"{call}.{field}") ?? [];

    /// <summary>How many bytes a <see cref="FieldRole.Buffer"/> or <see cref="FieldRole.Memory"/> field points to, by the structure's other fields; at most 2^64-1.</summary>
    /// <param name="value">Value of a field by name; 0 for those there are not.</param>
    public static ulong PointedBytes(string call, string field, Func<string, ulong> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        UInt128 bytes = (call, field) switch
        {
            ("IOAS_ALLOW_IOVAS" or "IOAS_IOVA_RANGES", _) => (UInt128)value("num_iovas") * 16,
            ("HWPT_INVALIDATE", _) => (UInt128)value("entry_len") * value("entry_num"),
            ("HWPT_GET_DIRTY_BITMAP" or "DIRTY", _) => value("page_size") == 0 ? 0 : ((value("length") / value("page_size")) + 7) / 8,
            (_, "data_uptr") => value("data_len"),
            (_, "vaddr") => value("size"),
            _ => value("length"),
        };
        return (ulong)UInt128.Min(bytes, ulong.MaxValue);
    }
}
