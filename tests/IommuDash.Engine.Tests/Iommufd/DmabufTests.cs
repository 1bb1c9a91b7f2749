using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;
using IommuDash.Engine.Pages;
using static IommuDash.Engine.Tests.Iommufd.Rig;

namespace IommuDash.Engine.Tests.Iommufd;

public sealed class DmabufTests
{
    [Theory]
    [InlineData(0UL)]
    [InlineData((512UL << 12) + 1)]
    [InlineData(ulong.MaxValue)]
    public void Create_OfABadLength_IsEinval(ulong length)
    {
        using var rig = new Rig();
        rig.Refused(Errno.EINVAL, () => rig.Host.CreateDmabuf(length, out _));
    }

    [Theory]
    [EveryDomains]
    public void Map_ThenUnmap_PinsAndChargesNothing(Domains domains)
    {
        using var rig = new Rig(domains);
        Dmabuf buffer = Made(rig, (4 * Page) - 1);
        rig.Refused(Errno.EINVAL, () => MapAt(rig, buffer, 0, 0));
        rig.Refused(Errno.EINVAL, () => MapAt(rig, buffer, 0, 5 * Page));
        rig.Refused(Errno.EINVAL, () => MapAt(rig, buffer, 4 * Page, Page));
        Assert.Null(MapAt(rig, buffer, Page, 3 * Page));
        Assert.Equal((0u, 0UL), (rig.Pinned, rig.Process.User.LockedPages));
        foreach (IommuDomain domain in rig.Object.Pagetable.Domains)
        {
            Assert.True(domain.TryTranslate(Base + Page + 5, out ulong physical));
            Assert.Equal(((ulong)buffer.Frame(2) << 12) + 5, physical);
        }
        rig.Copied(Base, 2 * Page, Base + (16 * Page));
        buffer.Close();
        Assert.Equal([buffer], rig.Host.Dmabufs);
        rig.Unmapped(Base, 3 * Page);
        rig.Unmapped(Base + (16 * Page), 2 * Page);
        Assert.Empty(rig.Host.Dmabufs);
        rig.AssertNothingLeftAfterClose();
    }

    [Theory]
    [EveryDomains]
    public void Revoke_UnmapsEverywhereForGood(Domains domains)
    {
        using var rig = new Rig(domains);
        Dmabuf buffer = Made(rig, 4 * Page);
        Assert.Null(MapAt(rig, buffer, 0, 4 * Page));
        rig.Copied(Base, 2 * Page, Base + (16 * Page));
        buffer.SetRevoked(true);
        buffer.SetRevoked(true);
        AssertUnmapped(rig, Base, Base + (16 * Page));
        rig.Refused(Errno.ENODEV, () => MapAt(rig, buffer, 0, Page, Base + (32 * Page)));
        Device late = rig.Attached("mock2");
        AssertUnmapped(rig, Base, Base + (16 * Page));
        buffer.SetRevoked(false);
        AssertUnmapped(rig, Base, Base + (16 * Page));
        Assert.Null(MapAt(rig, buffer, 0, Page, Base + (32 * Page)));
        Assert.All(rig.Object.Pagetable.Domains, domain => Assert.True(domain.TryTranslate(Base + (32 * Page), out _)));
        Assert.Null(rig.Context.Unbind(late.Id));
        rig.Unmapped(Base, 4 * Page);
        buffer.Close();
        rig.AssertNothingLeftAfterClose();
        Assert.Empty(rig.Host.Dmabufs);
    }

    [Fact]
    public void Domains_ComeAndGo_MapAndUnmapIt()
    {
        using var rig = new Rig();
        Assert.Null(rig.Host.SetTempMemoryLimit(12));
        Dmabuf buffer = Made(rig, 8 * Page);
        Assert.Null(MapAt(rig, buffer, 0x800, (8 * Page) - 0x800));
        Device first = rig.Attached("mock0");
        Device second = rig.Attached("mock1");
        rig.NewHwpt(second);
        Assert.All(rig.Object.Pagetable.Domains, domain => Assert.Equal((8 * Page) - 0x800, domain.MappedBytes));
        Assert.Null(rig.Context.Unbind(first.Id));
        Assert.Null(rig.Context.Unbind(second.Id));
        buffer.Close();
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Accesses_CutsAndAnotherPayer_AreRefused()
    {
        using var rig = new Rig(Domains.Mock);
        Dmabuf buffer = Made(rig, 4 * Page);
        Assert.Null(rig.Context.OptionSet(rig.Process, IommufdOption.HugePages, rig.Ioas, 0));
        AccessFile file = AccessTests.Opened(rig);
        Assert.Null(MapAt(rig, buffer, 0, 4 * Page, flags: MapFlags.Readable));
        rig.Refused(Errno.EINVAL, () => file.Pin(Base, Page, AccessFlags.None, out _));
        rig.Refused(Errno.EPERM, () => file.Pin(Base, Page, AccessFlags.Write, out _));
        foreach (AccessFlags flags in (AccessFlags[])[AccessFlags.None, AccessFlags.SlowPath, AccessFlags.Kthread])
            rig.Refused(Errno.EINVAL, () => file.Access.ReadWrite(rig.Process, Base, new byte[8], flags));
        rig.Refused(Errno.EOPNOTSUPP, () => rig.Object.Pagetable.Cut(Base + Page - 1));
        rig.Refused(Errno.EINVAL, () => rig.Context.IoasChangeProcess(rig.Host.FindProcess(Sibling)!));
        file.Close();
        buffer.Close();
        rig.AssertNothingLeftAfterClose();
    }

    private static void AssertUnmapped(Rig rig, params ulong[] iovas) =>
        Assert.All(rig.Object.Pagetable.Domains, domain => Assert.All(iovas, iova => Assert.False(domain.TryTranslate(iova, out _))));

    private static Dmabuf Made(Rig rig, ulong bytes)
    {
        Assert.Null(rig.Host.CreateDmabuf(bytes, out Dmabuf? buffer));
        return buffer!;
    }

    private static Refusal? MapAt(Rig rig, Dmabuf buffer, ulong start, ulong length, ulong? at = null, MapFlags flags = ReadWrite)
    {
        ulong iova = at ?? Base;
        return rig.Context.IoasMapFile(rig.Process, rig.Ioas, flags | MapFlags.FixedIova, buffer, start, length, ref iova);
    }
}
