// Commands of a VFIO device's own file (include/uapi/linux/vfio.h): how a program hands a device to a context and attaches it. The door does not serve these files, but commands of pages stand for them.
using System.Runtime.InteropServices;

namespace IommuDash.Abi.Layout;

[StructLayout(LayoutKind.Sequential)]
public struct VfioDeviceBindIommufd
{
    public uint Argsz;
    public uint Flags;
    public int Iommufd;
    public uint OutDevid;
}

[StructLayout(LayoutKind.Sequential)]
public struct VfioDeviceAttachIommufdPt
{
    public uint Argsz;
    public uint Flags;
    public uint PtId;
    public uint Pasid;
}

[StructLayout(LayoutKind.Sequential)]
public struct VfioDeviceDetachIommufdPt
{
    public uint Argsz;
    public uint Flags;
    public uint Pasid;
}
