using IommuDash.Engine.Hardware;
using IommuDash.Engine.Pages;
using IommuDash.Engine.Tests.Iommufd;
using static IommuDash.Engine.Tests.Iommufd.Rig;

namespace IommuDash.Engine.Tests.Hardware;

public sealed class EmulatedHostTests
{
    private const ulong Max = ulong.MaxValue;

    [Fact]
    public void CreateProcess_WithAMappingThatDoesNotFit_LeavesNothing()
    {
        using var rig = new Rig();
        rig.Refused(Errno.EEXIST, () => rig.Host.CreateProcess(new ProcessDescription { Pid = TestHosts.Pid, Name = "twice" }));
        rig.Refused(Errno.EINVAL, () => rig.Host.CreateProcess(new ProcessDescription { Pid = 0, Name = "zero" }));
        rig.Refused(Errno.EEXIST, () => rig.Host.CreateProcess(new ProcessDescription
        {
            Pid = 7,
            Name = "overlapping",
            Uid = 77,
            Memory = [new() { Start = 0x10000, LengthBytes = 4 * Page, File = "new", Shared = true }, new() { Start = 0x12000, LengthBytes = Page }],
        }));
        Assert.Null(rig.Host.FindProcess(7));
        Assert.DoesNotContain(rig.Host.Users, u => u.Uid == 77);
        Assert.DoesNotContain(rig.Host.Files, f => f.Name == "new");
    }

    [Theory]
    [InlineData(Max, 1)]
    [InlineData(Max - 4095, 4096)]
    [InlineData(Max - 4095, 8192)]
    [InlineData(0UL, 1)]
    [InlineData(0x7fff_ffff_f000UL, 16)]
    [InlineData(TestHosts.ReadOnly, 1)]
    [InlineData(Holed + 0x1fff, 2)]
    public void WriteMemory_WhereTheProcessMayNot_IsEfaultAndWritesNothing(ulong address, int length)
    {
        using var rig = new Rig();
        rig.Refused(Errno.EFAULT, () => rig.Host.WriteMemory(TestHosts.Pid, address, Enumerable.Repeat((byte)1, length).ToArray()));
        var before = new byte[1];
        Assert.Null(rig.Process.Memory.Read(Holed + 0x1fff, before));
        Assert.Equal(0, before[0]);
    }

    [Fact]
    public void SharedFile_TwoProcesses_SeeEachOthersBytesAndPinTheSameFrame()
    {
        using var rig = new Rig(Domains.Mock);
        var shared = new MemoryDescription { Start = 0x20000, LengthBytes = 2 * Page, File = "shared", Shared = true };
        Assert.Null(rig.Host.MapMemory(TestHosts.Pid, shared));
        Assert.Null(rig.Host.MapMemory(Sibling, shared with { Start = 0x40000, LengthBytes = Page, FileOffset = Page }));
        Assert.Null(rig.Host.WriteMemory(TestHosts.Pid, 0x21000, [5]));
        var read = new byte[1];
        Assert.Null(rig.Host.FindProcess(Sibling)!.Memory.Read(0x40000, read));
        Assert.Equal(5, read[0]);
        rig.Mapped(0x21000, Page, Base);
        rig.Mapped(0x40000, Page, Base + Page, by: rig.Host.FindProcess(Sibling));
        Assert.Equal(1u, rig.Pinned);
        Assert.Equal(2UL, rig.Process.User.LockedPages);
        rig.Unmapped(Base, Page);
        Assert.Equal(1u, rig.Pinned);
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Scattered_TouchedInAnyOrder_NeverGivesNeighbouringPagesNeighbouringFrames()
    {
        using var memory = new PhysicalMemory(64UL << 20);
        var table = new FrameTable(FrameLayout.Scattered);
        ulong[] order = [.. Enumerable.Range(0, 2_000).Select(i => (ulong)i)];
        new Random(5).Shuffle(order);
        foreach (ulong index in order)
            Assert.True(table.TryTouch(memory, index, out _));
        for (ulong index = 1; index < 2_000; index++)
            Assert.NotEqual(table.Peek(index - 1) + 1, table.Peek(index));
        table.Release(memory, 0, Max);
        Assert.Equal((1u, 0UL), (memory.FramesInUse, table.TouchedPages));
    }

    [Fact]
    public void PhysicalMemory_OfTheLargestSize_CountsItsFrames()
    {
        using var memory = new PhysicalMemory(PhysicalMemory.MaxBytes);
        Assert.Equal(PhysicalMemory.MaxBytes, (ulong)memory.FrameCount << PhysicalMemory.FrameShift);
        Assert.True(memory.TryAllocateTable(out uint pfn));
        Assert.Equal(memory.FrameCount - 1, pfn);
    }

    [Fact]
    public void PhysicalMemory_OfAnImpossibleSize_ThrowsAndItsFinalizerIsHarmless()
    {
        foreach (ulong size in (ulong[])[0, 4096, PhysicalMemory.MaxBytes + (2UL << 20)])
            Assert.Throws<ArgumentOutOfRangeException>(() => new PhysicalMemory(size));
        // An exception of a finalizer would end the process here.
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    [Fact]
    public void OpenContext_AboveTheCap_IsEnomemAndFdsAreReused()
    {
        using var rig = new Rig(limits: new EngineLimits { Contexts = 2 });
        Assert.Null(rig.Host.OpenContext(Sibling, out var second));
        rig.Refused(Errno.ENOMEM, () => rig.Host.OpenContext(Sibling, out _));
        Assert.Null(rig.Host.CloseContext(1));
        Assert.Null(rig.Host.OpenContext(Sibling, out var third));
        Assert.Equal((2, 1), (second!.Fd, third!.Fd));
        Assert.Null(rig.Host.ExitProcess(Sibling));
        Assert.Empty(rig.Host.Contexts);
    }

    [Fact]
    public void CreateProcess_AtTheCap_CountsLivingOnesAndForgetsTheFirstThatExited()
    {
        using var host = new EmulatedHost(new HostDescription { Name = "processes", MemoryBytes = 64UL << 20 }, new EngineLimits { Processes = 2, ExitedProcesses = 2 });
        Refusal? Create(int pid) => host.CreateProcess(new ProcessDescription { Pid = pid, Name = $"p{pid}" });
        Assert.Null(Create(1));
        for (int pid = 9; pid >= 5; pid--)
        {
            Assert.Null(Create(pid));
            Assert.Equal((Errno.ENOMEM, "limit.Processes"), (Create(100)!.Errno, Create(100)!.Rule));
            Assert.Null(host.ExitProcess(pid));
        }
        Assert.Equal([1, 5, 6], host.Processes.Select(process => process.Pid));
        Assert.Equal(Errno.EEXIST, Create(5)!.Errno);
        Assert.Null(Create(9));
        Assert.True(host.FindProcess(9)!.Memory.IsAlive);
    }
}
