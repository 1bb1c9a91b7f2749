// The command of the kernel's selftest (drivers/iommu/iommufd/iommufd_test.h): a header, a union of 48 bytes at 16, and a last word. One struct per shape of the union.
using System.Runtime.InteropServices;

namespace IommuDash.Abi.Layout;

/// <summary>The header; the union follows at <see cref="UnionOffset"/>.</summary>
[StructLayout(LayoutKind.Sequential, Size = 72)]
public struct IommuTest
{
    public const int UnionOffset = 16;

    public uint Size;
    public uint Op;
    public uint Id;
    public uint Reserved;
}

public enum TestOp : uint
{
    AddReserved = 1,
    MockDomain = 2,
    MdCheckMap = 3,
    MdCheckRefs = 4,
    CreateAccess = 5,
    DestroyAccessPages = 6,
    AccessPages = 7,
    AccessRw = 8,
    SetTempMemoryLimit = 9,
    MockDomainReplace = 10,
    AccessReplaceIoas = 11,
    MockDomainFlags = 12,
    Dirty = 13,
    MdCheckIotlb = 14,
    TriggerIopf = 15,
    DevCheckCache = 16,
    TriggerVevent = 17,
    PasidAttach = 18,
    PasidReplace = 19,
    PasidDetach = 20,
    PasidCheckHwpt = 21,
    DmabufGet = 22,
    DmabufRevoke = 23,
}

[StructLayout(LayoutKind.Sequential)]
public struct TestAddReserved
{
    public ulong Start;
    public ulong Length;
}

/// <summary>MOCK_DOMAIN and MOCK_DOMAIN_FLAGS.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct TestMockDomain
{
    public uint OutStdevId;
    public uint OutHwptId;
    public uint OutIdevId;
    public uint DevFlags;
}

[StructLayout(LayoutKind.Sequential)]
public struct TestMockDomainReplace
{
    public uint PtId;
}

[StructLayout(LayoutKind.Sequential)]
public struct TestCheckMap
{
    public ulong Iova;
    public ulong Length;
    public ulong Uptr;
}

[StructLayout(LayoutKind.Sequential)]
public struct TestCheckRefs
{
    public ulong Length;
    public ulong Uptr;
    public uint Refs;
}

[StructLayout(LayoutKind.Sequential)]
public struct TestCreateAccess
{
    public uint OutAccessFd;
    public uint Flags;
}

[StructLayout(LayoutKind.Sequential)]
public struct TestDestroyAccessPages
{
    public uint AccessPagesId;
}

[StructLayout(LayoutKind.Sequential)]
public struct TestAccessPages
{
    public uint Flags;
    public uint OutAccessPagesId;
    public ulong Iova;
    public ulong Length;
    public ulong Uptr;
}

[StructLayout(LayoutKind.Sequential)]
public struct TestAccessRw
{
    public ulong Iova;
    public ulong Length;
    public ulong Uptr;
    public uint Flags;
}

[StructLayout(LayoutKind.Sequential)]
public struct TestMemoryLimit
{
    public uint Limit;
}

[StructLayout(LayoutKind.Sequential)]
public struct TestAccessReplaceIoas
{
    public uint IoasId;
}

[StructLayout(LayoutKind.Sequential)]
public struct TestDirty
{
    public uint Flags;
    public ulong Iova;
    public ulong Length;
    public ulong PageSize;
    public ulong Uptr;
    public ulong OutNrDirty;
}

/// <summary>MD_CHECK_IOTLB and DEV_CHECK_CACHE: a cache slot and the value it should hold.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct TestCheckCache
{
    public uint Id;
    public uint Value;
}

[StructLayout(LayoutKind.Sequential)]
public struct TestTriggerIopf
{
    public uint DevId;
    public uint Pasid;
    public uint Grpid;
    public uint Perm;
    public ulong Addr;
}

[StructLayout(LayoutKind.Sequential)]
public struct TestTriggerVevent
{
    public uint DevId;
}

/// <summary>PASID_ATTACH, PASID_REPLACE and PASID_DETACH (which has no <see cref="PtId"/>); PASID_CHECK_HWPT compares with a hw_pagetable there.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct TestPasid
{
    public uint Pasid;
    public uint PtId;
}

[StructLayout(LayoutKind.Sequential)]
public struct TestDmabufGet
{
    public uint Length;
    public uint OpenFlags;
}

[StructLayout(LayoutKind.Sequential)]
public struct TestDmabufRevoke
{
    public int Fd;
    public uint Revoked;
}
