// Commands about IO address spaces (include/uapi/linux/iommufd.h). Sequential layout is C's: natural alignment, little endian.
using System.Runtime.InteropServices;

namespace IommuDash.Abi.Layout;

[StructLayout(LayoutKind.Sequential)]
public struct IommuDestroy
{
    public uint Size;
    public uint Id;
}

[StructLayout(LayoutKind.Sequential)]
public struct IommuIoasAlloc
{
    public uint Size;
    public uint Flags;
    public uint OutIoasId;
}

[StructLayout(LayoutKind.Sequential)]
public struct IommuIoasAllowIovas
{
    public uint Size;
    public uint IoasId;
    public uint NumIovas;
    public uint Reserved;

    /// <summary>User address of <see cref="NumIovas"/> ranges of 16 bytes: start, last.</summary>
    public ulong AllowedIovas;
}

[StructLayout(LayoutKind.Sequential)]
public struct IommuIoasCopy
{
    public uint Size;
    public uint Flags;
    public uint DstIoasId;
    public uint SrcIoasId;
    public ulong Length;
    public ulong DstIova;
    public ulong SrcIova;
}

[StructLayout(LayoutKind.Sequential)]
public struct IommuIoasIovaRanges
{
    public uint Size;
    public uint IoasId;
    public uint NumIovas;
    public uint Reserved;
    public ulong AllowedIovas;
    public ulong OutIovaAlignment;
}

[StructLayout(LayoutKind.Sequential)]
public struct IommuIoasMap
{
    public uint Size;
    public uint Flags;
    public uint IoasId;
    public uint Reserved;
    public ulong UserVa;
    public ulong Length;
    public ulong Iova;
}

[StructLayout(LayoutKind.Sequential)]
public struct IommuIoasMapFile
{
    public uint Size;
    public uint Flags;
    public uint IoasId;
    public int Fd;
    public ulong Start;
    public ulong Length;
    public ulong Iova;
}

[StructLayout(LayoutKind.Sequential)]
public struct IommuIoasUnmap
{
    public uint Size;
    public uint IoasId;
    public ulong Iova;
    public ulong Length;
}

[StructLayout(LayoutKind.Sequential)]
public struct IommuOption
{
    public uint Size;
    public uint OptionId;
    public ushort Op;
    public ushort Reserved;
    public uint ObjectId;
    public ulong Val64;
}

[StructLayout(LayoutKind.Sequential)]
public struct IommuVfioIoas
{
    public uint Size;
    public uint IoasId;
    public ushort Op;
    public ushort Reserved;
}

[StructLayout(LayoutKind.Sequential)]
public struct IommuIoasChangeProcess
{
    public uint Size;
    public uint Reserved;
}
