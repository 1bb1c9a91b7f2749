using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;
using static IommuDash.Engine.Tests.Iommufd.Rig;

namespace IommuDash.Engine.Tests.Iommufd;

public sealed class IoasMapFileTests
{
    private const ulong Mapping = 0x7900_0000_0000;
    private const MapFlags Fixed = ReadWrite | MapFlags.FixedIova;

    [Fact]
    public void MapFile_BadArguments_AreRefusedInOrder()
    {
        using var rig = new Rig();
        EmulatedFile file = Memfd(rig, 16 * Page);
        Refusal? Map(uint ioas, MapFlags flags, MemoryFile? of, ulong start, ulong length, ulong iova) => rig.Context.IoasMapFile(rig.Process, ioas, flags, of, start, length, ref iova);
        rig.Refused(Errno.EOPNOTSUPP, () => Map(999, (MapFlags)8, null, 0, ulong.MaxValue, ulong.MaxValue));
        rig.Refused(Errno.EOVERFLOW, () => Map(999, Fixed, null, 0, 0, ulong.MaxValue));
        rig.Refused(Errno.EOVERFLOW, () => Map(999, Fixed, null, 0, ulong.MaxValue, Base));
        rig.Refused(Errno.EINVAL, () => Map(999, MapFlags.FixedIova, null, 0, 0, Base));
        rig.Refused(Errno.ENOENT, () => Map(999, Fixed, null, 0, 0, Base));
        rig.Refused(Errno.EINVAL, () => Map(rig.Ioas, Fixed, null, 0, 0, Base));
        rig.Refused(Errno.EOVERFLOW, () => Map(rig.Ioas, Fixed, null, ulong.MaxValue, 2, Base));
        rig.Refused(Errno.EBADF, () => Map(rig.Ioas, Fixed, null, 0, Page, Base));
        Assert.Null(Map(rig.Ioas, Fixed, file, 0, Page, Base));
        rig.Refused(Errno.EEXIST, () => Map(rig.Ioas, Fixed, file, 0, Page, Base));
        AssertNothingLeft(rig);
    }

    [Theory]
    [EveryDomains(attached: true)]
    public void MapFile_BeyondOrOfATruncatedFile_IsEinvalWhenPinned(Domains domains)
    {
        using var rig = new Rig(domains);
        EmulatedFile file = Memfd(rig, 4 * Page);
        rig.Refused(Errno.EINVAL, () => MapAt(rig, file, 0, 5 * Page));
        rig.Refused(Errno.EINVAL, () => MapAt(rig, file, 4 * Page, Page));
        Assert.Null(MapAt(rig, file, 0, 4 * Page));
        Assert.Equal((4u, 4UL), (rig.Pinned, rig.Process.User.LockedPages));
        rig.Unmapped(Base, 4 * Page);
        Assert.Null(rig.Host.TruncateFile("mem", Page));
        rig.Refused(Errno.EINVAL, () => MapAt(rig, file, 0, 2 * Page));
        rig.Refused(Errno.EINVAL, () => MapAt(rig, file, Page, Page));
        Assert.Null(MapAt(rig, file, 0, Page));
        AssertNothingLeft(rig);
    }

    [Fact]
    public void MapFile_WithoutADomain_LooksIntoTheFileOnlyWhenPinned()
    {
        using var rig = new Rig();
        EmulatedFile file = Memfd(rig, 2 * Page);
        Assert.Null(MapAt(rig, file, 0, 4 * Page));
        Device device = rig.Bound("mock0");
        rig.Refused(Errno.EINVAL, () => rig.Context.Attach(device.Id, rig.Ioas, out _));
        Assert.Null(rig.Host.TruncateFile("mem", 4 * Page));
        Assert.Null(rig.Context.Attach(device.Id, rig.Ioas, out _));
        Assert.Equal(4u, rig.Pinned);
        Assert.Null(rig.Host.TruncateFile("mem", 0));
        Assert.Equal((4u, 4u), (rig.Pinned, rig.Host.Memory.OrphanedFrames));
        AssertNothingLeft(rig);
    }

    [Theory]
    [InlineData(FrameLayout.Contiguous, 0x800)]
    [InlineData(FrameLayout.Huge, 0)]
    [InlineData(FrameLayout.Scattered, 0)]
    public void MapFile_AndAMappingOfIt_ShowTheSameFrames(FrameLayout layout, ulong offset)
    {
        using var rig = new Rig(Domains.Mock);
        EmulatedFile file = Memfd(rig, 2UL << 20, layout);
        Assert.Null(rig.Host.MapMemory(Sibling, new MemoryDescription { Start = Mapping, LengthBytes = 16 * Page, File = "mem", Shared = true }));
        ulong iova = 0;
        Assert.Null(rig.Context.IoasMapFile(rig.Process, rig.Ioas, ReadWrite, file, (2 * Page) + offset, 4 * Page, ref iova));
        Assert.Equal(offset, iova % Page);
        Assert.Null(rig.Host.WriteMemory(Sibling, Mapping + (3 * Page), [1, 2, 3]));
        Assert.Null(AccessFile.Open(rig.Context, rig.Process, rig.Ioas, false, out AccessFile? access));
        var bytes = new byte[3];
        Assert.Null(access!.Access.ReadWrite(rig.Process, iova + Page - offset, bytes, AccessFlags.None));
        Assert.Equal([1, 2, 3], bytes);
        Assert.Null(access.Access.ReadWrite(rig.Process, iova, bytes, AccessFlags.Write));
        Assert.Null(rig.Host.FindProcess(Sibling)!.Memory.Read(Mapping + (2 * Page) + offset, bytes));
        Assert.Equal([1, 2, 3], bytes);
        access.Close();
        AssertNothingLeft(rig);
    }

    [Fact]
    public void MapFile_OwnerHasExited_IsStillPinnable()
    {
        using var rig = new Rig();
        EmulatedFile file = Memfd(rig, 4 * Page);
        ulong iova = Base;
        Assert.Null(rig.Context.IoasMapFile(rig.Host.FindProcess(Sibling)!, rig.Ioas, Fixed, file, 0, 4 * Page, ref iova));
        Assert.Null(rig.Host.ExitProcess(Sibling));
        Assert.Null(rig.Host.CloseFile("mem"));
        Assert.Same(file, rig.Host.FindFile("mem"));
        rig.Attached("mock0");
        Assert.Equal(4u, rig.Pinned);
        rig.Unmapped(Base, 4 * Page);
        Assert.Null(rig.Host.FindFile("mem"));
        AssertNothingLeft(rig);
    }

    [Fact]
    public void MapFile_OfAnOrdinaryFile_IsEinvalWhenPinned()
    {
        using var rig = new Rig();
        Assert.Null(MapAt(rig, rig.Host.FindFile("library")!, 0, Page));
        Device device = rig.Bound("mock0");
        rig.Refused(Errno.EINVAL, () => rig.Context.Attach(device.Id, rig.Ioas, out _));
        AssertNothingLeft(rig);
    }

    [Fact]
    public void Files_BadCalls_AreRefused()
    {
        using var rig = new Rig(limits: new EngineLimits { Files = 2, ProcessMemoryBytes = 64UL << 20 });
        rig.Refused(Errno.EEXIST, () => rig.Host.CreateMemfd("library", Page));
        rig.Refused(Errno.EINVAL, () => rig.Host.CreateMemfd("", Page));
        rig.Refused(Errno.EINVAL, () => rig.Host.CreateMemfd("mem", Page, FrameLayout.Huge));
        rig.Refused(Errno.ENOMEM, () => rig.Host.CreateMemfd("mem", 65UL << 20));
        Memfd(rig, Page);
        rig.Refused(Errno.ENOMEM, () => rig.Host.CreateMemfd("third", Page));
        rig.Refused(Errno.ENOENT, () => rig.Host.TruncateFile("third", Page));
        rig.Refused(Errno.EINVAL, () => rig.Host.TruncateFile("library", Page));
        rig.Refused(Errno.ENOENT, () => rig.Host.CloseFile("third"));
        rig.Refused(Errno.EBADF, () => rig.Host.CloseFile("library"));
        Assert.Null(rig.Host.CloseFile("mem"));
        Assert.Null(rig.Host.FindFile("mem"));
    }

    [Fact]
    public void Mapping_BehindTheEndOfItsFile_Faults()
    {
        using var rig = new Rig(Domains.Mock);
        Memfd(rig, (2 * Page) + 1);
        Assert.Null(rig.Host.MapMemory(TestHosts.Pid, new MemoryDescription { Start = Mapping, LengthBytes = 8 * Page, File = "mem", Shared = true }));
        Assert.Null(rig.Process.Memory.Write(Mapping + (2 * Page), new byte[8]));
        rig.Refused(Errno.EFAULT, () => rig.Process.Memory.Write(Mapping + (3 * Page), new byte[8]));
        rig.Refused(Errno.EFAULT, () => rig.Process.Memory.Read(Mapping + (3 * Page) - 1, new byte[8]));
        rig.Refused(Errno.EFAULT, () => rig.Map(Mapping, 4 * Page, Base));
        rig.Mapped(Mapping, 3 * Page, Base);
        AssertNothingLeft(rig);
    }

    [Theory]
    [InlineData(AccountMode.User)]
    [InlineData(AccountMode.Mm)]
    [InlineData(AccountMode.None)]
    public void ChangeProcess_FilePages_MoveTheChargeAsTheModeSays(AccountMode mode)
    {
        using var rig = new Rig();
        EmulatedProcess from = rig.Host.FindProcess(mode == AccountMode.None ? Privileged : Sibling)!;
        IommufdContext context = rig.Context;
        Assert.Null(context.Destroy(rig.Ioas));
        if (mode == AccountMode.Mm)
            Assert.Null(context.OptionSet(rig.Process, IommufdOption.RlimitMode, 0, 1));
        Assert.Null(context.IoasAlloc(out uint ioas));
        EmulatedFile file = Memfd(rig, 8 * Page);
        ulong iova = Base;
        Assert.Null(context.IoasMapFile(from, ioas, Fixed, file, 0, 8 * Page, ref iova));
        rig.Mapped(TestHosts.Buffer, Page, Base + (16 * Page), ioas: ioas, by: from);
        rig.Attached("mock0", ioas);
        rig.Refused(Errno.EINVAL, () => context.IoasChangeProcess(rig.Process));
        rig.Unmapped(Base + (16 * Page), Page, ioas);
        ulong copy = Base + (32 * Page);
        Assert.Null(context.IoasCopy(ioas, ioas, Fixed, Base, 8 * Page, ref copy));
        Assert.Equal((8UL, 0UL), (from.Memory.PinnedPages, rig.Process.Memory.PinnedPages));
        Assert.Null(context.IoasChangeProcess(rig.Process));
        ulong moved = mode == AccountMode.None ? 0UL : 8;
        Assert.Equal((8 - moved, moved), (from.Memory.PinnedPages, rig.Process.Memory.PinnedPages));
        Assert.Equal((0UL, mode == AccountMode.Mm ? 8UL : 0), (from.Memory.LockedPages, rig.Process.Memory.LockedPages));
        Assert.Equal(mode == AccountMode.User ? 8UL : 0, rig.Process.User.LockedPages);
        Assert.Null(context.IoasChangeProcess(rig.Process));
        AssertNothingLeft(rig);
    }

    [Fact]
    public void ChangeProcess_AboveTheNewLimit_ChangesNothing()
    {
        using var rig = new Rig();
        EmulatedFile file = Memfd(rig, 8 * Page);
        Assert.Null(MapAt(rig, file, 0, 4 * Page));
        ulong second = Base + (8 * Page);
        Assert.Null(rig.Context.IoasMapFile(rig.Process, rig.Ioas, Fixed, file, 0, 4 * Page, ref second));
        rig.Attached("mock0");
        Assert.Null(rig.Host.SetMemlock(Sibling, 15 * Page));
        rig.Refused(Errno.ENOMEM, () => rig.Context.IoasChangeProcess(rig.Host.FindProcess(Sibling)!));
        Assert.Null(rig.Host.SetMemlock(Sibling, 16 * Page));
        Assert.Null(rig.Context.IoasChangeProcess(rig.Host.FindProcess(Sibling)!));
        Assert.Equal((0UL, 8UL), (rig.Process.Memory.PinnedPages, rig.Host.FindProcess(Sibling)!.Memory.PinnedPages));
        AssertNothingLeft(rig);
    }

    private static void AssertNothingLeft(Rig rig)
    {
        if (rig.Host.FindFile("mem") is { IsOpen: true })
            Assert.Null(rig.Host.CloseFile("mem"));
        rig.AssertNothingLeftAfterClose();
        Assert.Empty(rig.Host.Files);
    }

    private static EmulatedFile Memfd(Rig rig, ulong bytes, FrameLayout layout = FrameLayout.Contiguous)
    {
        Assert.Null(rig.Host.CreateMemfd("mem", bytes, layout));
        return rig.Host.FindFile("mem")!;
    }

    private static Refusal? MapAt(Rig rig, MemoryFile file, ulong start, ulong length)
    {
        ulong iova = Base;
        return rig.Context.IoasMapFile(rig.Process, rig.Ioas, Fixed, file, start, length, ref iova);
    }
}
