// A file that real processes map shared: shared anonymous memory, a memfd, any other. Its pages are the same whoever maps them, and outlive each of them.
using IommuDash.Bridge.Native;

namespace IommuDash.Bridge.Memory;

/// <summary>One inode. Bytes come through a descriptor of it where the server could get one (/proc/PID/map_files needs CAP_CHECKPOINT_RESTORE), else through a process that maps it.</summary>
internal sealed unsafe class SharedObject(ClientObjects objects, int id, ulong device, ulong inode) : IPageSource
{
    private int _fd = -1;

    public int Id => id;

    public ulong Device => device;

    public ulong Inode => inode;

    /// <summary>Keeps the file by a descriptor, if that is allowed and not done yet.</summary>
    public void Keep(int pid, in ClientMapping mapping)
    {
        if (_fd < 0)
            _fd = Libc.Open($"/proc/{pid}/map_files/{mapping.Start:x}-{mapping.Last + 1:x}", Libc.ORdwr | Libc.OCloexec, 0);
    }

    /// <summary>Keeps the file by a descriptor of its own, made from another.</summary>
    public void KeepDuplicate(int fd)
    {
        if (_fd < 0)
            _fd = Libc.Fcntl(fd, Libc.FDupfdCloexec, 0);
    }

    public bool TryRead(ulong offset, Span<byte> bytes)
    {
        if (objects.FindMapping(this, offset, out int pid, out ulong address) && ProcessMemory.TryRead(pid, address, bytes))
            return true;
        fixed (byte* target = bytes)
            return _fd >= 0 && Libc.Pread(_fd, target, (nuint)bytes.Length, (long)offset) == bytes.Length;
    }

    public bool TryWrite(ulong offset, ReadOnlySpan<byte> bytes)
    {
        if (objects.FindMapping(this, offset, out int pid, out ulong address) && ProcessMemory.TryWrite(pid, address, bytes))
            return true;
        fixed (byte* source = bytes)
            return _fd >= 0 && Libc.Pwrite(_fd, source, (nuint)bytes.Length, (long)offset) == bytes.Length;
    }

    public void Release()
    {
        if (_fd >= 0)
            Libc.Close(_fd);
        _fd = -1;
        objects.Forget(this);
    }
}
