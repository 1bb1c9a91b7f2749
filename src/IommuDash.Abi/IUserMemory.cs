using IommuDash.Engine.Pages;

namespace IommuDash.Abi;

/// <summary>The memory that user pointers of a call point into. All or nothing is not promised: a copy that fails may have moved bytes, as in the kernel.</summary>
public interface IUserMemory
{
    /// <summary>Copies user bytes out. False: some of them are not readable (EFAULT).</summary>
    bool TryRead(ulong address, Span<byte> bytes);

    /// <summary>Copies bytes into user memory. False: some of it is not writable (EFAULT).</summary>
    bool TryWrite(ulong address, ReadOnlySpan<byte> bytes);
}

/// <summary>Who makes a call: the process, its memory, and its descriptors.</summary>
public interface ICaller : IUserMemory
{
    EmulatedProcess Process { get; }

    /// <summary>
    /// Gives the caller a descriptor for a file the call made and stores its number (32 bits) at a user address, or, for address 0, makes the number the call's result. The last thing a call does:
    /// the structure has been written back. False: the caller could take no descriptor; the file is then the call's to close.
    /// </summary>
    /// <param name="closeOnExec">O_CLOEXEC: whether the descriptor is gone in a program the caller executes. Only DMABUF_GET lets the caller choose.</param>
    bool TryDeliver(object file, ulong address, bool closeOnExec = true);

    /// <summary>The file delivered that a descriptor of the caller stands for now; null for any other or none.</summary>
    object? FindFile(int fd);

    /// <summary>A memory file of the caller's own for IOAS_MAP_FILE, whatever it is: null = bad descriptor (EBADF).</summary>
    MemoryFile? FindMemoryFile(int fd);
}
