using IommuDash.Engine.Hardware;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Tests.PageTables;

public sealed class DomainFactoryTests
{
    [Theory]
    [InlineData(IommuVendor.Intel, 39, 0, 3, 0x4020_1000UL, (1UL << 39) - 1)]
    [InlineData(IommuVendor.Intel, 46, 21, 4, 0x20_1000UL, (1UL << 46) - 1)]
    [InlineData(IommuVendor.Intel, 57, 12, 5, 0x1000UL, (1UL << 57) - 1)]
    [InlineData(IommuVendor.Amd, 64, 0, 3, 0x000F_FF7F_FFFF_F000UL, ulong.MaxValue)]
    [InlineData(IommuVendor.Amd, 48, 0, 3, 0x0000_FF7F_FFFF_F000UL, (1UL << 48) - 1)]
    public void Create_KnownVendor_GivesItsTable(IommuVendor vendor, int inputBits, int largestPageShift, int levels, ulong pageSizes, ulong apertureLast)
    {
        using var memory = new PhysicalMemory(2 * TestTables.MiB);
        using IommuDomain domain = TestTables.Create(memory, TestTables.Unit(vendor, inputBits, largestPageShift));
        Assert.Equal((levels, pageSizes), (domain.Levels, domain.PageSizeBitmap));
        Assert.Equal(new IovaRange(0, apertureLast), domain.Aperture);
        Assert.Equal(vendor == IommuVendor.Amd, domain.EnforcesCoherency);
    }

    [Fact]
    public void Create_Mock_HasTheSelftestsWindowAndSizes()
    {
        using var memory = new PhysicalMemory(2 * TestTables.MiB);
        using IommuDomain standard = TestTables.Create(memory, "mock");
        using IommuDomain huge = TestTables.Create(memory, "mock-huge");
        Assert.Equal(new IovaRange(1UL << 24, (1UL << 31) - 1), standard.Aperture);
        Assert.Equal(2048UL, standard.PageSizeBitmap & (0 - standard.PageSizeBitmap));
        Assert.False(standard.TryEnforceCoherency());
        Assert.Equal(new IovaRange(0, (1UL << 56) - 1), huge.Aperture);
        Assert.Equal(0x10_1000UL, huge.PageSizeBitmap);
    }

    [Theory]
    [InlineData(IommuVendor.Unknown, 48, Errno.EOPNOTSUPP, "domain.vendor")]
    [InlineData(IommuVendor.Intel, 64, Errno.EINVAL, "domain.width")]
    [InlineData(IommuVendor.Amd, 12, Errno.EINVAL, "domain.width")]
    public void Create_NoSuchTable_SaysWhy(IommuVendor vendor, int inputBits, Errno errno, string rule)
    {
        using var memory = new PhysicalMemory(2 * TestTables.MiB);
        Assert.Null(DomainFactory.Create(TestTables.Unit(vendor, inputBits), memory, out Refusal? refusal));
        Assert.Equal((errno, rule), (refusal!.Errno, refusal.Rule));
        Assert.Equal(1u, memory.FramesInUse);
    }

    [Fact]
    public void Create_NoFrameLeft_IsOutOfMemory()
    {
        using var memory = new PhysicalMemory(2 * TestTables.MiB);
        while (memory.TryAllocate(out _))
        {
        }
        Assert.Null(DomainFactory.Create(TestTables.Unit(IommuVendor.Intel), memory, out Refusal? refusal));
        Assert.Equal(Errno.ENOMEM, refusal!.Errno);
    }
}
