// Typed copies from and to user memory, and the rules of extensible structures (the kernel's copy_struct_from_user).
using System.Runtime.InteropServices;
using IommuDash.Engine;

namespace IommuDash.Abi;

internal static class UserMemoryExtensions
{
    private const int ChunkBytes = 4096;

    public static bool TryRead<T>(this IUserMemory memory, ulong address, out T value) where T : unmanaged
    {
        value = default;
        return memory.TryRead(address, MemoryMarshal.AsBytes(new Span<T>(ref value)));
    }

    public static bool TryWrite<T>(this IUserMemory memory, ulong address, in T value) where T : unmanaged =>
        memory.TryWrite(address, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    /// <summary>As much of [address, +length) as fits the buffer and can be read, from the first byte on.</summary>
    public static ReadOnlySpan<byte> ReadPrefix(this IUserMemory memory, ulong address, uint length, Span<byte> buffer)
    {
        Span<byte> wanted = buffer[..(int)Math.Min(length, (uint)buffer.Length)];
        if (memory.TryRead(address, wanted))
            return wanted;
        // What lies in one page is readable as a whole or not at all; asking again would undo a failure that was injected.
        if ((address % ChunkBytes) + (ulong)wanted.Length <= ChunkBytes)
            return [];
        int done = 0;
        while (done < wanted.Length)
        {
            int bytes = Math.Min(wanted.Length - done, ChunkBytes - (int)((address + (ulong)done) % ChunkBytes));
            if (!memory.TryRead(address + (ulong)done, wanted.Slice(done, bytes)))
                break;
            done += bytes;
        }
        return wanted[..done];
    }

    /// <summary>
    /// Reads a structure that caller and callee may know in different lengths: what the caller lacks is zero, what it has beyond must be zero (E2BIG). EFAULT as it comes.
    /// </summary>
    public static Refusal? ReadExtensible(this IUserMemory memory, ulong address, uint userBytes, Span<byte> known)
    {
        if (userBytes > known.Length && CheckZeroes(memory, address + (ulong)known.Length, userBytes - (uint)known.Length) is { } refusal)
            return refusal;
        int taken = (int)Math.Min(userBytes, (uint)known.Length);
        known[taken..].Clear();
        return memory.TryRead(address, known[..taken]) ? null : AbiRefusals.Fault;
    }

    // Page by page, so that rubbish before an unreadable page is found first.
    private static Refusal? CheckZeroes(IUserMemory memory, ulong address, uint length)
    {
        Span<byte> chunk = stackalloc byte[ChunkBytes];
        while (length != 0)
        {
            int bytes = (int)Math.Min(length, ChunkBytes - (uint)(address % ChunkBytes));
            if (!memory.TryRead(address, chunk[..bytes]))
                return AbiRefusals.Fault;
            if (chunk[..bytes].ContainsAnyExcept((byte)0))
                return AbiRefusals.TooBig;
            address += (ulong)bytes;
            length -= (uint)bytes;
        }
        return null;
    }
}
