using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IommuDash.Abi.Layout;

namespace IommuDash.Abi.Tests.Layout;

/// <summary>Every structure against the numbers of the user-space headers: "name@offset", and the size after them.</summary>
public sealed class StructureTests
{
    public static TheoryData<Type, string> Structures => new()
    {
        { typeof(IommuDestroy), "size@0 id@4 =8" },
        { typeof(IommuIoasAlloc), "size@0 flags@4 out_ioas_id@8 =12" },
        { typeof(IommuIoasAllowIovas), "size@0 ioas_id@4 num_iovas@8 __reserved@12 allowed_iovas@16 =24" },
        { typeof(IommuIoasCopy), "size@0 flags@4 dst_ioas_id@8 src_ioas_id@12 length@16 dst_iova@24 src_iova@32 =40" },
        { typeof(IommuIoasIovaRanges), "size@0 ioas_id@4 num_iovas@8 __reserved@12 allowed_iovas@16 out_iova_alignment@24 =32" },
        { typeof(IommuIoasMap), "size@0 flags@4 ioas_id@8 __reserved@12 user_va@16 length@24 iova@32 =40" },
        { typeof(IommuIoasUnmap), "size@0 ioas_id@4 iova@8 length@16 =24" },
        { typeof(IommuOption), "size@0 option_id@4 op@8 __reserved@10 object_id@12 val64@16 =24" },
        { typeof(IommuVfioIoas), "size@0 ioas_id@4 op@8 __reserved@10 =12" },
        { typeof(IommuHwptAlloc), "size@0 flags@4 dev_id@8 pt_id@12 out_hwpt_id@16 __reserved@20 data_type@24 data_len@28 data_uptr@32 fault_id@40 __reserved2@44 =48" },
        { typeof(IommuHwInfo), "size@0 flags@4 dev_id@8 data_len@12 data_uptr@16 out_data_type@24 out_max_pasid_log2@28 __reserved0@29 __reserved1@30 __reserved2@31 out_capabilities@32 =40" },
        { typeof(IommuHwptSetDirtyTracking), "size@0 flags@4 hwpt_id@8 __reserved@12 =16" },
        { typeof(IommuHwptGetDirtyBitmap), "size@0 hwpt_id@4 flags@8 __reserved@12 iova@16 length@24 page_size@32 data@40 =48" },
        { typeof(IommuHwptInvalidate), "size@0 hwpt_id@4 data_uptr@8 data_type@16 entry_len@20 entry_num@24 __reserved@28 =32" },
        { typeof(IommuFaultAlloc), "size@0 flags@4 out_fault_id@8 out_fault_fd@12 =16" },
        { typeof(IommuIoasMapFile), "size@0 flags@4 ioas_id@8 fd@12 start@16 length@24 iova@32 =40" },
        { typeof(IommuViommuAlloc), "size@0 flags@4 type@8 dev_id@12 hwpt_id@16 out_viommu_id@20 data_len@24 __reserved@28 data_uptr@32 =40" },
        { typeof(IommuVdeviceAlloc), "size@0 viommu_id@4 dev_id@8 out_vdevice_id@12 virt_id@16 =24" },
        { typeof(IommuIoasChangeProcess), "size@0 __reserved@4 =8" },
        { typeof(IommuVeventqAlloc), "size@0 flags@4 viommu_id@8 type@12 veventq_depth@16 out_veventq_id@20 out_veventq_fd@24 __reserved@28 =32" },
        { typeof(IommuHwQueueAlloc), "size@0 flags@4 viommu_id@8 type@12 index@16 out_hw_queue_id@20 nesting_parent_iova@24 length@32 =40" },
        { typeof(IommuTest), "size@0 op@4 id@8 __reserved@12 =72" },
        { typeof(TestAddReserved), "start@0 length@8 =16" },
        { typeof(TestMockDomain), "out_stdev_id@0 out_hwpt_id@4 out_idev_id@8 dev_flags@12 =16" },
        { typeof(TestCheckMap), "iova@0 length@8 uptr@16 =24" },
        { typeof(TestCheckRefs), "length@0 uptr@8 refs@16 =24" },
        { typeof(TestCreateAccess), "out_access_fd@0 flags@4 =8" },
        { typeof(TestDestroyAccessPages), "access_pages_id@0 =4" },
        { typeof(TestAccessPages), "flags@0 out_access_pages_id@4 iova@8 length@16 uptr@24 =32" },
        { typeof(TestAccessRw), "iova@0 length@8 uptr@16 flags@24 =32" },
        { typeof(TestMemoryLimit), "limit@0 =4" },
        { typeof(TestMockDomainReplace), "pt_id@0 =4" },
        { typeof(TestAccessReplaceIoas), "ioas_id@0 =4" },
        { typeof(TestDirty), "flags@0 iova@8 length@16 page_size@24 uptr@32 out_nr_dirty@40 =48" },
        { typeof(TestCheckCache), "id@0 value@4 =8" },
        { typeof(TestTriggerIopf), "dev_id@0 pasid@4 grpid@8 perm@12 addr@16 =24" },
        { typeof(TestTriggerVevent), "dev_id@0 =4" },
        { typeof(TestPasid), "pasid@0 pt_id@4 =8" },
        { typeof(TestDmabufGet), "length@0 open_flags@4 =8" },
        { typeof(TestDmabufRevoke), "fd@0 revoked@4 =8" },
        { typeof(VfioDmaMap), "argsz@0 flags@4 vaddr@8 iova@16 size@24 =32" },
        { typeof(VfioDmaUnmap), "argsz@0 flags@4 iova@8 size@16 =24" },
        { typeof(VfioIommuInfo), "argsz@0 flags@4 iova_pgsizes@8 cap_offset@16 pad@20 =24" },
    };

    [Theory]
    [MemberData(nameof(Structures))]
    public void Structure_HasTheHeadersLayout(Type structure, string expected)
    {
        IEnumerable<string> fields = FieldMap.Of(structure).Select(f => $"{f.Name}@{f.Offset}");
        Assert.Equal(expected, $"{string.Join(' ', fields)} ={Marshal.SizeOf(structure)}");
    }

    [Theory]
    [InlineData(1u, "ADD_RESERVED ioas start@16 length@24")]
    [InlineData(2u, "MOCK_DOMAIN pt out_stdev_id@16 out_hwpt_id@20 out_idev_id@24")]
    [InlineData(12u, "MOCK_DOMAIN_FLAGS pt out_stdev_id@16 out_hwpt_id@20 out_idev_id@24 dev_flags@28")]
    [InlineData(14u, "MD_CHECK_IOTLB hwpt iotlb_id@16 iotlb@20")]
    [InlineData(20u, "PASID_DETACH stdev pasid@16")]
    [InlineData(21u, "PASID_CHECK_HWPT stdev pasid@16 hwpt_id@20")]
    [InlineData(23u, "DMABUF_REVOKE  fd@16 revoked@20")]
    public void TestOperation_HasItsOwnFields(uint op, string expected)
    {
        TestOperation operation = TestFields.Find(op)!;
        Assert.Equal(expected, $"{operation.Name} {operation.IdIs} {string.Join(' ', operation.Fields.Select(f => $"{f.Name}@{f.Offset}"))}");
        Assert.Same(operation, TestFields.FindByName(operation.Name));
    }

    [Fact]
    public void TestOperations_AreAllOfTheEnumInOrder()
    {
        Assert.Equal(Enum.GetValues<TestOp>(), TestFields.All.Select(operation => operation.Op));
        Assert.All(TestFields.All, operation => Assert.Same(operation, TestFields.Find((ulong)operation.Op)));
        Assert.Null(TestFields.Find(0));
        Assert.Null(TestFields.Find(24));
    }

    [Theory]
    [InlineData("DESTROY", 0x3b80u, 8, 8)]
    [InlineData("HWPT_ALLOC", 0x3b89u, 48, 24)]
    [InlineData("GET_HW_INFO", 0x3b8au, 40, 32)]
    [InlineData("VIOMMU_ALLOC", 0x3b90u, 40, 24)]
    [InlineData("VEVENTQ_ALLOC", 0x3b93u, 32, 28)]
    [InlineData("HW_QUEUE_ALLOC", 0x3b94u, 40, 40)]
    [InlineData("TEST", 0x3ba0u, 72, 68)]
    public void Table_KnowsNumberAndLengths(string name, uint number, int known, int min)
    {
        IoctlInfo info = IoctlTable.Find(number)!;
        Assert.Equal((name, known, min), (info.Name, info.KnownBytes, info.MinBytes));
    }

    [Fact]
    public void Table_HasTwentyOneCallsAndTheTest() =>
        Assert.Equal(Enumerable.Range(0x3b80, 21).Append(0x3ba0), IoctlTable.AllNative.Select(c => (int)c.Number));

    [Fact]
    public void Union_EndsBeforeTheLastWord() => Assert.True(IommuTest.UnionOffset + Unsafe.SizeOf<TestDirty>() <= 64);
}
