using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Tests.Hardware;

public sealed class PhysicalMemoryTests
{
    private const ulong EightMiB = 8UL << 20;

    [Fact]
    public void TryAllocate_InARow_GivesNeighboursAndNeverFrameZero()
    {
        using var memory = new PhysicalMemory(EightMiB);
        Assert.True(memory.TryAllocate(out uint first));
        Assert.True(memory.TryAllocate(out uint second));
        Assert.Equal((1u, 2u), (first, second));
    }

    [Fact]
    public void TryAllocate_UntilFull_GivesEveryFrameOnce()
    {
        using var memory = new PhysicalMemory(EightMiB);
        var seen = new HashSet<uint>();
        while (memory.TryAllocate(out uint pfn))
            Assert.True(seen.Add(pfn));
        Assert.Equal(memory.FrameCount - 1, (uint)seen.Count);
        Assert.False(memory.TryAllocateTable(out _));
        memory.Free(77);
        Assert.True(memory.TryAllocateTable(out uint again));
        Assert.Equal(77u, again);
    }

    [Fact]
    public void TryAllocateHuge_AfterOneSmall_TakesTheNextAlignedBlock()
    {
        using var memory = new PhysicalMemory(EightMiB);
        Assert.True(memory.TryAllocateHuge(out uint pfn));
        Assert.Equal(512u, pfn);
    }

    [Fact]
    public void TryAllocate_ReusedFrame_ReadsZero()
    {
        using var memory = new PhysicalMemory(EightMiB);
        Assert.True(memory.TryAllocate(out uint pfn));
        Assert.True(memory.TryMarkWritten(pfn));
        memory.Write(pfn).Fill(0xAB);
        memory.Free(pfn);
        Assert.True(memory.TryAllocate(out uint again));
        Assert.Equal(pfn, again);
        Assert.False(memory.Read(again).ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void TryMarkWritten_AboveTheCap_IsRefused()
    {
        using var memory = new PhysicalMemory(EightMiB, maxWrittenBytes: PhysicalMemory.FrameBytes);
        Assert.True(memory.TryMarkWritten(5));
        Assert.True(memory.TryMarkWritten(5));
        Assert.False(memory.TryMarkWritten(6));
    }

    [Fact]
    public void Unpin_MoreThanPinned_Throws()
    {
        using var memory = new PhysicalMemory(EightMiB);
        memory.Pin(3, 2);
        Assert.Equal(2u, memory.PinnedFrames);
        memory.Unpin(3, 2);
        Assert.Equal(0u, memory.PinnedFrames);
        Assert.Throws<InvalidOperationException>(() => memory.Unpin(3, 1));
    }
}
