// The operations of the selftest's command by name, each with the fields of its part of the union (drivers/iommu/iommufd/iommufd_test.h). For traces and pictures; calls never come by here.
// Names are the header file's, except where it uses "id" a second time: a cache slot is iotlb_id or cache_id here, so that a name stands for one place of the command.
using System.Collections.Immutable;

namespace IommuDash.Abi.Layout;

/// <summary>One operation of TEST.</summary>
/// <param name="Name">Name without its prefix, e.g. <c>MD_CHECK_MAP</c>.</param>
/// <param name="IdIs">What the command's field <c>id</c> names: an object (<c>ioas</c>, <c>pt</c> = IOAS or hw_pagetable, <c>hwpt</c>, <c>dev</c>, <c>stdev</c>), a descriptor (<c>access_fd</c>), or nothing (empty).</param>
/// <param name="Fields">The operation's own fields in order; offsets count from the start of the command.</param>
public sealed record TestOperation(TestOp Op, string Name, string IdIs, ImmutableArray<StructField> Fields);

public static class TestFields
{
    /// <summary>Every operation by ascending number.</summary>
    public static ImmutableArray<TestOperation> All { get; } =
    [
        Of<TestAddReserved>(TestOp.AddReserved, "ioas"),
        Of<TestMockDomain>(TestOp.MockDomain, "pt", "out_stdev_id", "out_hwpt_id", "out_idev_id"),
        Of<TestCheckMap>(TestOp.MdCheckMap, "hwpt"),
        Of<TestCheckRefs>(TestOp.MdCheckRefs, ""),
        Of<TestCreateAccess>(TestOp.CreateAccess, "ioas"),
        Of<TestDestroyAccessPages>(TestOp.DestroyAccessPages, "access_fd"),
        Of<TestAccessPages>(TestOp.AccessPages, "access_fd"),
        Of<TestAccessRw>(TestOp.AccessRw, "access_fd"),
        Of<TestMemoryLimit>(TestOp.SetTempMemoryLimit, ""),
        Of<TestMockDomainReplace>(TestOp.MockDomainReplace, "stdev"),
        Of<TestAccessReplaceIoas>(TestOp.AccessReplaceIoas, "access_fd"),
        Of<TestMockDomain>(TestOp.MockDomainFlags, "pt"),
        Of<TestDirty>(TestOp.Dirty, "hwpt"),
        Of<TestCheckCache>(TestOp.MdCheckIotlb, "hwpt", "iotlb_id", "iotlb"),
        Of<TestTriggerIopf>(TestOp.TriggerIopf, ""),
        Of<TestCheckCache>(TestOp.DevCheckCache, "dev", "cache_id", "cache"),
        Of<TestTriggerVevent>(TestOp.TriggerVevent, ""),
        Of<TestPasid>(TestOp.PasidAttach, "stdev"),
        Of<TestPasid>(TestOp.PasidReplace, "stdev"),
        Of<TestPasid>(TestOp.PasidDetach, "stdev", "pasid"),
        Of<TestPasid>(TestOp.PasidCheckHwpt, "stdev", "pasid", "hwpt_id"),
        Of<TestDmabufGet>(TestOp.DmabufGet, ""),
        Of<TestDmabufRevoke>(TestOp.DmabufRevoke, ""),
    ];

    /// <summary>The operation with a number; null if there is none at any level.</summary>
    public static TestOperation? Find(ulong op) => op - 1 < (ulong)All.Length ? All[(int)op - 1] : null;

    /// <summary>The operation with a name, e.g. <c>MD_CHECK_MAP</c>.</summary>
    public static TestOperation? FindByName(string name) => All.FirstOrDefault(operation => operation.Name == name);

    // Names given replace those of the structure, field by field; fields without one are left out.
    private static TestOperation Of<T>(TestOp op, string idIs, params ReadOnlySpan<string> names)
    {
        IReadOnlyList<StructField> own = FieldMap.Of(typeof(T));
        var fields = new StructField[names.IsEmpty ? own.Count : names.Length];
        for (int i = 0; i < fields.Length; i++)
            fields[i] = own[i] with { Name = names.IsEmpty ? own[i].Name : names[i], Offset = IommuTest.UnionOffset + own[i].Offset };
        return new TestOperation(op, FieldMap.KernelName(op.ToString()).ToUpperInvariant(), idIs, [.. fields]);
    }
}
