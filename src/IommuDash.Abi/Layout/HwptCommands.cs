// Commands about hw_pagetables, devices and fault queues (include/uapi/linux/iommufd.h).
using System.Runtime.InteropServices;

namespace IommuDash.Abi.Layout;

[StructLayout(LayoutKind.Sequential)]
public struct IommuHwptAlloc
{
    public uint Size;
    public uint Flags;
    public uint DevId;
    public uint PtId;
    public uint OutHwptId;
    public uint Reserved;
    public uint DataType;
    public uint DataLen;
    public ulong DataUptr;
    public uint FaultId;
    public uint Reserved2;
}

[StructLayout(LayoutKind.Sequential)]
public struct IommuHwInfo
{
    public uint Size;
    public uint Flags;
    public uint DevId;
    public uint DataLen;
    public ulong DataUptr;

    /// <summary>Asked type on the way in (with flag INPUT_TYPE), type of the answer on the way out.</summary>
    public uint OutDataType;
    public byte OutMaxPasidLog2;
    public byte Reserved0;
    public byte Reserved1;
    public byte Reserved2;
    public ulong OutCapabilities;
}

[StructLayout(LayoutKind.Sequential)]
public struct IommuHwptSetDirtyTracking
{
    public uint Size;
    public uint Flags;
    public uint HwptId;
    public uint Reserved;
}

[StructLayout(LayoutKind.Sequential)]
public struct IommuHwptGetDirtyBitmap
{
    public uint Size;
    public uint HwptId;
    public uint Flags;
    public uint Reserved;
    public ulong Iova;
    public ulong Length;
    public ulong PageSize;
    public ulong Data;
}

[StructLayout(LayoutKind.Sequential)]
public struct IommuHwptInvalidate
{
    public uint Size;
    public uint HwptId;
    public ulong DataUptr;
    public uint DataType;
    public uint EntryLen;
    public uint EntryNum;
    public uint Reserved;
}

[StructLayout(LayoutKind.Sequential)]
public struct IommuFaultAlloc
{
    public uint Size;
    public uint Flags;
    public uint OutFaultId;
    public uint OutFaultFd;
}
