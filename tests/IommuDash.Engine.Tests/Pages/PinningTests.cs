using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;
using IommuDash.Engine.Pages;
using IommuDash.Engine.Tests.Iommufd;
using static IommuDash.Engine.Tests.Iommufd.Rig;

namespace IommuDash.Engine.Tests.Pages;

public sealed class PinningTests
{
    [Fact]
    public void Map_WithoutDomain_PinsNothingHoweverBadTheMemory()
    {
        using var rig = new Rig();
        rig.Mapped(1UL << 31, 8 * Page, Base);
        rig.Mapped(Holed, 5 * Page, Base + (16 * Page));
        Assert.Equal(0u, rig.Pinned);
        Device device = rig.Bound("mock0");
        rig.Refused(Errno.EFAULT, () => rig.Context.Attach(device.Id, rig.Ioas, out _));
        rig.Refused(Errno.EFAULT, () => rig.Context.HwptAlloc(device.Id, rig.Ioas, 0, 0, out _));
        rig.Unmapped(Base, 8 * Page);
        rig.Refused(Errno.EFAULT, () => rig.Context.Attach(device.Id, rig.Ioas, out _));
        Assert.Null(rig.Host.MapMemory(TestHosts.Pid, new MemoryDescription { Start = Holed + (2 * Page), LengthBytes = Page }));
        Assert.Null(rig.Context.Attach(device.Id, rig.Ioas, out _));
        Assert.Equal(5u, rig.Pinned);
    }

    [Fact]
    public void Attach_AfterMemoryWasRemapped_PinsWhatIsThereNow()
    {
        using var rig = new Rig();
        Assert.Null(rig.Host.WriteMemory(TestHosts.Pid, Holed, [1]));
        rig.Mapped(Holed, Page, Base);
        Assert.Null(rig.Host.UnmapMemory(TestHosts.Pid, Holed));
        Assert.Null(rig.Host.MapMemory(TestHosts.Pid, new MemoryDescription { Start = Holed, LengthBytes = Page }));
        Assert.Null(rig.Host.WriteMemory(TestHosts.Pid, Holed, [2]));
        rig.Attached("mock0");
        Assert.Equal(2, ReadThrough(rig, Base));
    }

    [Fact]
    public void Unmap_ByTheProcessWhilePinned_KeepsTheFrameUntilTheLastUnpin()
    {
        using var rig = new Rig(Domains.Mock);
        Assert.Null(rig.Host.WriteMemory(TestHosts.Pid, Holed, [7]));
        rig.Mapped(Holed, 2 * Page, Base);
        Assert.Null(rig.Host.UnmapMemory(TestHosts.Pid, Holed));
        Assert.Equal(2u, rig.Host.Memory.OrphanedFrames);
        Assert.Equal(7, ReadThrough(rig, Base));
        rig.Unmapped(Base, 2 * Page);
        Assert.Equal(0u, rig.Host.Memory.OrphanedFrames);
    }

    [Fact]
    public void Pin_PrivateFilePageReadOnly_DetachesItFromTheFileUpFront()
    {
        using var rig = new Rig(Domains.Mock);
        rig.Mapped(PrivateFile, Page, Base, MapFlags.Readable);
        IommuDomain domain = rig.Object.Pagetable.Domains[0];
        Assert.True(domain.TryTranslate(Base, out ulong before));
        Assert.Null(rig.Host.WriteMemory(TestHosts.Pid, PrivateFile, [9]));
        Assert.True(domain.TryTranslate(Base, out ulong after));
        Assert.Equal(before, after);
        Assert.Equal(before, IoasMapTests.FrameOf(rig.Process, PrivateFile));
        Assert.Equal(9, ReadThrough(rig, Base));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Memlock_IsCheckedForTheNetChangeAgainstWhoPays(bool mm)
    {
        using var rig = new Rig(memlockBytes: (8 * Page) + 100);
        Assert.Null(rig.Context.Destroy(rig.Ioas));
        Assert.Null(rig.Context.OptionSet(rig.Process, IommufdOption.RlimitMode, 0, mm ? 1u : 0));
        Assert.Equal(rig.Ioas, rig.NewIoas());
        rig.Attached("mock0");
        EmulatedProcess sibling = rig.Host.FindProcess(Sibling)!;
        rig.Refused(Errno.ENOMEM, () => rig.Map(TestHosts.Buffer, 9 * Page));
        rig.Refused(Errno.ENOMEM, () => rig.Map(TestHosts.Buffer + 2048, 8 * Page));
        ulong iova = rig.Mapped(TestHosts.Buffer, 5 * Page);
        rig.Copied(iova, 5 * Page);
        Assert.Equal((mm ? 0UL : 5, 5UL, mm ? 5UL : 0), (rig.Process.User.LockedPages, rig.Process.Memory.PinnedPages, rig.Process.Memory.LockedPages));
        rig.Refused(Errno.ENOMEM, () => rig.Map(TestHosts.Buffer, 4 * Page));
        if (mm)
            rig.Mapped(TestHosts.Buffer, 8 * Page, by: sibling);
        else
            rig.Refused(Errno.ENOMEM, () => rig.Map(TestHosts.Buffer, 4 * Page, by: sibling));
        rig.Mapped(TestHosts.Buffer, 3 * Page);
        Assert.Equal(mm ? 0UL : 8, rig.Process.User.LockedPages);
        rig.AssertNothingLeftAfterClose();
    }

    [Theory]
    [InlineData(Domains.Mock)]
    [InlineData(Domains.TwoMock)]
    [InlineData(Domains.Intel)]
    public void Memlock_ExceededByASecondAreaWhenADomainJoins_UndoesTheFirst(Domains domains)
    {
        using var rig = new Rig(domains, memlockBytes: 8 * Page);
        uint other = rig.NewIoas();
        rig.Mapped(TestHosts.Buffer, 5 * Page, Base, ioas: other);
        rig.Mapped(TestHosts.Scattered, 4 * Page, Base + (16 * Page), ioas: other);
        Device device = rig.Bound("mock2");
        rig.Refused(Errno.ENOMEM, () => rig.Context.Attach(device.Id, other, out _));
        Assert.Null(rig.Host.SetMemlock(TestHosts.Pid, 9 * Page));
        Assert.Null(rig.Context.Attach(device.Id, other, out _));
        Assert.Equal(9UL, rig.Process.User.LockedPages);
        Assert.Null(rig.Host.SetMemlock(TestHosts.Pid, 0));
        Assert.Equal(9u, rig.Pinned);
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void CapIpcLock_NobodyPaysButTheCountOfPinnedPagesFollows()
    {
        using var rig = new Rig(Domains.Mock);
        EmulatedProcess privileged = rig.Host.FindProcess(Privileged)!;
        rig.Mapped(TestHosts.Buffer, 16 * Page, by: privileged);
        Assert.Equal((0UL, 0UL, 16UL), (privileged.User.LockedPages, privileged.Memory.LockedPages, privileged.Memory.PinnedPages));
        rig.AssertNothingLeftAfterClose();
    }

    [Theory]
    [InlineData(Domains.Mock)]
    [InlineData(Domains.TwoMock)]
    [InlineData(Domains.Intel)]
    [InlineData(Domains.Amd)]
    public void Map_UntilTheMachineIsFull_FailsCleanlyAtEveryPoint(Domains domains)
    {
        using var rig = new Rig(domains, memoryBytes: 4UL << 20);
        Refusal? last = null;
        ulong mapped = 0;
        for (ulong i = 0; i < 64; i++)
        {
            // Far apart, so that tables run out as well as frames.
            ulong at = Base + (i * (16UL << 20));
            string before = rig.State();
            ulong iova = at;
            last = rig.Context.IoasMap(rig.Process, rig.Ioas, ReadWrite | MapFlags.FixedIova, TestHosts.Scattered + (i * 40 * Page), 40 * Page, ref iova);
            if (last is null)
                mapped += 40;
            else
                Assert.Equal(before, rig.State());
        }
        Assert.Equal(Errno.ENOMEM, last?.Errno);
        Assert.Equal(mapped, rig.Pinned);
        Assert.True(mapped > 400);
        rig.AssertNothingLeftAfterClose();
    }

    [Theory]
    [EveryDomains(attached: true)]
    public void AllAligns_WhileASecondDomainComesAndGoes_EachPageIsPinnedOnce(Domains domains)
    {
        using var rig = new Rig(domains);
        Device extra = rig.Bound("mock2");
        ulong step = rig.Alignment;
        for (ulong start = 0; start < 3 * Page; start += step)
        {
            for (ulong length = step; length <= (3 * Page) - start; length += step)
            {
                ulong iova = rig.Mapped(TestHosts.Scattered + start, length, Base + start);
                uint pages = (uint)(((start % Page) + length + Page - 1) / Page);
                Assert.Equal(pages, rig.Pinned);
                uint hwpt = rig.NewHwpt(extra);
                IommuDomain late = rig.Context.Objects.Find<HwptPaging>(hwpt)!.Domain;
                Assert.Equal((pages, length), (rig.Pinned, late.MappedBytes));
                Assert.True(late.TryTranslate(iova, out ulong physical));
                Assert.Equal(IoasMapTests.FrameOf(rig.Process, TestHosts.Scattered + start), physical);
                Assert.Null(rig.Context.Destroy(hwpt));
                Assert.Equal(pages, rig.Pinned);
                rig.Unmapped(iova, length);
                Assert.Equal(0u, rig.Pinned);
            }
        }
    }

    [Fact]
    public void Destroy_StorageDomain_LastDomainTakesItsPlaceAndTheStorageWithoutRepinning()
    {
        using var rig = new Rig();
        uint[] ids = [rig.NewHwpt(rig.Bound("mock0")), rig.NewHwpt(rig.Bound("mock1")), rig.NewHwpt(rig.Bound("mock2"))];
        IommuDomain[] domains = [.. ids.Select(id => rig.Context.Objects.Find<HwptPaging>(id)!.Domain)];
        rig.Mapped(TestHosts.Scattered, 8 * Page, Base);
        int slot = rig.Object.Pagetable.Areas.First;
        Assert.Same(domains[0], rig.Object.Pagetable.Area(slot).StorageDomain);
        Assert.Null(rig.Context.Destroy(ids[0]));
        Assert.Equal([domains[2], domains[1]], rig.Object.Pagetable.Domains);
        Assert.Same(domains[2], rig.Object.Pagetable.Area(slot).StorageDomain);
        Assert.Null(rig.Context.Destroy(ids[1]));
        Assert.Same(domains[2], rig.Object.Pagetable.Area(slot).StorageDomain);
        Assert.Equal((8u, 8UL), (rig.Pinned, rig.Process.User.LockedPages));
        Assert.Null(rig.Context.Destroy(ids[2]));
        Assert.Equal((0u, 0UL), (rig.Pinned, rig.Process.User.LockedPages));
        Assert.Null(rig.Object.Pagetable.Area(slot).StorageDomain);
    }

    [Fact]
    public void Fill_MoreRunsThanABatchHolds_MapsAndUnmapsAll()
    {
        using var rig = new Rig(Domains.Mock);
        Assert.Null(rig.Host.MapMemory(TestHosts.Pid, new MemoryDescription { Start = 0x10_0000_0000, LengthBytes = 12_000 * Page, Layout = FrameLayout.Scattered }));
        ulong iova = rig.Mapped(0x10_0000_0000 + 2048, 11_998 * Page);
        Assert.Equal(11_999u, rig.Pinned);
        rig.NewHwpt(rig.Bound("mock1"));
        foreach (IommuDomain domain in rig.Object.Pagetable.Domains)
        {
            for (ulong page = 0; page < 11_998; page += 37)
            {
                Assert.True(domain.TryTranslate(iova + (page * Page), out ulong physical));
                Assert.Equal(IoasMapTests.FrameOf(rig.Process, 0x10_0000_0000 + 2048 + (page * Page)), physical);
            }
        }
        rig.Refused(Errno.EFAULT, () => rig.Map(0x10_0000_0000 + Page, 12_000 * Page));
        rig.AssertNothingLeftAfterClose();
    }

    private static byte ReadThrough(Rig rig, ulong iova)
    {
        Assert.True(rig.Object.Pagetable.Domains[0].TryTranslate(iova, out ulong physical));
        return rig.Host.Memory.Read((uint)(physical >> PhysicalMemory.FrameShift))[(int)(physical % Page)];
    }
}
