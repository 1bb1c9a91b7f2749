using System.Runtime.InteropServices;

namespace IommuDash.Engine.Hardware;

/// <summary>Zeroed address space that the operating system backs with memory on first touch. Reserving terabytes costs nothing until they are written.</summary>
internal static unsafe partial class Reservation
{
    private const int ProtReadWrite = 3;
    private const int MapPrivateAnonymousNoReserve = 0x2 | 0x20 | 0x4000;

    /// <exception cref="InsufficientMemoryException">The operating system refuses.</exception>
    public static void* Map(ulong bytes)
    {
        if (!OperatingSystem.IsLinux())
            return NativeMemory.AllocZeroed((nuint)bytes);
        void* address = MapLinux(null, (nuint)bytes, ProtReadWrite, MapPrivateAnonymousNoReserve, -1, 0);
        if ((nint)address == -1)
            throw new InsufficientMemoryException($"The operating system refused to reserve {bytes} bytes of address space (errno {Marshal.GetLastPInvokeError()}).");
        return address;
    }

    /// <summary>Gives a reservation back; nothing for null, which a constructor that threw leaves to its finalizer.</summary>
    public static void Unmap(void* address, ulong bytes)
    {
        if (address is null)
            return;
        if (!OperatingSystem.IsLinux())
            NativeMemory.Free(address);
        else if (UnmapLinux(address, (nuint)bytes) != 0)
            throw new InvalidOperationException($"munmap failed with errno {Marshal.GetLastPInvokeError()}.");
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial void* MapLinux(void* address, nuint length, int prot, int flags, int fd, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int UnmapLinux(void* address, nuint length);
}
