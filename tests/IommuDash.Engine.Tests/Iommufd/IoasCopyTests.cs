using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;
using static IommuDash.Engine.Tests.Iommufd.Rig;

namespace IommuDash.Engine.Tests.Iommufd;

public sealed class IoasCopyTests
{
    private const ulong Max = ulong.MaxValue;

    [Theory]
    [EveryDomains]
    public void Copy_SeveralArgumentsWrong_AnswersInTheReferencesOrder(Domains domains)
    {
        using var rig = new Rig(domains);
        rig.Mapped(TestHosts.Buffer, 2 * Page, Base, MapFlags.Readable);
        Refusal? Copy(ulong source, ulong length, ulong to, MapFlags flags, uint from, uint into)
        {
            ulong iova = to;
            return rig.Context.IoasCopy(into, from, flags, source, length, ref iova);
        }

        const MapFlags Fixed = MapFlags.FixedIova | MapFlags.Readable;
        rig.Refused(Errno.EOPNOTSUPP, () => Copy(Max, Max, Max, (MapFlags)8, 999, 999));
        rig.Refused(Errno.EOVERFLOW, () => Copy(Max, 0, 0, 0, 999, 999));
        rig.Refused(Errno.EOVERFLOW, () => Copy(0, Max, 0, 0, 999, 999));
        rig.Refused(Errno.EOVERFLOW, () => Copy(0, 0, Max, 0, 999, 999));
        rig.Refused(Errno.EINVAL, () => Copy(0, 0, 0, 0, 999, 999));
        rig.Refused(Errno.ENOENT, () => Copy(0, 0, 0, Fixed, 999, 999));
        rig.Refused(Errno.EINVAL, () => Copy(0, 0, 0, Fixed, rig.Ioas, 999));
        rig.Refused(Errno.EOVERFLOW, () => Copy(Max - 1, Page, 0, Fixed, rig.Ioas, 999));
        rig.Refused(Errno.ENOENT, () => Copy(Base + Page, 2 * Page, 0, Fixed, rig.Ioas, 999));
        rig.Refused(Errno.ENOENT, () => Copy(Base, Page, 0, Fixed, rig.Ioas, 999));
        rig.Refused(Errno.EEXIST, () => Copy(Base, Page, Base + Page, Fixed | MapFlags.Writeable, rig.Ioas, rig.Ioas));
        rig.Refused(Errno.EPERM, () => Copy(Base, Page, Base + (8 * Page), Fixed | MapFlags.Writeable, rig.Ioas, rig.Ioas));
        rig.Refused(Errno.EPERM, () => Copy(Base, Page, Base, MapFlags.Writeable, rig.Ioas, rig.Ioas));
    }

    [Theory]
    [EveryDomains]
    public void Copy_AcrossAreasAndIoases_SharesEveryPage(Domains domains)
    {
        using var rig = new Rig(domains);
        rig.Mapped(TestHosts.Scattered, 3 * Page, Base);
        rig.Mapped(TestHosts.Scattered + (100 * Page), 3 * Page, Base + (3 * Page));
        uint other = rig.NewIoas();
        uint pinned = rig.Pinned;
        ulong charged = rig.Process.User.LockedPages;
        ulong copy = rig.Copied(Base + (2 * Page), 3 * Page, at: 0, to: other);
        Assert.Equal(0UL, copy);
        ulong here = rig.Copied(Base + Page, 4 * Page);
        Assert.Equal((pinned, charged), (rig.Pinned, rig.Process.User.LockedPages));
        Assert.Equal(2, rig.Context.Objects.Find<Ioas>(other)!.Pagetable.Areas.Count);
        foreach (IommuDomain domain in rig.Object.Pagetable.Domains)
        {
            for (ulong at = 0; at < 4 * Page; at += Page)
            {
                Assert.True(domain.TryTranslate(Base + Page + at, out ulong original));
                Assert.True(domain.TryTranslate(here + at, out ulong same));
                Assert.Equal(original, same);
            }
        }
        rig.Unmapped(Base, 6 * Page);
        Assert.Equal(domains == Domains.None ? 0u : 4u, rig.Pinned);
        rig.Unmapped(0, Max);
        Assert.Equal(0u, rig.Pinned);
        Assert.Equal(3 * Page, rig.Unmapped(0, 3 * Page, other));
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Copy_SweepOfUnalignedSources_SucceedsExactlyInsideTheArea()
    {
        using var rig = new Rig(Domains.Mock);
        const ulong Half = Page / 2;
        rig.Mapped(TestHosts.Buffer, 4 * Page, Base);
        uint other = rig.NewIoas();
        for (ulong source = Base - Half; source < Base + (5 * Page); source += 511)
        {
            ulong iova = Base;
            Refusal? refusal = rig.Context.IoasCopy(other, rig.Ioas, MapFlags.Readable | MapFlags.FixedIova, source, Half, ref iova);
            bool isInside = source >= Base && source + Half <= Base + (4 * Page);
            Assert.Equal(isInside ? null : Errno.ENOENT, refusal?.Errno);
            if (isInside)
                rig.Unmapped(Base, Half, other);
        }
        Assert.Equal(4u, rig.Pinned);
    }

    [Fact]
    public void Copy_OffsetBelowTheDestinationsAlignment_IsEinval()
    {
        using var rig = new Rig();
        rig.Mapped(TestHosts.Buffer, 2 * Page, Base);
        uint fine = rig.NewIoas();
        rig.Attached("mock0", fine);
        ulong iova = Base;
        rig.Refused(Errno.EINVAL, () => rig.Context.IoasCopy(fine, rig.Ioas, MapFlags.Readable | MapFlags.FixedIova, Base + 1, Page, ref iova));
        rig.Copied(Base + 2048, Page, at: Base + 2048, to: fine);
    }

    [Fact]
    public void Copy_PiecesThatTheDomainCannotCut_IsEinvalAndUndoesTheFirst()
    {
        using var rig = new Rig();
        rig.Mapped(TestHosts.Buffer, 2 * Page, Base);
        rig.Mapped(TestHosts.Buffer + (8 * Page), Page + 100, Base + (2 * Page));
        rig.Mapped(TestHosts.Buffer + (20 * Page), Page - 100, Base + (3 * Page) + 100);
        uint coarse = rig.NewIoas();
        rig.Attached("amd0", coarse);
        ulong iova = Base;
        rig.Refused(Errno.EINVAL, () => rig.Context.IoasCopy(coarse, rig.Ioas, ReadWrite | MapFlags.FixedIova, Base, 4 * Page, ref iova));
        Assert.Equal(0u, rig.Pinned);
    }

    [Theory]
    [EveryDomains]
    public void Copy_SourceIoasDestroyed_KeepsThePages(Domains domains)
    {
        using var rig = new Rig(domains);
        uint source = rig.NewIoas();
        rig.Mapped(TestHosts.Buffer, 4 * Page, 0, ioas: source);
        rig.Copied(0, 4 * Page, at: Base, from: source);
        Assert.Null(rig.Context.Destroy(source));
        Assert.Equal(domains == Domains.None ? 0u : 4u, rig.Pinned);
        rig.Unmapped(Base, 4 * Page);
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Copy_MovesStorageWhenTheFirstDomainLeaves()
    {
        using var rig = new Rig();
        Device device = rig.Attached("mock0");
        rig.Mapped(TestHosts.Scattered, 8 * Page, Base);
        uint other = rig.NewIoas();
        rig.Attached("intel0", other);
        rig.Copied(Base + Page, 4 * Page, at: Base, to: other);
        Assert.Null(rig.Context.Detach(device.Id));
        Assert.Equal(4u, rig.Pinned);
        Assert.Null(rig.Context.Attach(device.Id, rig.Ioas, out _));
        Assert.Equal(8u, rig.Pinned);
        IommuDomain mock = rig.Object.Pagetable.Domains[0];
        IommuDomain intel = rig.Context.Objects.Find<Ioas>(other)!.Pagetable.Domains[0];
        Assert.True(mock.TryTranslate(Base + Page, out ulong one));
        Assert.True(intel.TryTranslate(Base, out ulong two));
        Assert.Equal(one, two);
        rig.AssertNothingLeftAfterClose();
    }
}
