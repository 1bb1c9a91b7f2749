// Dirty tracking: which pages devices wrote to. The bitmap of a read stays inside the command; its answer has counts, runs and the first bytes.
using System.Numerics;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;

namespace IommuDash.Workspaces.Commands;

/// <summary>IOMMU_HWPT_SET_DIRTY_TRACKING. Switching on clears what was recorded.</summary>
public sealed record HwptSetDirtyTracking : ContextCommand
{
    public required uint Hwpt { get; init; }

    public bool Enable { get; init; } = true;

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) => new(context.HwptSetDirtyTracking(Hwpt, Enable ? SetDirtyFlags.Enable : SetDirtyFlags.None));
}

/// <summary>IOMMU_HWPT_GET_DIRTY_BITMAP: reads which pages were written to, and clears them unless told not to.</summary>
public sealed record HwptGetDirty : ContextCommand
{
    /// <summary>Bits one command may ask for: a bitmap of 1 MiB.</summary>
    public const ulong MaxBits = 8UL << 20;

    /// <summary>Dirty ranges an answer lists; it counts all.</summary>
    public const int MaxRanges = 256;

    /// <summary>Bytes of the bitmap an answer has, from its start.</summary>
    public const int MaxHexBytes = 4_096;

    public required uint Hwpt { get; init; }

    /// <summary>Address of bit 0.</summary>
    public required ulong Iova { get; init; }

    public required ulong Length { get; init; }

    /// <summary>Bytes one bit stands for; its lowest bit counts.</summary>
    public ulong PageSize { get; init; } = PhysicalMemory.FrameBytes;

    /// <summary>Leave dirty what is read.</summary>
    public bool NoClear { get; init; }

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context)
    {
        int shift = BitOperations.TrailingZeroCount(PageSize | (1UL << 63));
        byte[] bits = new byte[Length == 0 ? 0 : DirtyBitmap.BytesFor(Length, shift)];
        IommuDomain? domain = NoClear ? null : context.Objects.Find<HwptPaging>(Hwpt)?.Domain;
        ulong last = unchecked(Iova + Length - 1);
        ulong before = last < Iova ? 0 : domain?.DirtyBytes(Iova, last) ?? 0;
        if (context.HwptGetDirtyBitmap(Hwpt, NoClear ? GetDirtyFlags.NoClear : GetDirtyFlags.None, Iova, Length, PageSize, bits) is { } refusal)
            return refusal;
        var ranges = new List<IovaRange>();
        var read = new DirtyOutputs
        {
            Bits = ((Length - 1) >> shift) + 1,
            DirtyBits = DirtyBitmap.Count(bits),
            ClearedBytes = before - (domain?.DirtyBytes(Iova, last) ?? 0),
            TotalRanges = Runs(bits, shift, ranges),
            Ranges = ranges,
            Hex = Convert.ToHexStringLower(bits.AsSpan(0, Math.Min(bits.Length, MaxHexBytes))),
        };
        return new CommandOutputs { Dirty = read };
    }

    public override Refusal? Check()
    {
        int shift = BitOperations.TrailingZeroCount(PageSize | (1UL << 63));
        return Length == 0 || ((Length - 1) >> shift) < MaxBits ? null
            : new Refusal(Errno.E2BIG, "command.size", $"0x{Length:x} bytes in pages of 0x{1UL << shift:x} are more than {MaxBits:N0} bits; ask for less, or for larger pages.");
    }

    // Runs of set bits as addresses, as many as may be listed; returns how many there are.
    private int Runs(ReadOnlySpan<byte> bits, int shift, List<IovaRange> ranges)
    {
        int count = 0;
        long from = -1;
        for (long bit = 0; bit <= bits.Length * 8L; bit++)
        {
            if (from < 0 && bit % 8 == 0 && bit / 8 < bits.Length && bits[(int)(bit / 8)] == 0)
            {
                bit += 7;
                continue;
            }
            bool isSet = bit / 8 < bits.Length && (bits[(int)(bit / 8)] >> (int)(bit % 8) & 1) != 0;
            if (isSet == (from >= 0))
                continue;
            if (isSet)
            {
                from = bit;
                continue;
            }
            if (count++ < MaxRanges)
                ranges.Add(new IovaRange(Iova + ((ulong)from << shift), Iova + (Math.Min((ulong)bit << shift, Length) - 1)));
            from = -1;
        }
        return count;
    }
}

/// <summary>A device writes by DMA: to all of a range, or single bytes at places that a seed decides. Contents stay as they are; pages become dirty where that is tracked.</summary>
public sealed record DeviceDmaWrite : ContextCommand
{
    /// <summary>Longest range of one command, in bytes.</summary>
    public const ulong MaxBytes = 64UL << 30;

    /// <summary>Most scattered writes of one command.</summary>
    public const uint MaxWrites = 1 << 20;

    public required uint Device { get; init; }

    public required ulong Iova { get; init; }

    public required ulong Length { get; init; }

    /// <summary>How many scattered bytes to write; null = all of the range.</summary>
    public uint? Writes { get; init; }

    /// <summary>Decides the places of scattered writes.</summary>
    public ulong Seed { get; init; }

    private protected override CommandResult Apply(EmulatedHost host, IommufdContext context) =>
        context.DmaWrite(Device, Iova, Length, Writes is { } writes ? new ScatteredWrites(writes, Seed) : null, out ulong dirtied) is { } refusal ? refusal : new CommandOutputs { Dirty = new DirtyOutputs { DirtiedBytes = dirtied } };

    public override Refusal? Check()
    {
        if (Length > MaxBytes)
            return new Refusal(Errno.E2BIG, "command.size", $"0x{Length:x} bytes to write; one command may have 0x{MaxBytes:x}.");
        return Writes is null or <= MaxWrites ? null : new Refusal(Errno.E2BIG, "command.size", $"{Writes:N0} writes; one command may have {MaxWrites:N0}.");
    }
}
