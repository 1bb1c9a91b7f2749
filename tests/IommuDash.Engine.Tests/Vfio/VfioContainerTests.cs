using System.Buffers.Binary;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;
using IommuDash.Engine.Tests.Iommufd;
using IommuDash.Engine.Vfio;
using static IommuDash.Engine.Tests.Iommufd.Rig;

namespace IommuDash.Engine.Tests.Vfio;

public sealed class VfioContainerTests
{
    private const VfioMapFlags Both = VfioMapFlags.Read | VfioMapFlags.Write;

    [Fact]
    public void BareContext_AnswersInTheReferencesOrder()
    {
        using var rig = new Rig();
        VfioContainer vfio = rig.Context.Vfio;
        foreach (uint extension in (uint[])[1, 3, 9])
            Assert.Equal((null, 1), (vfio.CheckExtension((VfioExtension)extension, out int yes), yes));
        foreach (uint extension in (uint[])[0, 2, 5, 6, 7, 8, 10, 999])
            Assert.Equal((null, 0), (vfio.CheckExtension((VfioExtension)extension, out int no), no));
        rig.Refused(Errno.ENODEV, () => vfio.CheckExtension(VfioExtension.DmaCc, out _));
        rig.Refused(Errno.ENODEV, () => vfio.SetIommu(VfioExtension.Type1));
        rig.Refused(Errno.ENODEV, () => vfio.SetIommu(VfioExtension.Type1V2));
        rig.Refused(Errno.EINVAL, () => vfio.SetIommu(VfioExtension.NoIommu));
        rig.Refused(Errno.EINVAL, () => vfio.GetInfo(1, out _));
        rig.Refused(Errno.ENODEV, () => vfio.GetInfo(16, out _));
        rig.Refused(Errno.EINVAL, () => vfio.MapDma(rig.Process, 1, Both, TestHosts.Buffer, Base, Page));
        rig.Refused(Errno.EINVAL, () => vfio.MapDma(rig.Process, 32, (VfioMapFlags)(1u << 31), TestHosts.Buffer, Base, Page));
        rig.Refused(Errno.ENODEV, () => vfio.MapDma(rig.Process, 32, Both, TestHosts.Buffer, Base, Page));
        rig.Refused(Errno.EINVAL, () => vfio.UnmapDma(1, VfioUnmapFlags.None, Base, Page, out _, out _));
        foreach (uint flag in (uint[])[1, 4, 1u << 31])
            rig.Refused(Errno.EINVAL, () => vfio.UnmapDma(24, (VfioUnmapFlags)flag, Base, Page, out _, out _));
        rig.Refused(Errno.ENODEV, () => vfio.UnmapDma(24, VfioUnmapFlags.None, Base, Page, out _, out _));
        Assert.Null(vfio.Ioas);
    }

    [Fact]
    public void Ioas_SetGetClear_AndDestroyClearsIt()
    {
        using var rig = new Rig();
        VfioContainer vfio = rig.Context.Vfio;
        rig.Refused(Errno.ENODEV, () => vfio.GetIoas(out _));
        rig.Refused(Errno.ENOENT, () => vfio.SetIoas(0));
        Assert.Null(vfio.SetIoas(rig.Ioas));
        Assert.Equal((null, rig.Ioas), (vfio.GetIoas(out uint id), id));
        vfio.ClearIoas();
        vfio.ClearIoas();
        rig.Refused(Errno.ENODEV, () => vfio.GetIoas(out _));
        Assert.Null(vfio.SetIoas(rig.Ioas));
        Assert.Null(rig.Context.Destroy(rig.Ioas));
        rig.Refused(Errno.ENODEV, () => vfio.GetIoas(out _));
        Assert.Null(vfio.EnsureIoas());
        Assert.Null(vfio.EnsureIoas());
        Assert.Equal(rig.Ioas, vfio.Ioas!.Id);
    }

    [Theory]
    [InlineData(VfioExtension.Type1, 0)]
    [InlineData(VfioExtension.Type1V2, 1)]
    public void SetIommu_Type1_SwitchesLargePagesOff(VfioExtension type, ulong largePages)
    {
        using var rig = new Rig(Domains.Mock);
        VfioContainer vfio = Container(rig, type);
        Assert.Null(rig.Context.OptionGet(IommufdOption.HugePages, rig.Ioas, out ulong value));
        Assert.Equal(largePages, value);
        Assert.Equal(largePages == 0 ? Page : 0x800, rig.Alignment);
        Assert.Equal((null, 0), (vfio.CheckExtension(VfioExtension.DmaCc, out int coherent), coherent));
        Assert.Null(vfio.SetIommu(type));
        rig.Mapped(TestHosts.Buffer, Page, Base);
        if (largePages == 1)
            rig.Refused(Errno.EINVAL, () => vfio.SetIommu(VfioExtension.Type1));
        else
            Assert.Null(vfio.SetIommu(VfioExtension.Type1));
    }

    [Theory]
    [InlineData(Domains.None, 1)]
    [InlineData(Domains.Intel, 1)]
    [InlineData(Domains.MockAndIntel, 0)]
    public void DmaCc_IsTrueIfEveryHwptEnforcesIt(Domains domains, int expected)
    {
        using var rig = new Rig(domains);
        Assert.Null(rig.Context.Vfio.SetIoas(rig.Ioas));
        Assert.Equal((null, expected), (rig.Context.Vfio.CheckExtension(VfioExtension.DmaCc, out int value), value));
    }

    [Theory]
    [InlineData(VfioExtension.Type1)]
    [InlineData(VfioExtension.Type1V2)]
    public void Info_ForEveryArgsz_StoresNothingAtOrBeyondIt(VfioExtension type)
    {
        using var rig = new Rig(Domains.Mock);
        VfioContainer vfio = Container(rig, type);
        Assert.Null(vfio.GetInfo(16, out VfioInfo? info));
        Assert.Equal(72u, info!.TotalBytes);
        for (uint argsz = 16; argsz <= 80; argsz++)
        {
            var buffer = new byte[96];
            Array.Fill(buffer, (byte)0xcc);
            foreach (VfioStore store in info.Stores(argsz))
                store.Bytes.CopyTo(buffer.AsSpan((int)store.Offset));
            Assert.Equal(72u, U32(buffer, 0));
            Assert.Equal(3u, U32(buffer, 4));
            Assert.Equal(0x7f7f_ffff_f000UL, BinaryPrimitives.ReadUInt64LittleEndian(buffer.AsSpan(8)));
            Assert.All(buffer[(int)argsz..], each => Assert.Equal(0xcc, each));
            if (argsz == 16)
                Assert.All(buffer[16..], each => Assert.Equal(0xcc, each));
            if (argsz >= 24)
                Assert.Equal(argsz >= 72 ? 24u : 0, U32(buffer, 16));
            Assert.Equal(argsz >= 36 ? 0x0001_0003u : 0xcccc_cccc, U32(buffer, 24));
            Assert.Equal(argsz >= 36 ? uint.MaxValue : 0xcccc_cccc, U32(buffer, 32));
            Assert.Equal(argsz >= 40 ? 40u : argsz >= 36 ? 0 : 0xcccc_cccc, U32(buffer, 28));
            Assert.Equal(argsz >= 72 ? 0x0001_0001u : 0xcccc_cccc, U32(buffer, 40));
            Assert.Equal(argsz >= 72 ? 1u : 0xcccc_cccc, U32(buffer, 48));
            Assert.Equal(argsz >= 72 ? 1u << 24 : 0xcccc_cccc, U32(buffer, 56));
            Assert.Equal(argsz >= 72 ? 0x7fff_ffffu : 0xcccc_cccc, U32(buffer, 64));
        }
    }

    [Fact]
    public void Info_SeveralRanges_StoresThoseThatFitWithoutTheirHeader()
    {
        var info = new VfioInfo(4096, [new IovaRange(0, 9), new IovaRange(20, 29)]);
        Assert.Equal(88u, info.TotalBytes);
        Assert.Equal([24u, 56, 28, 0], info.Stores(87).Select(s => s.Offset));
        Assert.Equal([24u, 56, 72, 40, 28, 0], info.Stores(88).Select(s => s.Offset));
        Assert.Equal([24u, 28, 0], info.Stores(71).Select(s => s.Offset));
        Assert.Equal([24u, 0], info.Stores(39).Select(s => s.Offset));
        Assert.Equal([0u], info.Stores(35).Select(s => s.Offset));
    }

    [Fact]
    public void Info_WithoutADomain_OffersEverySizeAndAddress()
    {
        using var rig = new Rig();
        Assert.Null(rig.Context.Vfio.SetIoas(rig.Ioas));
        Assert.Null(rig.Context.Vfio.GetInfo(24, out VfioInfo? info));
        Assert.Equal(ulong.MaxValue & ~(Page - 1), info!.PageSizes);
        Assert.Equal([IovaRange.Whole], info.UsableRanges);
    }

    [Theory]
    [InlineData(VfioExtension.Type1)]
    [InlineData(VfioExtension.Type1V2)]
    public void MapAndUnmap_WholeAndPageByPage(VfioExtension type)
    {
        using var rig = new Rig(Domains.Mock);
        VfioContainer vfio = Container(rig, type);
        Assert.Null(vfio.MapDma(rig.Process, 32, Both, TestHosts.Buffer, Base, 16 * Page));
        rig.Refused(Errno.EEXIST, () => vfio.MapDma(rig.Process, 32, Both, TestHosts.Buffer, Base + Page, Page));
        AssertUnmaps(vfio, VfioUnmapFlags.None, Base, 16 * Page, 16 * Page);
        AssertUnmaps(vfio, VfioUnmapFlags.None, Base, 16 * Page, 0);
        AssertUnmaps(vfio, VfioUnmapFlags.All, 0, 0, 0);
        Assert.Null(vfio.MapDma(rig.Process, 32, Both, TestHosts.Buffer, Base, 16 * Page));
        Assert.Equal(Errno.EINVAL, vfio.UnmapDma(24, VfioUnmapFlags.All, Base, 16 * Page, out _, out bool writesBack)?.Errno);
        Assert.False(writesBack);
        Assert.Equal(16u, rig.Pinned);
        AssertUnmaps(vfio, VfioUnmapFlags.All, 0, 0, 16 * Page);
        int[] order = [.. Enumerable.Range(0, 16)];
        new Random(3).Shuffle(order);
        foreach (int page in order)
            Assert.Null(vfio.MapDma(rig.Process, 32, Both, TestHosts.Buffer + ((ulong)page * Page), Base + ((ulong)page * Page), Page));
        new Random(4).Shuffle(order);
        foreach (int page in order)
            AssertUnmaps(vfio, VfioUnmapFlags.None, Base + ((ulong)page * Page), Page, Page);
        Assert.Equal(0u, rig.Pinned);
        Assert.Equal(Errno.EINVAL, vfio.UnmapDma(24, VfioUnmapFlags.None, Base, 0, out ulong bytes, out writesBack)?.Errno);
        Assert.Equal((0UL, true), (bytes, writesBack));
        rig.Refused(Errno.EOVERFLOW, () => vfio.UnmapDma(24, VfioUnmapFlags.None, ulong.MaxValue, 2, out _, out _));
        rig.AssertNothingLeftAfterClose();
    }

    [Theory]
    [InlineData(VfioExtension.Type1)]
    [InlineData(VfioExtension.Type1V2)]
    public void Unmap_PiecesOfAHugeMap_WorkForType1Only(VfioExtension type)
    {
        const ulong piece = 256 << 10;
        using var rig = new Rig(Domains.TwoMock);
        VfioContainer vfio = Container(rig, type);
        Assert.Null(vfio.MapDma(rig.Process, 32, Both, TestHosts.Huge, Base, 4UL << 20));
        int[] order = [.. Enumerable.Range(0, 16)];
        new Random(5).Shuffle(order);
        uint pinned = 1024;
        foreach (int i in order)
        {
            ulong at = Base + ((ulong)i * piece);
            if (type == VfioExtension.Type1)
            {
                AssertUnmaps(vfio, VfioUnmapFlags.None, at, piece, piece);
                pinned -= (uint)(piece / Page);
            }
            else
            {
                Assert.Equal(Errno.ENOENT, vfio.UnmapDma(24, VfioUnmapFlags.None, at, piece, out ulong bytes, out bool writesBack)?.Errno);
                Assert.Equal((0UL, true), (bytes, writesBack));
            }
            Assert.Equal(pinned, rig.Pinned);
        }
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Cut_Refusals_ComeInOrder()
    {
        using var rig = new Rig(Domains.Mock);
        VfioContainer vfio = Container(rig, VfioExtension.Type1V2);
        Assert.Null(vfio.MapDma(rig.Process, 32, Both, TestHosts.Buffer, Base, 4 * Page));
        IoPagetable table = rig.Object.Pagetable;
        rig.Refused(Errno.EINVAL, () => table.Cut(Base + Page));
        rig.Refused(Errno.EINVAL, () => table.Cut(Base + Page - 1));
        foreach (ulong noCut in (ulong[])[Base - 1, Base, Base + (4 * Page) - 1, Base + (4 * Page)])
            Assert.Null(table.Cut(noCut));
        Assert.Equal(1, table.Areas.Count);
        rig.Unmapped(Base, 4 * Page);
        Assert.Null(vfio.SetIommu(VfioExtension.Type1));
        Assert.Null(vfio.MapDma(rig.Process, 32, Both, TestHosts.Buffer, Base, 4 * Page));
        AccessFile file = AccessTests.Opened(rig);
        AccessTests.Pinned(file, Base, Page);
        Assert.Equal(Errno.EINVAL, vfio.UnmapDma(24, VfioUnmapFlags.None, Base + Page, Page, out _, out bool writesBack)?.Errno);
        Assert.False(writesBack);
        AssertUnmaps(vfio, VfioUnmapFlags.None, Base, 4 * Page, 4 * Page);
        file.Close();
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Cut_InsideAPageWithoutADomain_SharesThePageUntilBothHalvesGo()
    {
        using var rig = new Rig();
        VfioContainer vfio = rig.Context.Vfio;
        Assert.Null(vfio.SetIoas(rig.Ioas));
        Assert.Null(vfio.MapDma(rig.Process, 32, Both, TestHosts.Scattered + 0x800, Base, 2 * Page));
        Assert.Null(rig.Object.Pagetable.Cut(Base + Page - 1));
        Assert.Equal([new(Base, Base + Page - 1), new IovaRange(Base + Page, Base + (2 * Page) - 1)], Ranges(rig.Object.Pagetable));
        rig.Attached("mock0");
        Assert.Equal(3u, rig.Pinned);
        AssertUnmaps(vfio, VfioUnmapFlags.None, Base, Page, Page);
        Assert.Equal(2u, rig.Pinned);
        AssertUnmaps(vfio, VfioUnmapFlags.None, Base + Page, Page, Page);
        Assert.Equal(0u, rig.Pinned);
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Unmap_RandomPieces_AgreeWithAModelOfPages()
    {
        const int pages = 64;
        for (int seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            using var rig = new Rig(seed % 2 == 0 ? Domains.Mock : Domains.TwoMock);
            VfioContainer vfio = Container(rig, VfioExtension.Type1);
            ulong user = seed % 3 == 0 ? TestHosts.Scattered : TestHosts.Buffer;
            Assert.Null(vfio.MapDma(rig.Process, 32, Both, user, Base, pages * Page));
            var mapped = Enumerable.Repeat(true, pages).ToArray();
            while (mapped.Contains(true))
            {
                int first = random.Next(pages);
                int count = random.Next(1, Math.Min(9, pages - first + 1));
                int removed = mapped.AsSpan(first, count).Count(true);
                AssertUnmaps(vfio, VfioUnmapFlags.None, Base + ((ulong)first * Page), (ulong)count * Page, (ulong)removed * Page);
                mapped.AsSpan(first, count).Clear();
                Assert.Equal((uint)mapped.Count(m => m), rig.Pinned);
                Assert.Equal(rig.Pinned, rig.Process.User.LockedPages);
            }
            rig.AssertNothingLeftAfterClose();
        }
    }

    [Fact]
    public void MapDma_WithoutPermissions_IsNotRefusedUpFront()
    {
        using var rig = new Rig();
        Assert.Null(rig.Context.Vfio.SetIoas(rig.Ioas));
        Assert.Null(rig.Context.Vfio.MapDma(rig.Process, 32, VfioMapFlags.None, TestHosts.Buffer, Base, Page));
        rig.Refused(Errno.EINVAL, () => rig.Context.Vfio.MapDma(rig.Process, 32, VfioMapFlags.None, TestHosts.Buffer, Base, 0));
        rig.Refused(Errno.EOVERFLOW, () => rig.Context.Vfio.MapDma(rig.Process, 32, Both, TestHosts.Buffer, ulong.MaxValue, 2));
    }

    [Theory]
    [InlineData("current", Errno.EINVAL)]
    [InlineData("6.12", null)]
    public void MapDma_WithoutPermissions_IsTheDomainsToRefuse(string level, Errno? expected)
    {
        using var rig = new Rig(Domains.Mock, level: ReferenceLevel.Find(level));
        Assert.Null(rig.Context.Vfio.SetIoas(rig.Ioas));
        Assert.Equal(expected, rig.Context.Vfio.MapDma(rig.Process, 32, VfioMapFlags.None, TestHosts.Buffer, Base, Page)?.Errno);
        AssertUnmaps(rig.Context.Vfio, VfioUnmapFlags.None, Base, Page, expected is null ? Page : 0);
    }

    private static VfioContainer Container(Rig rig, VfioExtension type)
    {
        Assert.Null(rig.Context.Vfio.SetIoas(rig.Ioas));
        Assert.Null(rig.Context.Vfio.SetIommu(type));
        return rig.Context.Vfio;
    }

    private static void AssertUnmaps(VfioContainer vfio, VfioUnmapFlags flags, ulong iova, ulong size, ulong expected)
    {
        Assert.Null(vfio.UnmapDma(24, flags, iova, size, out ulong bytes, out bool writesBack));
        Assert.Equal((expected, true), (bytes, writesBack));
    }

    private static uint U32(byte[] buffer, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(buffer.AsSpan(offset));

    private static IEnumerable<IovaRange> Ranges(IoPagetable table)
    {
        for (int slot = table.Areas.First; slot >= 0; slot = table.Areas.Next(slot))
            yield return table.Areas.Range(slot);
    }
}
