using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Tests.Pages;

public sealed class FrameHoldersTests
{
    private const ulong Page = PhysicalMemory.FrameBytes;

    [Theory]
    [InlineData(IommuVendor.Intel)]
    [InlineData(IommuVendor.Amd)]
    [InlineData(IommuVendor.Mock)]
    public void Find_PageMappedAndCopied_NamesProcessAddressAndBothAreas(IommuVendor vendor)
    {
        (EmulatedHost host, IommufdContext context, EmulatedProcess process) = TestHosts.Start(TestHosts.Describe(vendor));
        using EmulatedHost _ = host;
        uint hwptId = Attached(context, host, out uint ioasId);
        ulong iova = 0;
        Assert.Null(context.IoasMap(process, ioasId, MapFlags.Readable | MapFlags.Writeable, TestHosts.Scattered, 8 * Page, ref iova));
        ulong copy = 0;
        Assert.Null(context.IoasCopy(ioasId, ioasId, MapFlags.Readable, iova + (2 * Page), 4 * Page, ref copy));
        uint pfn = FrameAt(context, hwptId, iova + (3 * Page));

        var found = FrameHolders.Find(host, pfn, maxListed: 10);

        Assert.Equal(1u, found.Pins);
        FrameMapping mapping = Assert.Single(found.Mappings);
        Assert.Equal((process, TestHosts.Scattered + (3 * Page)), (mapping.Process, mapping.Address));
        Assert.Equal(2, found.AreaCount);
        Assert.Single(found.Pages);
        Assert.Equal(new[] { iova + (3 * Page), copy + Page }.Order(), found.Areas.Select(static area => area.Iova).Order());
        Assert.True(found.IsComplete);
        Assert.Single(FrameHolders.Find(host, pfn, maxListed: 1).Areas);
    }

    [Fact]
    public void Find_MemoryUnmappedWhilePinned_FindsTheAreaByItsTable()
    {
        (EmulatedHost host, IommufdContext context, EmulatedProcess process) = TestHosts.Start(TestHosts.Describe(IommuVendor.Intel));
        using EmulatedHost _ = host;
        uint hwptId = Attached(context, host, out uint ioasId);
        ulong iova = 0;
        Assert.Null(context.IoasMap(process, ioasId, MapFlags.Readable, TestHosts.Buffer, 8 * Page, ref iova));
        uint pfn = FrameAt(context, hwptId, iova + (5 * Page));
        Assert.Null(host.UnmapMemory(process.Pid, TestHosts.Buffer));
        Assert.Null(host.MapMemory(process.Pid, new MemoryDescription { Start = TestHosts.Buffer, LengthBytes = 8 * Page }));

        var found = FrameHolders.Find(host, pfn, maxListed: 10);

        Assert.Empty(found.Mappings);
        Assert.True(host.Memory.IsOrphaned(pfn));
        Assert.Equal(iova + (5 * Page), Assert.Single(found.Areas).Iova);
    }

    [Fact]
    public void Find_SharedFile_NamesBothProcessesAndOnlyTheAreaOfThePinner()
    {
        (EmulatedHost host, IommufdContext context, EmulatedProcess process) = TestHosts.Start(TestHosts.Describe(IommuVendor.Amd));
        using EmulatedHost _ = host;
        const ulong FileAt = 0x6000_0000_0000;
        var shared = new MemoryDescription { Start = FileAt, LengthBytes = 4 * Page, File = "/dev/shm/ring", Shared = true };
        Assert.Null(host.MapMemory(process.Pid, shared));
        Assert.Null(host.CreateProcess(new ProcessDescription { Pid = 200, Name = "peer", Memory = [shared with { Start = FileAt + Page, FileOffset = Page, LengthBytes = 2 * Page }] }));
        uint hwptId = Attached(context, host, out uint ioasId);
        ulong iova = 0;
        Assert.Null(context.IoasMap(process, ioasId, MapFlags.Readable, FileAt, 4 * Page, ref iova));

        var found = FrameHolders.Find(host, FrameAt(context, hwptId, iova + (2 * Page)), maxListed: 10);

        Assert.Equal([(TestHosts.Pid, FileAt + (2 * Page)), (200, FileAt + (2 * Page))], found.Mappings.Select(static m => (m.Process.Pid, m.Address)));
        Assert.Equal(process, Assert.Single(found.Areas).Pages.Source);
    }

    [Fact]
    public void Find_FrameOfATable_NamesHwptAndLevel()
    {
        (EmulatedHost host, IommufdContext context, EmulatedProcess process) = TestHosts.Start(TestHosts.Describe(IommuVendor.Intel));
        using EmulatedHost _ = host;
        uint hwptId = Attached(context, host, out uint ioasId);
        ulong iova = 0;
        Assert.Null(context.IoasMap(process, ioasId, MapFlags.Readable, TestHosts.Scattered, Page, ref iova));
        HwptPaging hwpt = context.Objects.Find<HwptPaging>(hwptId)!;
        var steps = new Engine.PageTables.WalkStep[6];
        int levels = hwpt.Domain.Walk(iova, steps);

        foreach (Engine.PageTables.WalkStep step in steps[..levels])
        {
            var found = FrameHolders.Find(host, (uint)(step.TablePhysical / Page), maxListed: 1);
            Assert.Equal(new FrameOfTable(hwpt, step.Level), found.Table);
        }
    }

    [Fact]
    public void Usage_AfterMapAndUnmapOfMemory_CountsPinnedAndOrphaned()
    {
        (EmulatedHost host, IommufdContext context, EmulatedProcess process) = TestHosts.Start(TestHosts.Describe(IommuVendor.Intel));
        using EmulatedHost _ = host;
        Attached(context, host, out uint ioasId);
        ulong iova = 0;
        Assert.Null(context.IoasMap(process, ioasId, MapFlags.Readable, TestHosts.Buffer, 100 * Page, ref iova));
        Assert.Null(context.IoasMap(process, ioasId, MapFlags.Readable, TestHosts.Buffer, 10 * Page, ref iova));
        Assert.Null(host.UnmapMemory(process.Pid, TestHosts.Buffer));

        FrameUsage all = host.Memory.Usage(0, host.Memory.FrameCount);

        Assert.Equal(new FrameUsage(host.Memory.FramesInUse, 100, 100, 2), all);
        Assert.True(host.Memory.TryPinnedExtent(out uint lowest, out uint highest));
        Assert.Equal(100u, host.Memory.Usage(lowest, highest - lowest + 1).Pinned);
        Assert.Equal(0u, host.Memory.Usage(highest + 1, uint.MaxValue).Pinned);
        Assert.Equal(all.Pinned, host.Memory.Usage(0, lowest + 33).Pinned + host.Memory.Usage(lowest + 33, host.Memory.FrameCount).Pinned);
    }

    private static uint Attached(IommufdContext context, EmulatedHost host, out uint ioasId)
    {
        Assert.Null(context.IoasAlloc(out ioasId));
        Assert.Null(context.Bind(host.FindDevice("0000:01:00.0")!, out Device? device));
        Assert.Null(context.Attach(device!.Id, ioasId, out uint hwptId));
        return hwptId;
    }

    private static uint FrameAt(IommufdContext context, uint hwptId, ulong iova)
    {
        Assert.True(context.Objects.Find<HwptPaging>(hwptId)!.Domain.TryTranslate(iova, out ulong physical));
        return (uint)(physical / Page);
    }
}
