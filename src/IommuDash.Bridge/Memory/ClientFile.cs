// A file that a real process has open, as IOAS_MAP_FILE sees it: a memfd's pages have frames, any other file's have none.
using IommuDash.Bridge.Native;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Pages;

namespace IommuDash.Bridge.Memory;

internal sealed unsafe class ClientFile : MemoryFile
{
    private const int MaxFramesAtOnce = 512;
    private const long TmpfsMagic = 0x01021994;
    private const long HugetlbfsMagic = 0x958458f6;
    private const int StatfsBytes = 120;
    private const int StatxBytes = 256;
    private const uint StatxBasic = 0x7ff;
    private const int AtEmptyPath = 0x1000;

    private readonly ClientObjects _objects;
    private readonly ulong _device;
    private readonly ulong _inode;
    private readonly uint[] _found = new uint[MaxFramesAtOnce];
    private int _fd;
    private readonly bool _isMemory;
    private readonly bool _isHuge;

    private ClientFile(string name, ClientObjects objects, int fd, ulong device, ulong inode, long fileSystem) : base(name)
    {
        _fd = fd;
        _objects = objects;
        _device = device;
        _inode = inode;
        _isHuge = fileSystem == HugetlbfsMagic;
        _isMemory = _isHuge || fileSystem == TmpfsMagic;
        objects.Add(this);
    }

    /// <summary>The file behind a descriptor of a process; null: there is none. If no call uses it, <see cref="ReleaseIfUnused"/> must follow.</summary>
    public static ClientFile? Open(ClientObjects objects, int pid, int fd)
    {
        string path = $"/proc/{pid}/fd/{fd}";
        int own = Libc.Open(path, Libc.ORdwr | Libc.OCloexec, 0);
        if (own < 0)
            own = Libc.Open(path, Libc.OCloexec, 0);
        if (own < 0)
            return null;
        byte* statfs = stackalloc byte[StatfsBytes];
        if (Libc.Fstatfs(own, statfs) == 0 && TryStat(own, out ulong device, out ulong inode, out _))
            return new ClientFile(NameOf(path), objects, own, device, inode, *(long*)statfs);
        Libc.Close(own);
        return null;
    }

    // As the program made it, e.g. /memfd:buffer.
    private static string NameOf(string path)
    {
        const string Unlinked = " (deleted)";
        string name = new FileInfo(path).LinkTarget ?? path;
        return name.EndsWith(Unlinked, StringComparison.Ordinal) ? name[..^Unlinked.Length] : name;
    }

    /// <summary>The file as a trace names it: object, size in bytes, and what it is.</summary>
    public (ulong Device, ulong Inode, ulong SizeBytes, bool IsMemory, bool IsHuge) Identity => (_device, _inode, Size(), _isMemory, _isHuge);

    /// <summary>Lets go of the file if nothing maps it.</summary>
    public void ReleaseIfUnused()
    {
        if (Users == 0)
            Release();
    }

    /// <summary>Closes the server's own descriptor of it.</summary>
    public void Release()
    {
        if (_fd >= 0)
            Libc.Close(_fd);
        _fd = -1;
        _objects.Remove(this);
    }

    protected override Refusal? FaultIn(ulong pageIndex, ulong maxPages, out ReadOnlySpan<uint> frames)
    {
        frames = default;
        if (CheckAccess(pageIndex, 1) is { } refusal)
            return refusal;
        _objects.Frames.SweepIfLarge();
        SharedObject shared = _objects.Shared(_device, _inode);
        ulong size = Size();
        int count = (int)Math.Min(Math.Min(maxPages, MaxFramesAtOnce), (size >> PhysicalMemory.FrameShift) - pageIndex);
        for (int i = 0; i < count; i++)
        {
            if (!_objects.Frames.TryGet(shared, pageIndex + (ulong)i, _isHuge, out _found[i]))
                return new Refusal(Errno.ENOMEM, "memory.frames", $"The emulated machine has no frame left for page {pageIndex + (ulong)i} of {Name}.");
        }
        shared.KeepDuplicate(_fd);
        frames = _found.AsSpan(0, count);
        return null;
    }

    protected override Refusal? CheckAccess(ulong firstPage, ulong pageCount)
    {
        if (!_isMemory)
            return new Refusal(Errno.EINVAL, "file.type", $"{Name} is not a memfd; only memory files can be pinned.");
        ulong size = Size();
        _objects.SizeObserved?.Invoke(_device, _inode, size);
        return firstPage + pageCount <= size >> PhysicalMemory.FrameShift ? null
            : new Refusal(Errno.EINVAL, "file.size", $"Pages {firstPage} to {firstPage + pageCount - 1} are not all inside the {size} bytes of {Name}.");
    }

    protected override void DropAll() => Release();

    // 0 for one that is gone.
    private ulong Size() => TryStat(_fd, out _, out _, out ulong size) ? size : 0;

    /// <summary>Device, inode and size in bytes of an open file.</summary>
    internal static bool TryStat(int fd, out ulong device, out ulong inode, out ulong size)
    {
        byte* stat = stackalloc byte[StatxBytes];
        byte empty = 0;
        bool done = Libc.Statx(fd, &empty, AtEmptyPath, StatxBasic, stat) == 0;
        // Offsets in struct statx.
        inode = done ? *(ulong*)(stat + 32) : 0;
        size = done ? *(ulong*)(stat + 40) : 0;
        device = done ? (ulong)*(uint*)(stat + 136) << 32 | *(uint*)(stat + 140) : 0;
        return done;
    }
}
