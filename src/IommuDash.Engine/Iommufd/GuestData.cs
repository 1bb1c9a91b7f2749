using System.Buffers.Binary;

namespace IommuDash.Engine.Iommufd;

/// <summary>A driver-specific structure that a call carries: its type, the length the caller says it has, and as much of it as could be read.</summary>
/// <param name="type">Type the caller claims; 0 = none.</param>
/// <param name="lengthBytes">Length the caller claims.</param>
/// <param name="readable">The bytes that can be read, from the first on; fewer than claimed where the caller's pointer leads nowhere.</param>
public readonly ref struct GuestData(uint type, uint lengthBytes, ReadOnlySpan<byte> readable)
{
    public uint Type { get; } = type;

    public uint LengthBytes { get; } = lengthBytes;

    public ReadOnlySpan<byte> Readable { get; } = readable;

    public static GuestData None => default;

    public static GuestData Of(uint type, ReadOnlySpan<byte> bytes) => new(type, (uint)bytes.Length, bytes);

    /// <summary>
    /// Copies the structure in. EINVAL if it is shorter than the oldest layout or longer than <paramref name="into"/>, the newest; EFAULT if it cannot be read. Fields the caller left out are 0.
    /// </summary>
    internal Refusal? Read(int oldestBytes, Span<byte> into)
    {
        if (LengthBytes < oldestBytes || LengthBytes > into.Length)
            return new Refusal(Errno.EINVAL, "data.length", $"The data are {LengthBytes} bytes; this type has {oldestBytes}{(into.Length == oldestBytes ? "" : $" to {into.Length}")}.");
        if (Readable.Length < LengthBytes)
            return Unreadable();
        into.Clear();
        Readable[..(int)LengthBytes].CopyTo(into);
        return null;
    }

    internal static Refusal Unreadable() => new(Errno.EFAULT, "data.fault", "The data cannot be read at the address given.");

    internal static uint U32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    internal static ulong U64(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]);
}

/// <summary>The array of a call that invalidates: entries of one length, one behind the other, and as much of them as could be read.</summary>
/// <param name="type">Type the caller claims.</param>
/// <param name="entryBytes">Length of an entry.</param>
/// <param name="count">Number of entries.</param>
/// <param name="readable">The bytes that can be read, from the first on.</param>
/// <param name="isNull">The caller gave no address.</param>
public readonly ref struct GuestArray(uint type, uint entryBytes, uint count, ReadOnlySpan<byte> readable, bool isNull = false)
{
    public uint Type { get; } = type;

    public uint EntryBytes { get; } = entryBytes;

    public uint Count { get; } = count;

    public ReadOnlySpan<byte> Readable { get; } = readable;

    public bool IsNull { get; } = isNull;

    public static GuestArray Of(uint type, uint entryBytes, ReadOnlySpan<byte> bytes) => new(type, entryBytes, entryBytes == 0 ? 0 : (uint)bytes.Length / entryBytes, bytes);

    /// <summary>Copies one entry in. EINVAL if entries are shorter than the oldest layout or longer than <paramref name="into"/>; EFAULT if it cannot be read.</summary>
    internal Refusal? Read(uint index, int oldestBytes, Span<byte> into)
    {
        ulong start = (ulong)index * EntryBytes;
        ulong there = (ulong)Readable.Length > start ? (ulong)Readable.Length - start : 0;
        ReadOnlySpan<byte> entry = there == 0 ? [] : Readable.Slice((int)start, (int)Math.Min(there, EntryBytes));
        return new GuestData(Type, EntryBytes, entry).Read(oldestBytes, into);
    }
}
