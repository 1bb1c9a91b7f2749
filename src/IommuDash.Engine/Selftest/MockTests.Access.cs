// Test operations on emulated devices: they pin, compare, read and write through an access file. The file stands for its descriptor; null = the caller's number is no such file.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Selftest;

public sealed partial class MockTests
{
    private const ulong MaxAccessBytes = 16UL << 20;

    /// <summary>CREATE_ACCESS. EOPNOTSUPP flags beyond needs-pin 1; ENOENT no such IOAS; EADDRINUSE.</summary>
    public Refusal? CreateAccess(EmulatedProcess opener, uint ioasId, uint flags, out AccessFile? file)
    {
        file = null;
        return (flags & ~1u) != 0 ? UnknownFlags(flags & ~1u) : AccessFile.Open(context, opener, ioasId, needsPinPages: flags != 0, out file);
    }

    /// <summary>
    /// ACCESS_PAGES: pins [iova, +length) and, unless <paramref name="userAddress"/> is 0, compares the frames with the caller's there. ENOMEM above 16 MiB; EOPNOTSUPP unknown flags; EBADFD no such file;
    /// EOPNOTSUPP it does not pin; the errors of pinning; EFAULT, EBADE the caller has no memory there, or another: then nothing stays pinned.
    /// </summary>
    public static Refusal? AccessPages(AccessFile? file, EmulatedProcess caller, AccessFlags flags, ulong iova, ulong length, ulong userAddress, out uint itemId)
    {
        itemId = 0;
        if (length > MaxAccessBytes)
            return TooLong(length);
        if ((flags & ~AccessFlags.Write) != 0)
            return UnknownFlags((uint)(flags & ~AccessFlags.Write));
        if (file is not { IsOpen: true })
            return NoFile();
        if (!file.Access.NeedsPinPages)
            return new Refusal(Errno.EOPNOTSUPP, "test.access.kind", $"Access {file.Access.Id} was not made for pinning.");
        if (file.Pin(iova, length, flags, out AccessItem? item, frames => userAddress == 0 ? null : CheckFrames(caller, userAddress - (iova & PageMask), frames)) is { } refused)
            return refused;
        itemId = item!.Id;
        return null;
    }

    /// <summary>DESTROY_ACCESS_PAGES. EBADFD no such file; ENOENT no such item.</summary>
    public static Refusal? DestroyAccessPages(AccessFile? file, uint itemId) => file is { IsOpen: true } ? file.Unpin(itemId) : NoFile();

    /// <summary>ACCESS_REPLACE_IOAS: what was pinned through the old IOAS is given back. EBADFD no such file; the errors of replace.</summary>
    public static Refusal? AccessReplaceIoas(AccessFile? file, uint ioasId) => file is { IsOpen: true } ? file.Access.Replace(ioasId) : NoFile();

    /// <summary>ACCESS_RW. ENOMEM above 16 MiB; EOPNOTSUPP unknown flags; EBADFD no such file; the errors of rw. The caller copies in before and out after.</summary>
    public static Refusal? AccessRw(AccessFile? file, EmulatedProcess caller, ulong iova, Span<byte> buffer, AccessFlags flags) =>
        CheckAccessRw(file, (ulong)buffer.Length, flags) ?? file!.Access.ReadWrite(caller, iova, buffer, flags);

    /// <summary>What ACCESS_RW checks before it looks at the caller's memory.</summary>
    public static Refusal? CheckAccessRw(AccessFile? file, ulong length, AccessFlags flags)
    {
        const AccessFlags Known = AccessFlags.Write | AccessFlags.SlowPath;
        if (length > MaxAccessBytes)
            return TooLong(length);
        if ((flags & ~Known) != 0)
            return UnknownFlags((uint)(flags & ~Known));
        return file is { IsOpen: true } ? null : NoFile();
    }

    private static Refusal? CheckFrames(EmulatedProcess caller, ulong userAddress, IReadOnlyList<uint> frames)
    {
        for (int i = 0; i < frames.Count; i++)
        {
            ulong at = userAddress + ((ulong)i << PhysicalMemory.FrameShift);
            if (caller.Memory.Peek(at, out uint pfn, out _) is { } fault)
                return fault;
            if (pfn != frames[i])
                return new Refusal(Errno.EBADE, "test.frames", $"The page at 0x{at:x} is frame 0x{pfn:x}, pinned is frame 0x{frames[i]:x}.");
        }
        return null;
    }

    private static Refusal TooLong(ulong length) => new(Errno.ENOMEM, "test.access.length", $"0x{length:x} bytes are more than the test takes, 16 MiB.");

    private static Refusal UnknownFlags(uint bits) => new(Errno.EOPNOTSUPP, "test.flags", $"Flag bits 0x{bits:x} are unknown.");

    private static Refusal NoFile() => new(Errno.EBADFD, "test.access.file", "The descriptor is not an open access.");
}
