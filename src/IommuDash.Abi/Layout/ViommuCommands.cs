// Commands about virtual IOMMUs, their devices, event queues and hardware queues (include/uapi/linux/iommufd.h).
using System.Runtime.InteropServices;

namespace IommuDash.Abi.Layout;

[StructLayout(LayoutKind.Sequential)]
public struct IommuViommuAlloc
{
    public uint Size;
    public uint Flags;
    public uint Type;
    public uint DevId;
    public uint HwptId;
    public uint OutViommuId;
    public uint DataLen;
    public uint Reserved;
    public ulong DataUptr;
}

[StructLayout(LayoutKind.Sequential)]
public struct IommuVdeviceAlloc
{
    public uint Size;
    public uint ViommuId;
    public uint DevId;
    public uint OutVdeviceId;
    public ulong VirtId;
}

[StructLayout(LayoutKind.Sequential)]
public struct IommuVeventqAlloc
{
    public uint Size;
    public uint Flags;
    public uint ViommuId;
    public uint Type;
    public uint VeventqDepth;
    public uint OutVeventqId;
    public uint OutVeventqFd;
    public uint Reserved;
}

[StructLayout(LayoutKind.Sequential)]
public struct IommuHwQueueAlloc
{
    public uint Size;
    public uint Flags;
    public uint ViommuId;
    public uint Type;
    public uint Index;
    public uint OutHwQueueId;
    public ulong NestingParentIova;
    public ulong Length;
}
