// Driver windows that programs have mapped through a node. A window is a memory file here: every mapping shows the same one, and it stays as long as the driver has the window.
// Leaves out: a child's copy of its parent's mapping does not hold the object; drivers that look at what was written.
using IommuDash.Bridge.Native;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Bridge.Server;

public sealed unsafe partial class BridgeServer
{
    private const uint MapShared = 1;
    private const uint MapSharedValidate = 3;
    private const uint MapTypeMask = 0xf;
    private const ulong ProtExec = 4;
    private const ulong PageMask = PhysicalMemory.FrameBytes - 1;

    private readonly Dictionary<ulong, (MmapWindow Window, ClientProcess By)> _windows = [];
    private readonly Dictionary<MmapWindow, int> _windowMemory = [];
    private ulong _nextCookie = 1;

    // What the kernel's own mmap sees to comes first: offset and length in pages.
    private long Mmap(FileEndpoint endpoint, ClientProcess caller, in WireRequest request, ref WireReply reply, out int memory)
    {
        memory = -1;
        if (endpoint is not NodeEndpoint { File: { } file })
            return -(long)Errno.ENODEV;
        if ((request.D & PageMask) != 0 || request.A == 0)
            return -(long)Errno.EINVAL;
        if (request.A > ulong.MaxValue - PageMask)
            return -(long)Errno.ENOMEM;
        ulong length = (request.A + PageMask) & ~PageMask;
        bool isShared = (request.C & MapTypeMask) is MapShared or MapSharedValidate;
        bool isExecutable = (request.B & ProtExec) != 0;
        _refusal = file.Context.MmapWindows.Map(request.D, length, isShared, isExecutable, out MmapWindow? window);
        _options.Trace?.Mmap(caller.Process.Pid, file, length, request.D, isShared, isExecutable, Result(_refusal, (long)_nextCookie));
        if (_refusal is not null)
            return Result(_refusal);
        ulong number = _nextCookie++;
        _windows.Add(number, (window!, caller));
        memory = Libc.Fcntl(MemoryOf(window!), Libc.FDupfdCloexec, 0);
        if (memory < 0)
        {
            Unmap(number);
            return -(long)Errno.ENOMEM;
        }
        reply.Flags |= ReplyFlags.Window;
        reply.Extra = number;
        return 0;
    }

    // A child's copy of a mapping is not the mapping.
    private long Munmap(FileEndpoint endpoint, ClientProcess caller, ulong number)
    {
        if (endpoint is not NodeEndpoint { File: { } file } || !_windows.TryGetValue(number, out var mapping) || mapping.Window.Owner.Context != file.Context)
            return -(long)Errno.EINVAL;
        if (mapping.By == caller)
            Unmap(number);
        return 0;
    }

    private void Unmap(ulong number)
    {
        _windows.Remove(number, out var mapping);
        _options.Trace?.Munmap(mapping.By.Process.Pid, number);
        mapping.Window.Unmap();
    }

    private void UnmapWindows(Func<MmapWindow, ClientProcess, bool> which)
    {
        foreach (ulong number in _windows.Where(w => which(w.Value.Window, w.Value.By)).Select(w => w.Key).ToArray())
            Unmap(number);
    }

    // -1: no descriptor or no memory left.
    private int MemoryOf(MmapWindow window)
    {
        DropWindowMemory(all: false);
        if (_windowMemory.TryGetValue(window, out int memory))
            return memory;
        memory = _endpoints.Count + _windowMemory.Count >= _options.MaxDescriptors ? -1 : Libc.MemfdCreate("iommufd-window", 1);
        if (memory < 0)
            return -1;
        fixed (byte* content = window.Content)
        {
            if (Libc.Pwrite(memory, content, (nuint)window.Content.Length, 0) != window.Content.Length)
            {
                Libc.Close(memory);
                return -1;
            }
        }
        _windowMemory.Add(window, memory);
        return memory;
    }

    // Windows go with their objects, of which nobody tells.
    private void DropWindowMemory(bool all)
    {
        foreach ((MmapWindow window, int memory) in _windowMemory.Where(w => all || !w.Key.Owner.Context.MmapWindows.All.Contains(w.Key)).ToArray())
        {
            _windowMemory.Remove(window);
            Libc.Close(memory);
        }
    }
}
