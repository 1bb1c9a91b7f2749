namespace IommuDash.Engine.Selftest;

/// <summary>Numbers of the kernel's iommufd selftest (drivers/iommu/iommufd/iommufd_test.h).</summary>
public static class MockConstants
{
    /// <summary>Type of guest data of a hw_pagetable: {IOTLB value u32, page-table kind u32}.</summary>
    public const uint HwptDataType = 0xdead;

    public const uint HwptInvalidateType = 0xdeadbeef;

    public const uint ViommuType = 0xdeadbeef;

    public const uint ViommuInvalidateType = 0xdeadbeef;

    public const uint VeventqType = 0xbeefbeef;

    public const uint HwQueueType = 0xdeadbeef;

    public const uint HwInfoType = 0xfeedbeef;

    public const uint HwInfoRegister = 0xdeadbeef;

    /// <summary>What a device cache holds until it is invalidated.</summary>
    public const uint DeviceCacheDefault = 0xbaddad;

    /// <summary>Entries of a nested hw_pagetable's IOTLB and of a device's cache.</summary>
    public const int CacheEntries = 4;

    public const uint NoDirtyFlag = 1;

    public const int PasidBits = 20;

    /// <summary>The PASID whose second attach fails once.</summary>
    public const uint FailingPasid = 1024;

    public const int HwQueues = 2;
}
