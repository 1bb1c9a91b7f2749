// Type 1 container commands (include/uapi/linux/vfio.h), as far as iommufd answers them.
using System.Runtime.InteropServices;

namespace IommuDash.Abi.Layout;

[StructLayout(LayoutKind.Sequential)]
public struct VfioDmaMap
{
    public uint Argsz;
    public uint Flags;
    public ulong Vaddr;
    public ulong Iova;
    public ulong Size;
}

[StructLayout(LayoutKind.Sequential)]
public struct VfioDmaUnmap
{
    public uint Argsz;
    public uint Flags;
    public ulong Iova;
    public ulong Size;
}

[StructLayout(LayoutKind.Sequential)]
public struct VfioIommuInfo
{
    /// <summary>Bytes up to and without <see cref="CapOffset"/>, all that older callers know.</summary>
    public const int FirstVersionBytes = 16;

    public uint Argsz;
    public uint Flags;
    public ulong IovaPgsizes;
    public uint CapOffset;
    public uint Pad;
}

/// <summary>Header of one entry of the capability chain: id, version, and the offset of the next (0 = last) from the start of the info.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioInfoCapHeader
{
    public ushort Id;
    public ushort Version;
    public uint Next;
}
