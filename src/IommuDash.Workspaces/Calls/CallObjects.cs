using System.Collections.Frozen;
using IommuDash.Abi;
using IommuDash.Abi.Layout;

namespace IommuDash.Workspaces.Calls;

/// <summary>Which objects a call is about, read from the fields that hold object ids.</summary>
public static class CallObjects
{
    private static readonly FrozenSet<string> s_idFields = FrozenSet.Create(
        StringComparer.Ordinal,
        "id", "ioas_id", "out_ioas_id", "dst_ioas_id", "src_ioas_id", "object_id", "dev_id", "pt_id", "hwpt_id", "out_hwpt_id", "fault_id", "out_fault_id",
        "viommu_id", "out_viommu_id", "out_vdevice_id", "out_veventq_id", "out_hw_queue_id", "out_stdev_id", "out_idev_id");

    /// <summary>Whether a field of this name holds an object's id.</summary>
    public static bool IsId(string field) => s_idFields.Contains(field);

    /// <summary>Ids, ascending, none twice. 0 is no object.</summary>
    public static IReadOnlyList<uint> Of(CallRecord call)
    {
        ArgumentNullException.ThrowIfNull(call);
        var ids = new SortedSet<uint>(call.FileObjects);
        if (IoctlTable.Find(call.Request)?.Structure is { } structure)
        {
            foreach (StructField field in FieldMap.Of(structure).Where(f => IsId(f.Name)))
            {
                ids.Add((uint)field.Read(call.Before.Span));
                ids.Add((uint)field.Read(call.After.Span));
            }
        }
        ids.Remove(0);
        return [.. ids];
    }
}
