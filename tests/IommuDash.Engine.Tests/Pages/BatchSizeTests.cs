using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Tests.Iommufd;
using static IommuDash.Engine.Tests.Iommufd.Rig;

namespace IommuDash.Engine.Tests.Pages;

public sealed class BatchSizeTests
{
    [Fact]
    public void SetTempMemoryLimit_BelowOneRun_IsRefused()
    {
        using var rig = new Rig();
        rig.Refused(Errno.EINVAL, () => rig.Host.SetTempMemoryLimit(11));
        Assert.Null(rig.Host.SetTempMemoryLimit(12));
        Assert.Null(rig.Host.SetTempMemoryLimit(uint.MaxValue));
    }

    [Theory]
    [EveryDomains]
    public void Batches_OfAnySize_ComeToTheSame(Domains domains)
    {
        string[] expected = [.. States(domains, 65_536)];
        foreach (uint limit in (uint[])[12, 16, 32, 100])
            Assert.Equal(expected, States(domains, limit));
    }

    // Scattered and contiguous memory, whole and half pages, domains coming and going, an access in between.
    private static IEnumerable<string> States(Domains domains, uint limit)
    {
        using var rig = new Rig(domains);
        Assert.Null(rig.Host.SetTempMemoryLimit(limit));
        AccessFile file = AccessTests.Opened(rig, needsPin: false);
        rig.Mapped(TestHosts.Scattered, 32 * Page, Base);
        rig.Mapped(TestHosts.Huge + Page, 600 * Page, Base + (64 * Page));
        rig.Refused(Errno.EFAULT, () => rig.Object.Pagetable.Domains.Count == 0 ? new Refusal(Errno.EFAULT, "none", "none") : rig.Map(Holed, 5 * Page));
        yield return rig.State();
        rig.Copied(Base + (3 * Page), 7 * Page, Base + (2048 * Page));
        AccessFile pins = AccessTests.Opened(rig);
        AccessTests.Pinned(pins, Base + (5 * Page), 20 * Page);
        var bytes = new byte[10 * Page];
        Assert.Null(file.Access.ReadWrite(rig.Process, Base + 100, bytes, AccessFlags.SlowPath));
        yield return rig.State();
        Device device = rig.Attached("mock2");
        yield return rig.State();
        rig.Unmapped(Base, 32 * Page);
        yield return rig.State();
        Assert.Null(rig.Context.Unbind(device.Id));
        yield return rig.State();
        pins.Close();
        file.Close();
        rig.AssertNothingLeftAfterClose();
    }
}
