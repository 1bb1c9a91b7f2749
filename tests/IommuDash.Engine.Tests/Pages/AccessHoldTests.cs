using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;
using IommuDash.Engine.Tests.Iommufd;
using static IommuDash.Engine.Tests.Iommufd.Rig;

namespace IommuDash.Engine.Tests.Pages;

public sealed class AccessHoldTests
{
    [Fact]
    public void AddAccess_OverlappingAndRepeatedRanges_PinEachPageOnce()
    {
        using var rig = new Rig();
        IoptPages pages = MapAt(rig, TestHosts.Scattered, 16);
        Assert.Null(pages.AddAccess(2, 5, write: true));
        Assert.Null(pages.AddAccess(2, 5, write: false));
        Assert.Null(pages.AddAccess(4, 9, write: true));
        Assert.Null(pages.AddAccess(0, 15, write: true));
        Assert.Equal((16u, 16UL), (rig.Pinned, rig.Process.User.LockedPages));
        pages.RemoveAccess(0, 15);
        Assert.Equal(8u, rig.Pinned);
        pages.RemoveAccess(2, 5);
        Assert.Equal(8u, rig.Pinned);
        pages.RemoveAccess(2, 5);
        Assert.Equal(6u, rig.Pinned);
        Assert.Throws<InvalidOperationException>(() => pages.RemoveAccess(2, 5));
        Assert.Throws<InvalidOperationException>(() => pages.RemoveAccess(4, 8));
        pages.RemoveAccess(4, 9);
        Assert.Equal((0u, 0UL), (rig.Pinned, rig.Process.User.LockedPages));
        Assert.Throws<InvalidOperationException>(() => pages.RemoveAccess(4, 9));
        rig.AssertNothingLeftAfterClose();
    }

    [Theory]
    [InlineData(TestHosts.Scattered)]
    [InlineData(TestHosts.Huge)]
    public void AddAccess_DomainsComeAndGoWhileHeld_KeepsFramesAndPins(ulong memory)
    {
        using var rig = new Rig();
        for (ulong count = 1; count < 16; count++)
        {
            IoptPages pages = MapAt(rig, memory, 16);
            Assert.Null(pages.AddAccess(0, count - 1, write: true));
            Assert.Null(pages.AddAccess(0, count - 1, write: true));
            uint[] held = [.. Enumerable.Range(0, (int)count).Select(i => pages.HeldFrame((ulong)i))];
            Device device = rig.Attached("mock0");
            Assert.Equal(16u, rig.Pinned);
            for (ulong i = 0; i < count; i++)
            {
                Assert.True(rig.Object.Pagetable.Domains[0].TryTranslate(Base + (i * Page), out ulong physical));
                Assert.Equal((ulong)held[i] << PhysicalMemory.FrameShift, physical);
            }
            Assert.Null(rig.Context.Unbind(device.Id));
            Assert.Equal((uint)count, rig.Pinned);
            Assert.Equal(held, Enumerable.Range(0, (int)count).Select(i => pages.HeldFrame((ulong)i)));
            pages.RemoveAccess(0, count - 1);
            Assert.Equal((uint)count, rig.Pinned);
            pages.RemoveAccess(0, count - 1);
            Assert.Equal(0u, rig.Pinned);
            rig.Unmapped(Base, 16 * Page);
        }
    }

    [Fact]
    public void AddAccess_OverADomain_TakesFramesFromItAndOutlivesIt()
    {
        using var rig = new Rig(Domains.Mock);
        IoptPages pages = MapAt(rig, TestHosts.Huge, 1024);
        Assert.Equal(1024u, rig.Pinned);
        Assert.Null(pages.AddAccess(1, 1, write: true));
        Assert.Equal(1024u, rig.Pinned);
        rig.Unmapped(Base, 1024 * Page);
        Assert.Equal(1u, rig.Pinned);
        Assert.Equal(IoasMapTests.FrameOf(rig.Process, TestHosts.Huge + Page) >> PhysicalMemory.FrameShift, pages.HeldFrame(1));
        Assert.Equal(1UL, rig.Process.Memory.PinnedPages);
        pages.RemoveAccess(1, 1);
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void RemoveAccess_PagesStillInADomain_StayPinnedAndAreReadBackFromIt()
    {
        using var rig = new Rig();
        IoptPages pages = MapAt(rig, TestHosts.Scattered, 8);
        Assert.Null(pages.AddAccess(0, 7, write: true));
        uint frame = pages.HeldFrame(3);
        rig.Attached("intel0");
        pages.RemoveAccess(0, 7);
        Assert.Equal(8u, rig.Pinned);
        Assert.Null(pages.AddAccess(2, 4, write: true));
        Assert.Equal(frame, pages.HeldFrame(3));
        Assert.Equal(8u, rig.Pinned);
        pages.RemoveAccess(2, 4);
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void AddAccess_Refused_HoldsNothing()
    {
        using var rig = new Rig(memlockBytes: 6 * Page);
        IoptPages readOnly = MapAt(rig, TestHosts.ReadOnly, 4, MapFlags.Readable);
        rig.Refused(Errno.EPERM, () => readOnly.AddAccess(0, 0, write: true));
        Assert.Null(readOnly.AddAccess(0, 0, write: false));
        rig.Unmapped(Base, 4 * Page);
        readOnly.RemoveAccess(0, 0);
        IoptPages holed = MapAt(rig, Holed, 5);
        Assert.Null(holed.AddAccess(1, 1, write: true));
        rig.Refused(Errno.EFAULT, () => holed.AddAccess(0, 4, write: true));
        Assert.Throws<InvalidOperationException>(() => holed.RemoveAccess(0, 4));
        Assert.Equal(1u, rig.Pinned);
        rig.Unmapped(Base, 5 * Page);
        IoptPages large = MapAt(rig, TestHosts.Scattered, 16);
        rig.Refused(Errno.ENOMEM, () => large.AddAccess(0, 5, write: true));
        Assert.Null(large.AddAccess(0, 4, write: true));
        rig.Refused(Errno.ENOMEM, () => large.AddAccess(3, 6, write: true));
        holed.RemoveAccess(1, 1);
        Assert.Null(large.AddAccess(3, 5, write: true));
        large.RemoveAccess(0, 4);
        large.RemoveAccess(3, 5);
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Copy_OfHeldPagesIntoADomain_SharesThemAndKeepsThemPinned()
    {
        using var rig = new Rig();
        IoptPages pages = MapAt(rig, TestHosts.Buffer, 8);
        Assert.Null(pages.AddAccess(0, 7, write: true));
        uint other = rig.NewIoas();
        rig.Attached("mock0", other);
        rig.Copied(Base, 8 * Page, at: Base, to: other);
        Assert.Equal((8u, 8UL), (rig.Pinned, rig.Process.User.LockedPages));
        pages.RemoveAccess(0, 7);
        Assert.Null(rig.Context.Destroy(rig.Ioas));
        Assert.Equal(8u, rig.Pinned);
        rig.Unmapped(Base, 8 * Page, other);
        Assert.Equal(0u, rig.Pinned);
    }

    private static IoptPages MapAt(Rig rig, ulong memory, ulong pages, MapFlags flags = ReadWrite)
    {
        rig.Mapped(memory, pages * Page, Base, flags);
        return rig.Object.Pagetable.Area(rig.Object.Pagetable.Areas.FirstOverlap(Base, Base)).Pages;
    }
}
