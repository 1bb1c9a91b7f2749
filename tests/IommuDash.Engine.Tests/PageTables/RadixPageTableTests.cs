using IommuDash.Engine.Hardware;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Tests.PageTables;

public sealed class RadixPageTableTests : IDisposable
{
    private const IommuProt ReadWrite = TestTables.ReadWrite;
    private const ulong Page = 4096;
    private const ulong Huge = 2 * TestTables.MiB;
    private readonly PhysicalMemory _memory = new(64 * TestTables.MiB);

    public void Dispose() => _memory.Dispose();

    [Theory]
    [InlineData(0UL, 0UL, Page, IommuProt.Cache, Errno.EINVAL)]
    [InlineData(1UL, 1UL << 52, 0UL, IommuProt.None, Errno.EINVAL)]
    [InlineData(1UL, 1UL << 52, 0UL, ReadWrite, Errno.ERANGE)]
    [InlineData(1UL, (1UL << 52) - Page, 2 * Page, ReadWrite, Errno.ERANGE)]
    [InlineData(1UL, 1UL, 0UL, ReadWrite, Errno.EINVAL)]
    [InlineData(ulong.MaxValue, 1UL, 2UL, ReadWrite, Errno.EOVERFLOW)]
    [InlineData(1UL << 50, 1UL, Page, ReadWrite, Errno.ENXIO)]
    [InlineData(1UL, 0UL, Page, ReadWrite, Errno.ENXIO)]
    [InlineData(0UL, 0UL, Page + 1, ReadWrite, Errno.ENXIO)]
    [InlineData(1UL << 48, 0UL, Page, ReadWrite, Errno.ERANGE)]
    [InlineData((1UL << 48) - Page, 0UL, 2 * Page, ReadWrite, Errno.ERANGE)]
    public void Map_BadRequest_GivesTheFirstErrorInOrder(ulong iova, ulong physical, ulong bytes, IommuProt prot, Errno expected)
    {
        using IommuDomain domain = TestTables.Create(_memory, "vtd");
        Assert.Equal(Errno.None, domain.Map(0x10_0000, 0, Page, ReadWrite));
        Assert.Equal(expected, domain.Map(iova, physical, bytes, prot));
        Assert.Equal(expected, domain.MapRuns(iova, [new PhysicalRun(physical, bytes)], prot));
        Assert.Equal(Page, domain.MappedBytes);
    }

    [Fact]
    public void Map_SmallestSizeBelowTheGranule_IsMisaligned()
    {
        using IommuDomain domain = TestTables.Create(_memory, "vtd");
        Assert.Equal(Errno.ENXIO, domain.Map(0, 0, Page, ReadWrite, maxPageShift: 11));
    }

    [Theory]
    [InlineData("vtd")]
    [InlineData("amd")]
    [InlineData("mock")]
    [InlineData("mock-huge")]
    public void Map_SomethingInTheMiddle_IsUndone(string kind)
    {
        using IommuDomain domain = TestTables.Create(_memory, kind);
        Assert.Equal(Errno.None, domain.Map(0x4000_0000 + (3 * Huge), 0x100_0000, Page, ReadWrite));
        Assert.Equal(Errno.EADDRINUSE, domain.Map(0x4000_0000 + Page, 0x2000_0000, 4 * Huge, ReadWrite));
        Assert.Equal(Page, domain.MappedBytes);
        Assert.Equal(Page, domain.Unmap(0x4000_0000 + (3 * Huge), Page));
        Assert.Equal(Errno.None, domain.Map(0x4000_0000 + Page, 0x2000_0000, 4 * Huge, ReadWrite));
    }

    [Theory]
    [InlineData("vtd")]
    [InlineData("amd")]
    [InlineData("mock")]
    [InlineData("mock-huge")]
    public void MapRuns_MemoryRunsOut_IsUndoneAndWorksOnceThereIsMemory(string kind)
    {
        IommuDomain domain = TestTables.Create(_memory, kind);
        uint framesOfTheTop = _memory.FramesInUse;
        var kept = new Stack<uint>();
        while (_memory.TryAllocate(out uint pfn))
            kept.Push(pfn);
        var runs = new PhysicalRun[2000];
        for (int i = 0; i < runs.Length; i++)
            runs[i] = new PhysicalRun((ulong)(runs.Length - i) * 2 * Page, Page);

        // One more frame each time: the call fails one table later, until it succeeds.
        int failures = 0;
        for (Errno errno = Errno.ENOMEM; errno != Errno.None; failures++)
        {
            errno = domain.MapRuns(0x4000_0000, runs, ReadWrite);
            if (errno == Errno.None)
                break;
            Assert.Equal(Errno.ENOMEM, errno);
            Assert.Equal(0UL, domain.MappedBytes);
            Assert.Empty(domain.LeafCounts());
            _memory.Free(kept.Pop());
        }
        Assert.True(failures >= 4);
        Assert.Equal(2000 * Page, domain.MappedBytes);
        domain.Dispose();
        while (kept.TryPop(out uint pfn))
            _memory.Free(pfn);
        Assert.Equal(framesOfTheTop - 1, _memory.FramesInUse);
    }

    [Fact]
    public void Map_GrowingTwiceWithOneFrameLeft_KeepsTheOldTop()
    {
        using IommuDomain domain = TestTables.Create(_memory, "amd");
        ulong root = domain.RootPhysical;
        uint kept = 0;
        while (_memory.TryAllocate(out uint pfn))
            kept = pfn;
        _memory.Free(kept);
        uint frames = _memory.FramesInUse;
        Assert.Equal(Errno.ENOMEM, domain.Map(1UL << 60, 0, Page, ReadWrite));
        Assert.Equal((3, root, frames), (domain.Levels, domain.RootPhysical, _memory.FramesInUse));
    }

    [Fact]
    public void Map_LastGranuleOf64Bits_Works()
    {
        using IommuDomain domain = TestTables.Create(_memory, "amd");
        Assert.Equal(IovaRange.Whole, domain.Aperture);
        const ulong LastHuge = ulong.MaxValue - Huge + 1;
        Assert.Equal(Errno.None, domain.Map(LastHuge - Page, 0x40_0000 - Page, Huge + Page, ReadWrite));
        Assert.Equal(6, domain.Levels);
        Assert.True(domain.TryTranslate(ulong.MaxValue, out ulong physical));
        Assert.Equal(0x5F_FFFFUL, physical);
        var runs = new PhysicalRun[4];
        Assert.Equal(1, domain.ReadRuns(LastHuge - 1, ulong.MaxValue, runs));
        Assert.Equal(new PhysicalRun(0x40_0000 - 1, Huge + 1), runs[0]);
        Assert.Equal(Errno.EOVERFLOW, domain.MapRuns(LastHuge, [new PhysicalRun(0, Huge), new PhysicalRun(0, Page)], ReadWrite));
        Assert.Equal(Huge + Page, domain.Unmap(LastHuge - Page, Huge + Page));
        Assert.Equal(0UL, domain.MappedBytes);
    }

    [Theory]
    [InlineData("vtd")]
    [InlineData("amd")]
    public void Unmap_StartInsideALargerLeaf_RemovesNothing(string kind)
    {
        using IommuDomain domain = TestTables.Create(_memory, kind);
        Assert.Equal(Errno.None, domain.Map(Huge, Huge, Huge, ReadWrite));
        Assert.Equal(0UL, domain.Unmap(Huge + Page, Page));
        Assert.Equal(Huge, domain.MappedBytes);
    }

    [Theory]
    [InlineData("vtd")]
    [InlineData("amd")]
    public void Unmap_EndInsideALargerLeaf_RemovesItWhole(string kind)
    {
        using IommuDomain domain = TestTables.Create(_memory, kind);
        Assert.Equal(Errno.None, domain.Map(Huge - Page, Huge - Page, Huge + Page, ReadWrite));
        Assert.Equal(Page + Huge, domain.Unmap(Huge - Page, 2 * Page));
        Assert.Equal(0UL, domain.MappedBytes);
    }

    [Fact]
    public void Unmap_AHole_StopsThere()
    {
        using IommuDomain domain = TestTables.Create(_memory, "vtd");
        Assert.Equal(Errno.None, domain.Map(0, 0, 5 * Page, ReadWrite));
        Assert.Equal(Errno.None, domain.Map(6 * Page, 0, Page, ReadWrite));
        Assert.Equal(5 * Page, domain.Unmap(0, TestTables.GiB));
        Assert.Equal(Page, domain.MappedBytes);
    }

    [Fact]
    public void Unmap_WholeTable_FreesItAndPartlyCoveredStays()
    {
        using IommuDomain domain = TestTables.Create(_memory, "vtd");
        Assert.Equal(Errno.None, domain.Map(0, Page, 2 * Huge, ReadWrite));
        Assert.Equal(2, domain.TableCount(0));
        Assert.Equal(5 * Page, domain.TableBytes);
        Assert.Equal(Huge + Page, domain.Unmap(0, Huge + Page));
        Assert.Equal(1, domain.TableCount(0));
        Assert.Equal(Huge - Page, domain.Unmap(Huge + Page, Huge - Page));
        Assert.Equal(1, domain.TableCount(0));
        Assert.Equal(0UL, domain.MappedBytes);
    }

    [Theory]
    [InlineData("vtd")]
    [InlineData("amd")]
    public void Map_LargeLeafOverEmptyTables_FreesThem(string kind)
    {
        using IommuDomain domain = TestTables.Create(_memory, kind);
        Assert.Equal(Errno.None, domain.Map(TestTables.GiB + Page, 0, Page, ReadWrite));
        Assert.Equal(Page, domain.Unmap(TestTables.GiB + Page, Page));
        Assert.Equal((1, 1), (domain.TableCount(0), domain.TableCount(1)));
        Assert.Equal(Errno.None, domain.Map(TestTables.GiB, TestTables.GiB, TestTables.GiB, ReadWrite));
        Assert.Equal((0, 0), (domain.TableCount(0), domain.TableCount(1)));

        // The cursor's table is gone: the same addresses must now be found in the large leaf.
        Assert.True(domain.TryTranslate(TestTables.GiB + Page, out ulong physical));
        Assert.Equal(TestTables.GiB + Page, physical);
        Assert.Equal(Errno.EADDRINUSE, domain.Map(TestTables.GiB + Page, 0, Page, ReadWrite));
    }

    [Fact]
    public void Map_LargePagesOff_UsesGranulesOnly()
    {
        using IommuDomain domain = TestTables.Create(_memory, "amd");
        Assert.Equal(Errno.None, domain.Map(0, 0, Huge, ReadWrite, maxPageShift: 12));
        Assert.Equal([(12, 512L)], domain.LeafCounts());
    }

    [Fact]
    public void TryEnforceCoherency_OnceSomethingIsMapped_IsRefused()
    {
        using IommuDomain domain = TestTables.Create(_memory, "vtd");
        Assert.Equal(Errno.None, domain.Map(0, 0, Page, ReadWrite));
        Assert.False(domain.TryEnforceCoherency());
        Assert.False(domain.EnforcesCoherency);
        domain.Unmap(0, Page);
        Assert.True(domain.TryEnforceCoherency());
        Assert.Equal(Errno.None, domain.Map(0, 0, Page, ReadWrite));
        Assert.True(domain.TryEnforceCoherency());
    }

    [Theory]
    [InlineData("vtd")]
    [InlineData("amd")]
    [InlineData("mock")]
    public void MapReadUnmap_WithinATable_AllocatesNothing(string kind)
    {
        using IommuDomain domain = TestTables.Create(_memory, kind);
        var runs = new PhysicalRun[16];
        MapReadUnmap(domain, runs);
        long before = GC.GetAllocatedBytesForCurrentThread();
        MapReadUnmap(domain, runs);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static void MapReadUnmap(IommuDomain domain, PhysicalRun[] runs)
    {
        Errno errno = Errno.None;
        ulong seen = 0;
        for (ulong i = 0; i < 1000; i++)
        {
            errno |= domain.Map(0x4000_0000 + (i * Page), (2000 - i) * 2 * Page, Page, ReadWrite);
            errno |= domain.Map(0x5000_0000 + (i * Huge / 8), 0x4000_0000 + (i * Huge / 8), Huge / 8, ReadWrite);
        }
        seen += (ulong)domain.ReadRuns(0x4000_0000, 0x4000_0000 + (1000 * Page) - 1, runs);
        seen += domain.Unmap(0x4000_0000, 1000 * Page) + domain.Unmap(0x5000_0000, 1000 * Huge / 8);
        if (errno != Errno.None || seen != 16 + (1000 * Page) + (1000 * Huge / 8))
            Assert.Fail($"{errno}, {seen}");
    }
}
