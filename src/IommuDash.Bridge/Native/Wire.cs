// The messages between the preload library and the server: the same layouts as native/wire.h, which says what they mean.
using System.Runtime.InteropServices;

namespace IommuDash.Bridge.Native;

internal enum RequestOp : uint
{
    Register = 1,
    Open = 2,
    Ioctl = 3,
    Read = 4,
    Write = 5,
    Mmap = 6,
    Munmap = 7,
    Counters = 8,
}

internal enum NodeKind : ulong
{
    Iommu = 0,
    Vfio = 1,
    FailNth = 2,
}

[StructLayout(LayoutKind.Sequential)]
internal struct WireRequest
{
    /// <summary>Most bytes of an ioctl's structure that follow a request in its packet.</summary>
    public const int MaxStructureBytes = 72;

    public RequestOp Op;
    public uint Tid;

    /// <summary>The core the caller runs on.</summary>
    public uint Cpu;

    public uint Pad;
    public ulong A;
    public ulong B;
    public ulong C;
    public ulong D;
}

[Flags]
internal enum ReplyFlags : uint
{
    None = 0,
    File = 1,
    Window = 2,
    Drained = 4,
    Unregistered = 8,
    KeptByExec = 16,
}

[StructLayout(LayoutKind.Sequential)]
internal struct WireReply
{
    public ReplyFlags Flags;

    /// <summary>The core the server runs on.</summary>
    public uint Cpu;
    public long Value;
    public ulong Extra;
}
