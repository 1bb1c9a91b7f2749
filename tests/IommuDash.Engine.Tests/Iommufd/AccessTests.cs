using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;
using IommuDash.Engine.Pages;
using static IommuDash.Engine.Tests.Iommufd.Rig;

namespace IommuDash.Engine.Tests.Iommufd;

public sealed class AccessTests
{
    [Theory, EveryDomains]
    public void Open_NeedingPins_RaisesTheAlignmentUntilClosed(Domains domains)
    {
        using var rig = new Rig(domains);
        ulong before = rig.Alignment;
        AccessFile plain = Opened(rig, needsPin: false);
        Assert.Equal(before, rig.Alignment);
        AccessFile pinning = Opened(rig);
        Assert.Equal(Page, rig.Alignment);
        pinning.Close();
        pinning.Close();
        Assert.Equal(before, rig.Alignment);
        plain.Close();
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Open_OverAnAreaBelowPageAlignment_IsRefusedOnlyWithPins()
    {
        using var rig = new Rig();
        rig.Mapped(TestHosts.Buffer, 0x800, Base);
        rig.Refused(Errno.EADDRINUSE, () => AccessFile.Open(rig.Context, rig.Process, rig.Ioas, true, out _));
        rig.Refused(Errno.ENOENT, () => AccessFile.Open(rig.Context, rig.Process, 999, false, out _));
        Opened(rig, needsPin: false).Close();
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Destroy_OfAccessOrItsIoas_IsBusy()
    {
        using var rig = new Rig();
        AccessFile file = Opened(rig);
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(file.Access.Id));
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(rig.Ioas));
        uint id = file.Access.Id;
        file.Close();
        rig.Refused(Errno.ENOENT, () => rig.Context.Destroy(id));
        Assert.Null(rig.Context.Destroy(rig.Ioas));
    }

    [Fact]
    public void Attach_Twice_AndReplaceUnattached_AreRefused()
    {
        using var rig = new Rig();
        var owner = new Stubborn();
        Assert.Null(rig.Context.AccessCreate(owner, true, out Access? access));
        rig.Refused(Errno.ENOENT, () => access!.Replace(rig.Ioas));
        rig.Refused(Errno.ENOENT, () => access!.Attach(999));
        rig.Refused(Errno.ENOENT, () => access!.PinPages(Base, Page, AccessFlags.None, new uint[1]));
        rig.Refused(Errno.ENOENT, () => access!.ReadWrite(rig.Process, Base, new byte[1], AccessFlags.None));
        Assert.Null(access!.Attach(rig.Ioas));
        rig.Refused(Errno.EINVAL, () => access.Attach(rig.Ioas));
        rig.Refused(Errno.ENOENT, () => access.Replace(999));
        Assert.Null(access.Replace(rig.Ioas));
        access.Detach();
        access.Detach();
        Assert.Null(access.Ioas);
        Assert.Equal([(0UL, ulong.MaxValue)], owner.Told);
        rig.Context.AccessDestroy(access);
        rig.AssertNothingLeftAfterClose();
    }

    [Theory, EveryDomains]
    public void Pin_DomainsComeAndGo_KeepsPagesUntilUnpinned(Domains domains)
    {
        using var rig = new Rig(domains);
        AccessFile file = Opened(rig);
        for (ulong pages = 1; pages < 16; pages++)
        {
            rig.Mapped(TestHosts.Scattered, 16 * Page, Base);
            uint before = rig.Pinned;
            AccessItem first = Pinned(file, Base, pages * Page, AccessFlags.Write);
            AccessItem again = Pinned(file, Base, pages * Page);
            Assert.Equal(first.Frames, again.Frames);
            Assert.Equal(first.Frames, Frames(rig, TestHosts.Scattered, pages));
            Assert.Equal(Math.Max(before, (uint)pages), rig.Pinned);
            Device late = rig.Attached("mock2");
            Assert.Equal(16u, rig.Pinned);
            Assert.Null(rig.Context.Unbind(late.Id));
            Assert.Equal(Math.Max(before, (uint)pages), rig.Pinned);
            Assert.Null(file.Unpin(first.Id));
            Assert.Null(file.Unpin(again.Id));
            Assert.Equal(before, rig.Pinned);
            rig.Unmapped(Base, 16 * Page);
        }
        file.Close();
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Pin_BadArguments_AreRefusedInOrder()
    {
        using var rig = new Rig();
        AccessFile plain = Opened(rig, needsPin: false);
        rig.Refused(Errno.EINVAL, () => plain.Pin(ulong.MaxValue, 2, AccessFlags.None, out _));
        plain.Close();
        AccessFile file = Opened(rig);
        rig.Mapped(TestHosts.ReadOnly, 2 * Page, Base, MapFlags.Readable);
        rig.Mapped(TestHosts.Buffer, 2 * Page, Base + (2 * Page), MapFlags.Writeable);
        rig.Mapped(Holed, 5 * Page, Base + (4 * Page));
        rig.Refused(Errno.EINVAL, () => file.Pin(ulong.MaxValue, 0, AccessFlags.None, out _));
        rig.Refused(Errno.EOVERFLOW, () => file.Pin(ulong.MaxValue, 2, AccessFlags.None, out _));
        rig.Refused(Errno.EINVAL, () => file.Pin(Base + 1, 1, AccessFlags.Write, out _));
        rig.Refused(Errno.EPERM, () => file.Pin(Base, Page, AccessFlags.Write, out _));
        rig.Refused(Errno.EPERM, () => file.Pin(Base + (2 * Page), Page, AccessFlags.None, out _));
        rig.Refused(Errno.EPERM, () => file.Pin(Base, 4 * Page, AccessFlags.None, out _));
        rig.Refused(Errno.ENOENT, () => file.Pin(Base - Page, 2 * Page, AccessFlags.None, out _));
        rig.Refused(Errno.ENOENT, () => file.Pin(Base + (9 * Page), Page, AccessFlags.None, out _));
        rig.Refused(Errno.EFAULT, () => file.Pin(Base + (4 * Page), 5 * Page, AccessFlags.None, out _));
        rig.Refused(Errno.EFAULT, () => file.Pin(Base + (3 * Page), 6 * Page, AccessFlags.Write, out _));
        Assert.Equal(Page, (ulong)Pinned(file, Base, 1).Frames.Count * Page);
        file.Close();
        Assert.Equal(0u, rig.Pinned);
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Pin_PiecesThatEndInsideAPage_AreRefused()
    {
        using var rig = new Rig();
        AccessFile file = Opened(rig);
        rig.Mapped(TestHosts.Buffer, Page, Base);
        rig.Mapped(TestHosts.Buffer + (4 * Page), 2 * Page, Base + Page);
        AccessItem both = Pinned(file, Base, 3 * Page);
        Assert.Equal([.. Frames(rig, TestHosts.Buffer, 1), .. Frames(rig, TestHosts.Buffer + (4 * Page), 2)], both.Frames);
        file.Close();
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Pin_AboveTheLimit_LeavesNothing()
    {
        using var rig = new Rig(memlockBytes: 6 * Page);
        AccessFile file = Opened(rig);
        rig.Mapped(TestHosts.Scattered, 8 * Page, Base);
        rig.Mapped(TestHosts.Buffer, 8 * Page, Base + (8 * Page));
        Pinned(file, Base, 4 * Page);
        rig.Refused(Errno.ENOMEM, () => file.Pin(Base + (6 * Page), 5 * Page, AccessFlags.None, out _));
        Assert.Equal(4UL, rig.Process.User.LockedPages);
        file.Close();
        rig.AssertNothingLeftAfterClose();
    }

    [Theory, EveryDomains]
    public void Unmap_OfAPinnedArea_TakesTheItemsInIt(Domains domains)
    {
        using var rig = new Rig(domains);
        AccessFile file = Opened(rig);
        AccessFile other = Opened(rig, needsPin: false);
        rig.Mapped(TestHosts.Buffer, 4 * Page, Base);
        rig.Mapped(TestHosts.Scattered, 4 * Page, Base + (4 * Page));
        AccessItem inside = Pinned(file, Base + Page, Page);
        AccessItem across = Pinned(file, Base + (3 * Page), 2 * Page);
        AccessItem beside = Pinned(file, Base + (6 * Page), Page);
        Assert.Equal(4 * Page, rig.Unmapped(Base, 4 * Page));
        Assert.Equal([beside], file.Items);
        rig.Refused(Errno.ENOENT, () => file.Unpin(inside.Id));
        rig.Refused(Errno.ENOENT, () => file.Unpin(across.Id));
        Assert.Equal(4 * Page, rig.Unmapped(0, ulong.MaxValue));
        Assert.Empty(file.Items);
        Assert.Equal(0u, rig.Pinned);
        file.Close();
        other.Close();
        rig.AssertNothingLeftAfterClose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Unmap_HolderDoesNotLetGo_IsEdeadlockAndBarsTheArea(bool all)
    {
        using var rig = new Rig(Domains.Mock);
        var owner = new Stubborn();
        Assert.Null(rig.Context.AccessCreate(owner, true, out Access? access));
        Assert.Null(access!.Attach(rig.Ioas));
        rig.Mapped(TestHosts.Buffer, Page, Base);
        rig.Mapped(TestHosts.Scattered, 2 * Page, Base + Page);
        Assert.Null(access.PinPages(Base + Page, Page, AccessFlags.Write, new uint[1]));
        Refusal? refusal = rig.Context.IoasUnmap(rig.Ioas, all ? 0 : Base, all ? ulong.MaxValue : 3 * Page, out ulong bytes);
        Assert.Equal(Errno.EDEADLOCK, refusal?.Errno);
        Assert.Equal(Page, bytes);
        Assert.Equal(101, owner.Told.Count);
        Assert.All(owner.Told, told => Assert.Equal((Base + Page, 2 * Page), told));
        rig.Refused(Errno.EINVAL, () => access.PinPages(Base + (2 * Page), Page, AccessFlags.None, new uint[1]));
        rig.Refused(Errno.EINVAL, () => access.ReadWrite(rig.Process, Base + Page, new byte[8], AccessFlags.None));
        access.UnpinPages(Base + Page, Page);
        Assert.Equal(2 * Page, rig.Unmapped(Base, 3 * Page));
        rig.Context.AccessDestroy(access);
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Replace_Ioas_LetsGoOfTheOldOne()
    {
        using var rig = new Rig();
        uint other = rig.NewIoas();
        rig.Attached("mock0", other);
        AccessFile file = Opened(rig);
        for (int round = 0; round < 2; round++)
        {
            rig.Mapped(TestHosts.Scattered, 4 * Page, Base);
            AccessItem item = Pinned(file, Base, 4 * Page);
            rig.Copied(Base, 4 * Page, Base, to: other);
            Assert.Null(file.Access.Replace(other));
            rig.Refused(Errno.ENOENT, () => file.Unpin(item.Id));
            Assert.Equal(4u, rig.Pinned);
            Assert.Equal(item.Frames, Pinned(file, Base, 4 * Page).Frames);
            Assert.Null(file.Access.Replace(rig.Ioas));
            rig.Unmapped(Base, 4 * Page);
            rig.Unmapped(Base, 4 * Page, other);
            Assert.Equal(0u, rig.Pinned);
        }
        Assert.Null(file.Access.Replace(other));
        Assert.Null(rig.Context.Destroy(rig.Ioas));
        file.Close();
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Replace_TargetDoesNotFit_ChangesNothing()
    {
        using var rig = new Rig();
        uint other = rig.NewIoas();
        rig.Mapped(TestHosts.Buffer, 0x800, Base, ioas: other);
        AccessFile file = Opened(rig);
        rig.Mapped(TestHosts.Buffer, Page, Base);
        AccessItem item = Pinned(file, Base, Page);
        rig.Refused(Errno.EADDRINUSE, () => file.Access.Replace(other));
        Assert.Equal([item], file.Items);
        Assert.Null(file.Unpin(item.Id));
        file.Close();
        rig.AssertNothingLeftAfterClose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void CloseContext_WithAnOpenAccess_LivesUntilThatIsClosed(bool byExit)
    {
        using var rig = new Rig(Domains.Mock);
        AccessFile file = Opened(rig);
        rig.Mapped(TestHosts.Buffer, 4 * Page, Base);
        Pinned(file, Base, 2 * Page);
        if (byExit)
        {
            Assert.Null(rig.Host.OpenContext(Sibling, out IommufdContext? second));
            Assert.Null(second!.IoasAlloc(out uint ioas));
            Assert.Null(AccessFile.Open(second, rig.Process, ioas, true, out _));
            Assert.Null(rig.Host.CloseContext(second.Fd));
            Assert.Null(rig.Host.ExitProcess(rig.Process.Pid));
            Assert.False(file.IsOpen);
        }
        else
        {
            Assert.Null(rig.Host.CloseContext(rig.Context.Fd));
            Assert.Equal(Errno.EBADF, rig.Host.CloseContext(rig.Context.Fd)?.Errno);
            Assert.Equal(4u, rig.Pinned);
            Assert.Null(rig.Host.FindContext(rig.Context.Fd));
            Assert.Equal([rig.Context], rig.Host.Contexts);
            file.Close();
        }
        Assert.Empty(rig.Host.Contexts);
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void PinLocked_ByAnInternalAccess_MakesUnmapBusyUntilUnpinned()
    {
        using var rig = new Rig(Domains.Mock);
        rig.Mapped(TestHosts.Buffer, 2 * Page, Base);
        rig.Mapped(TestHosts.Huge, 4 * Page, Base + (2 * Page));
        Assert.Null(rig.Context.AccessCreateInternal(rig.Object, out Access? access));
        var frames = new uint[2];
        Assert.Null(access!.PinLocked(Base + (2 * Page), 2 * Page, frames));
        Assert.Equal(frames[0] + 1, frames[1]);
        foreach ((ulong iova, ulong length) in ((ulong, ulong)[])[(Base + (2 * Page), 4 * Page), (Base + (2 * Page), Page)])
            rig.Refused(Errno.EBUSY, () => rig.Context.IoasUnmap(rig.Ioas, iova, length, out _));
        Assert.Equal(Errno.EBUSY, rig.Context.IoasUnmap(rig.Ioas, 0, ulong.MaxValue, out ulong bytes)?.Errno);
        Assert.Equal(2 * Page, bytes);
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(access.Id));
        access.UnpinPages(Base + (2 * Page), 2 * Page);
        Assert.Equal(4 * Page, rig.Unmapped(0, ulong.MaxValue));
        rig.Context.AccessDestroy(access);
        Assert.Throws<InvalidOperationException>(() => access.UnpinPages(Base, Page));
        rig.AssertNothingLeftAfterClose();
    }

    [Theory]
    [InlineData(Domains.None)]
    [InlineData(Domains.Mock)]
    public void FrameHolders_OfAPinnedPage_NameItsArea(Domains domains)
    {
        using var rig = new Rig(domains);
        AccessFile file = Opened(rig);
        rig.Mapped(TestHosts.Scattered, 8 * Page, Base);
        AccessItem item = Pinned(file, Base + (3 * Page), Page);
        FrameHolders found = FrameHolders.Find(rig.Host, item.Frames[0], 10);
        Assert.Equal(Base + (3 * Page), Assert.Single(found.Areas).Iova);
        Assert.Single(found.Pages);
        file.Close();
    }

    [Fact]
    public void FrameHolders_OfAFilePage_NameItsMappingAndArea()
    {
        const ulong mapping = 0x7900_0000_0000;
        using var rig = new Rig(Domains.Mock);
        Assert.Null(rig.Host.CreateMemfd("mem", 8 * Page));
        Assert.Null(rig.Host.MapMemory(Sibling, new MemoryDescription { Start = mapping, LengthBytes = 4 * Page, File = "mem", FileOffset = 2 * Page, Shared = true }));
        ulong iova = Base;
        Assert.Null(rig.Context.IoasMapFile(rig.Process, rig.Ioas, ReadWrite | MapFlags.FixedIova, rig.Host.FindFile("mem"), Page, 7 * Page, ref iova));
        Assert.True(rig.Object.Pagetable.Domains[0].TryTranslate(Base + (2 * Page), out ulong physical));
        FrameHolders found = FrameHolders.Find(rig.Host, (uint)(physical >> PhysicalMemory.FrameShift), 10);
        Assert.Equal(mapping + Page, Assert.Single(found.Mappings).Address);
        Assert.Equal(Base + (2 * Page), Assert.Single(found.Areas).Iova);
    }

    [Fact]
    public void Area_AndItsPagesObject_Take200BytesAtMost()
    {
        const int objectHeader = 16;
        Assert.InRange(AreaTree<IopArea>.NodeBytes + objectHeader + (8 * 6) + 4 + 4 + 4 + 2, 100, 200);
    }

    internal static AccessFile Opened(Rig rig, bool needsPin = true)
    {
        Assert.Null(AccessFile.Open(rig.Context, rig.Process, rig.Ioas, needsPin, out AccessFile? file));
        return file!;
    }

    internal static AccessItem Pinned(AccessFile file, ulong iova, ulong length, AccessFlags flags = AccessFlags.None)
    {
        Assert.Null(file.Pin(iova, length, flags, out AccessItem? item));
        return item!;
    }

    private static uint[] Frames(Rig rig, ulong address, ulong pages) =>
        [.. Enumerable.Range(0, (int)pages).Select(i => (uint)(IoasMapTests.FrameOf(rig.Process, address + ((ulong)i * Page)) >> PhysicalMemory.FrameShift))];

    private sealed class Stubborn : IAccessOwner
    {
        public List<(ulong Iova, ulong Length)> Told { get; } = [];

        public void Unmap(Access access, ulong iova, ulong length) => Told.Add((iova, length));
    }
}
