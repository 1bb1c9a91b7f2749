using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;
using static IommuDash.Engine.Tests.Iommufd.Rig;

namespace IommuDash.Engine.Tests.Iommufd;

public sealed class IoasMapTests
{
    private const ulong LastPage = ulong.MaxValue - Page + 1;

    [Theory]
    [EveryDomains]
    public void Map_SeveralArgumentsWrong_AnswersInTheReferencesOrder(Domains domains)
    {
        using var rig = new Rig(domains);
        const ulong Max = ulong.MaxValue;
        rig.Refused(Errno.EOPNOTSUPP, () => rig.Map(1, Max, Max, (MapFlags)8, ioas: 999));
        rig.Refused(Errno.EOVERFLOW, () => rig.Map(1, 0, Max, 0, ioas: 999));
        rig.Refused(Errno.EOVERFLOW, () => rig.Map(1, Max, 0, 0, ioas: 999));
        rig.Refused(Errno.EINVAL, () => rig.Map(1, 0, 0, 0, ioas: 999));
        rig.Refused(Errno.ENOENT, () => rig.Map(Max, 0, 0, ioas: 999));
        rig.Refused(Errno.ENOENT, () => rig.Map(Max, 0, 0, ioas: 0));
        rig.Refused(Errno.EINVAL, () => rig.Map(Max, 0, 0));
        rig.Refused(Errno.EINVAL, () => rig.Map(Max, Max - Page + 1, 0));
        rig.Refused(Errno.EOVERFLOW, () => rig.Map(Max, Page, 1));
        rig.Refused(Errno.EOVERFLOW, () => rig.Map(LastPage, Page));
    }

    [Theory]
    [EveryDomains]
    public void Map_FixedWhereItMayNot_SaysWhy(Domains domains)
    {
        using var rig = new Rig(domains);
        rig.Mapped(TestHosts.Buffer, 4 * Page, Base + (4 * Page));
        foreach ((ulong at, ulong pages) in ((ulong, ulong)[])[(3, 2), (4, 4), (5, 2), (7, 2), (3, 6)])
            rig.Refused(Errno.EEXIST, () => rig.Map(TestHosts.Buffer, pages * Page, Base + (at * Page)));
        rig.Refused(Errno.EOVERFLOW, () => rig.Map(TestHosts.Buffer, 2 * Page, LastPage));
        if (domains == Domains.None)
            return;
        rig.Refused(Errno.EINVAL, () => rig.Map(TestHosts.Buffer, Page, Base + 1));
        rig.Refused(Errno.EINVAL, () => rig.Map(TestHosts.Buffer, Page + 1, Base));
        rig.Refused(Errno.EINVAL, () => rig.Map(TestHosts.Buffer + 1, Page, Base));
        rig.Refused(Errno.EINVAL, () => rig.Map(TestHosts.Buffer + 1, Page));
        if (domains is Domains.Intel or Domains.Amd or Domains.MockAndIntel)
            rig.Refused(Errno.EINVAL, () => rig.Map(TestHosts.Buffer, Page, 0xfee0_0000));
        if (domains is Domains.Mock or Domains.TwoMock or Domains.MockAndIntel)
        {
            rig.Refused(Errno.EINVAL, () => rig.Map(TestHosts.Buffer, Page, Base - Page));
            rig.Refused(Errno.EINVAL, () => rig.Map(TestHosts.Buffer, Page, 1UL << 31));
        }
    }

    [Fact]
    public void Map_FixedOutsideTheAllowedList_Succeeds()
    {
        using var rig = new Rig();
        Assert.Null(rig.Context.IoasAllowIovas(rig.Ioas, [new IovaRange(0x10_0000, 0x1f_ffff)]));
        rig.Mapped(TestHosts.Buffer, Page, 0);
        rig.Mapped(TestHosts.Buffer, Page, LastPage);
        Assert.InRange(rig.Mapped(TestHosts.Buffer, Page), 0x10_0000UL, 0x1f_f000UL);
    }

    [Fact]
    public void Map_Refused_LeavesTheCallersIova()
    {
        using var rig = new Rig(Domains.Mock);
        ulong iova = 0x1234;
        Assert.Equal(Errno.EFAULT, rig.Context.IoasMap(rig.Process, rig.Ioas, ReadWrite, 0x5000, Page, ref iova)!.Errno);
        Assert.Equal(0x1234UL, iova);
        Assert.Equal(Errno.ENOSPC, rig.Context.IoasMap(rig.Process, rig.Ioas, ReadWrite, 0, 1UL << 40, ref iova)!.Errno);
        Assert.Equal(0x1234UL, iova);
    }

    [Theory]
    [EveryDomains]
    public void Map_WriteOnly_IsFineAndTranslates(Domains domains)
    {
        using var rig = new Rig(domains);
        ulong iova = rig.Mapped(TestHosts.Scattered, 3 * Page, flags: MapFlags.Writeable);
        foreach (var domain in rig.Object.Pagetable.Domains)
            Assert.True(domain.TryTranslate(iova + Page, out _));
        Assert.Equal(3 * Page, rig.Unmapped(iova, 3 * Page));
        rig.AssertNothingLeftAfterClose();
    }

    [Theory]
    [EveryDomains]
    public void Map_AutomaticPlaces_KeepTheSourcesAlignmentAndAvoidReservedAndDisallowed(Domains domains)
    {
        using var rig = new Rig(domains);
        foreach (ulong pages in (ulong[])[1, 5, 15, 1, 4, 4, 13])
        {
            ulong iova = rig.Mapped(TestHosts.Buffer, pages * Page);
            ulong length = pages * Page;
            Assert.Equal(0UL, iova % (length & (0 - length)));
            Assert.NotEqual(0UL, iova);
        }
        rig.Unmapped(0, ulong.MaxValue);
        IovaRange[] allowed = [new(Base + (16 * Page), Base + (24 * Page) - 1), new(Base + (64 * Page), Base + (128 * Page) - 1)];
        Assert.Null(rig.Context.IoasAllowIovas(rig.Ioas, allowed));
        for (int i = 0; i < 6; i++)
        {
            ulong iova = rig.Mapped(TestHosts.Buffer, 8 * Page);
            Assert.Contains(allowed, range => range.Contains(new IovaRange(iova, iova + (8 * Page) - 1)));
        }
        Assert.Equal(48 * Page, rig.Unmapped(0, ulong.MaxValue));
    }

    [Theory]
    [EveryDomains]
    public void Map_EveryLengthUpToTwoPages_FollowsTheAlignment(Domains domains)
    {
        using var rig = new Rig(domains);
        for (ulong length = 1; length < 2 * Page; length++)
        {
            if (length % rig.Alignment != 0)
            {
                Assert.Equal(Errno.EINVAL, rig.Map(TestHosts.Buffer, length)!.Errno);
                continue;
            }
            ulong iova = rig.Mapped(TestHosts.Buffer, length);
            Assert.Equal(length, rig.Unmapped(iova, length));
        }
        rig.AssertNothingLeftAfterClose();
    }

    [Theory]
    [InlineData(Domains.Mock, TestHosts.Buffer)]
    [InlineData(Domains.Mock, TestHosts.Scattered)]
    [InlineData(Domains.Mock, TestHosts.Huge)]
    [InlineData(Domains.TwoMock, TestHosts.Buffer)]
    [InlineData(Domains.TwoMock, TestHosts.Scattered)]
    public void Map_EveryHalfPageStartAndLength_PinsEachPageOnceAndTranslatesEveryByte(Domains domains, ulong memory)
    {
        using var rig = new Rig(domains);
        const ulong Half = Page / 2;
        const ulong Pages = 6;
        rig.Host.WriteMemory(TestHosts.Pid, memory, new byte[Pages * Page]);
        for (ulong start = 0; start < Pages * Page; start += Half)
        {
            for (ulong length = Half; length <= (Pages * Page) - start; length += Half)
            {
                ulong iova = rig.Mapped(memory + start, length);
                Assert.Equal(start % Page, iova % Page);
                ulong touched = ((start % Page) + length + Page - 1) / Page;
                Assert.Equal(touched, rig.Pinned);
                foreach (var domain in rig.Object.Pagetable.Domains)
                {
                    Assert.Equal(length, domain.MappedBytes);
                    Assert.False(domain.TryTranslate(iova + length, out _));
                    for (ulong at = 0; at < length; at += Half)
                    {
                        Assert.True(domain.TryTranslate(iova + at, out ulong physical));
                        Assert.Equal(FrameOf(rig.Process, memory + start + at), physical);
                    }
                }
                Assert.Equal(length, rig.Unmapped(iova, length));
                Assert.Equal(0u, rig.Pinned);
            }
        }
        rig.AssertNothingLeftAfterClose();
    }

    [Theory]
    [EveryDomains(attached: true)]
    public void Map_MemoryWithAHole_IsRefusedWholeAtEveryDistance(Domains domains)
    {
        using var rig = new Rig(domains);
        rig.Refused(Errno.EFAULT, () => rig.Map(Holed, 3 * Page, Base));
        rig.Refused(Errno.EFAULT, () => rig.Map(Holed, 5 * Page, Base));
        rig.Refused(Errno.EFAULT, () => rig.Map(Holed + (2 * Page), Page, Base));
        rig.Refused(Errno.EFAULT, () => rig.Map(TestHosts.Buffer + (4000 * Page), 97 * Page, Base));
        rig.Refused(Errno.EFAULT, () => rig.Map(TestHosts.Scattered + (2 * Page), 4095 * Page, Base));
        rig.Refused(Errno.EFAULT, () => rig.Map(TestHosts.ReadOnly, Page, Base));
        rig.Mapped(TestHosts.ReadOnly, Page, Base, MapFlags.Readable);
    }

    [Theory]
    [EveryDomains(attached: true)]
    public void Map_LargestLeaves_AreUsedOnlyWhileLargePagesAreOn(Domains domains)
    {
        using var rig = new Rig(domains);
        ulong iova = rig.Mapped(TestHosts.Huge, 4UL << 20);
        Assert.Equal(0UL, iova % (2UL << 20));
        Assert.All(rig.Object.Pagetable.Domains, d => Assert.Contains(d.LeafCounts(), l => l is { PageShift: >= 21, Count: > 0 }));
        rig.Unmapped(0, ulong.MaxValue);
        Assert.Null(rig.Context.OptionSet(rig.Process, IommufdOption.HugePages, rig.Ioas, 0));
        rig.Mapped(TestHosts.Huge, 4UL << 20);
        Assert.All(rig.Object.Pagetable.Domains, d => Assert.All(d.LeafCounts(), l => Assert.True(l.Count == 0 || l.PageShift <= 12, $"{l.Count} leaves of 2^{l.PageShift}")));
        Assert.Equal(1024u, rig.Pinned);
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void Map_AboveTheAreaCap_IsEnomemAndNamesTheOption()
    {
        using var rig = new Rig(limits: new EngineLimits { AreasPerIoas = 2 });
        rig.Mapped(TestHosts.Buffer, Page);
        rig.Mapped(TestHosts.Buffer, Page);
        rig.Refused(Errno.ENOMEM, () => rig.Map(TestHosts.Buffer, Page));
        Assert.Contains(nameof(EngineLimits.AreasPerIoas), rig.Map(TestHosts.Buffer, Page)!.Reason, StringComparison.Ordinal);
    }

    internal static ulong FrameOf(EmulatedProcess process, ulong address)
    {
        MemoryMapping mapping = process.Memory.Find(address)!;
        uint pfn = mapping.PinFrames(address & ~(Page - 1), out ulong index).Peek(index);
        Assert.NotEqual(0u, pfn);
        return ((ulong)pfn << PhysicalMemory.FrameShift) | (address % Page);
    }
}
