// Bytes of a real process through process_vm_readv and process_vm_writev, which obey the process's own page permissions.
using IommuDash.Bridge.Native;

namespace IommuDash.Bridge.Memory;

internal static unsafe class ProcessMemory
{
    /// <summary>Copies out. False: some byte is not readable, or the process is gone.</summary>
    public static bool TryRead(int pid, ulong address, Span<byte> bytes)
    {
        if (bytes.IsEmpty)
            return true;
        fixed (byte* target = bytes)
        {
            var local = new Libc.Iovec { Base = target, Length = (nuint)bytes.Length };
            var remote = new Libc.Iovec { Base = (void*)address, Length = (nuint)bytes.Length };
            return Libc.ProcessVmReadv(pid, &local, 1, &remote, 1, 0) == bytes.Length;
        }
    }

    /// <summary>Copies in. False: some byte is not writable, or the process is gone; bytes before it may have been stored.</summary>
    public static bool TryWrite(int pid, ulong address, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return true;
        fixed (byte* source = bytes)
        {
            var local = new Libc.Iovec { Base = source, Length = (nuint)bytes.Length };
            var remote = new Libc.Iovec { Base = (void*)address, Length = (nuint)bytes.Length };
            return Libc.ProcessVmWritev(pid, &local, 1, &remote, 1, 0) == bytes.Length;
        }
    }
}
