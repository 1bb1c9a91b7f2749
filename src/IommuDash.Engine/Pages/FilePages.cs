// Pages of a memory file (IOPT_ADDRESS_FILE): named by offset, so that they outlive the address space they were mapped from and can change hands to another payer.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Engine.Pages;

internal sealed class FilePages : IoptPages
{
    private readonly MemoryFile _file;

    /// <summary>Names bytes [start, +length) of a file, which <paramref name="payer"/> pays for; <see cref="CheckRange"/> has allowed them. Whether the file reaches that far is looked at when it is pinned.</summary>
    public FilePages(IommufdContext context, EmulatedProcess payer, MemoryFile file, ulong start, ulong length, bool writable)
        : base(context, payer, start, length, writable) => _file = file;

    public override MemoryFile? File => _file;

    /// <summary>What is checked before the file is looked up. EINVAL length 0, EOVERFLOW when the end wraps.</summary>
    public static Refusal? CheckRange(ulong start, ulong length)
    {
        if (length is 0 or > ulong.MaxValue - PhysicalMemory.FrameBytes)
            return new Refusal(Errno.EINVAL, "pages.length", length == 0 ? "The length is 0." : $"The length 0x{length:x} is larger than any file.");
        return IovaRange.TryOfLength(start, length, out _) ? null
            : new Refusal(Errno.EOVERFLOW, "pages.wrap", $"File offset 0x{start:x} + 0x{length:x} passes 2^64.");
    }

    private protected override void BeginUse() => _file.Get();

    private protected override void EndUse()
    {
        _file.Put();
        Context.Host.DropUnusedFiles();
    }

    private protected override Refusal? FaultIn(ulong index, ulong maxPages, out ReadOnlySpan<uint> frames) =>
        _file.FaultIn(AddressOf(index) >> PhysicalMemory.FrameShift, maxPages, out frames);

    private protected override Refusal? CheckSource(ulong index, ulong count) => _file.CheckAccess(AddressOf(index) >> PhysicalMemory.FrameShift, count);
}
