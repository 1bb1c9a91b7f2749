using IommuDash.Engine.Iommufd;
using static IommuDash.Engine.Tests.Iommufd.Rig;

namespace IommuDash.Engine.Tests.Iommufd;

public sealed class IoasUnmapTests
{
    private const ulong Max = ulong.MaxValue;

    [Theory]
    [EveryDomains]
    public void Unmap_SeveralArgumentsWrong_AnswersInTheReferencesOrder(Domains domains)
    {
        using var rig = new Rig(domains);
        rig.Mapped(TestHosts.Buffer, Page, Base);
        Refusal? Unmap(ulong iova, ulong length, uint? ioas = null) => rig.Context.IoasUnmap(ioas ?? rig.Ioas, iova, length, out _);
        rig.Refused(Errno.ENOENT, () => Unmap(Max, Max, 999));
        rig.Refused(Errno.EOVERFLOW, () => Unmap(Max, 0));
        rig.Refused(Errno.EOVERFLOW, () => Unmap(1, Max));
        rig.Refused(Errno.EINVAL, () => Unmap(1, 0));
        rig.Refused(Errno.EOVERFLOW, () => Unmap(Max - 1, 3));
        rig.Refused(Errno.ENOENT, () => Unmap(Base + Page, Page));
        rig.Refused(Errno.ENOENT, () => Unmap(Base - Page, Page));
    }

    [Theory]
    [EveryDomains]
    public void Unmap_PartOfAnArea_IsEnoent(Domains domains)
    {
        using var rig = new Rig(domains);
        rig.Mapped(TestHosts.Buffer, 2 * Page, Base);
        Assert.All((ulong[])[Base, Base + Page], iova => rig.Refused(Errno.ENOENT, () => rig.Context.IoasUnmap(rig.Ioas, iova, Page, out _)));
        Refusal refusal = rig.Context.IoasUnmap(rig.Ioas, Base, Page, out _)!;
        Assert.Contains(new RefusalRange(RangeRole.Area, new IovaRange(Base, Base + (2 * Page) - 1)), refusal.Ranges);
    }

    [Theory]
    [EveryDomains]
    public void Unmap_WindowCutsTheLastArea_KeepsWhatItRemovedBefore(Domains domains)
    {
        using var rig = new Rig(domains);
        for (ulong i = 0; i < 4; i++)
            rig.Mapped(TestHosts.Scattered + (i * 8 * Page), 8 * Page, Base + (i * 16 * Page));
        rig.Refused(Errno.ENOENT, () => rig.Context.IoasUnmap(rig.Ioas, Base + Page, 48 * Page, out _));
        Refusal? refusal = rig.Context.IoasUnmap(rig.Ioas, Base, (48 * Page) + Page, out ulong bytes);
        Assert.Equal(Errno.ENOENT, refusal?.Errno);
        Assert.Equal(24 * Page, bytes);
        Assert.Equal(1, rig.Object.Pagetable.Areas.Count);
        Assert.Equal(domains == Domains.None ? 0u : 8u, rig.Pinned);
        Assert.Equal(8 * Page, rig.Unmapped(Base + (40 * Page), 200 * Page));
    }

    [Theory]
    [EveryDomains]
    public void Unmap_WindowAroundWholeAreas_RemovesThemAll(Domains domains)
    {
        using var rig = new Rig(domains);
        for (ulong i = 0; i < 4; i++)
            rig.Mapped(TestHosts.Buffer + (i * 8 * Page), 8 * Page, Base + (i * 8 * Page));
        Assert.Equal(32 * Page, rig.Unmapped(Base - Page, 34 * Page));
        Assert.Equal(0u, rig.Pinned);
    }

    [Theory]
    [EveryDomains]
    public void UnmapAll_EmptyOrNot_SucceedsTwice(Domains domains)
    {
        using var rig = new Rig(domains);
        for (ulong i = 0; i < 10; i++)
            rig.Mapped(TestHosts.Buffer, Page, Base + (i * 2 * Page));
        Assert.Equal(10 * Page, rig.Unmapped(0, Max));
        Assert.Equal(0UL, rig.Unmapped(0, Max));
        Assert.Equal(UInt128.Zero, rig.Object.Pagetable.MappedBytes);
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Unmap_AtBothEndsOfTheAddressSpace_FindsTheAreas()
    {
        using var rig = new Rig();
        rig.Mapped(TestHosts.Buffer, Page, 0);
        rig.Mapped(TestHosts.Buffer, Page, Max - Page + 1);
        Assert.Equal(Page, rig.Unmapped(0, Page));
        Assert.Equal(Page, rig.Unmapped(Max - Page + 1, Page));
    }
}
