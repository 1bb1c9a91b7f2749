// Allocated bytes, which unlike times are the same on every machine.
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Tests.Iommufd;

namespace IommuDash.Engine.Tests.Iova;

public sealed class IoPagetableCostTests(ITestOutputHelper output)
{
    private const int Pairs = 2_000;

    [Theory]
    [EveryDomains]
    public void MapAndUnmap_SteadyState_AllocateThePagesObjectOnly(Domains domains)
    {
        using var rig = new Rig(domains);
        for (int i = 0; i < 200; i++)
            Pair(rig);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Pairs; i++)
            Pair(rig);
        long bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / Pairs;
        output.WriteLine($"{bytes} bytes per map and unmap");
        Assert.InRange(bytes, 1, 120);
    }

    [Fact]
    public void HundredThousandAreas_TakeAtMostTwoHundredBytesEach()
    {
        const int Areas = 100_000;
        using var rig = new Rig();
        // All that is allocated on the way, kept or not: an upper bound that tests running beside this one cannot disturb.
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (ulong i = 0; i < Areas; i++)
        {
            ulong iova = Rig.Base + (i * 2 * Rig.Page);
            Assert.Null(rig.Context.IoasMap(rig.Process, rig.Ioas, Rig.ReadWrite | MapFlags.FixedIova, TestHosts.Buffer, Rig.Page, ref iova));
        }
        double bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)Areas;
        output.WriteLine($"{bytes:F1} bytes per area, {rig.Object.Pagetable.Areas.StorageBytes / (double)Areas:F1} of them in the tree");
        Assert.InRange(bytes, 1, 200);
        Assert.Equal((ulong)Areas * Rig.Page, rig.Unmapped(0, ulong.MaxValue));
    }

    private static void Pair(Rig rig)
    {
        ulong iova = Rig.Base;
        if (rig.Context.IoasMap(rig.Process, rig.Ioas, Rig.ReadWrite | MapFlags.FixedIova, TestHosts.Buffer, Rig.Page, ref iova) is not null
            || rig.Context.IoasUnmap(rig.Ioas, Rig.Base, Rig.Page, out _) is not null)
        {
            throw new InvalidOperationException("A map or unmap was refused.");
        }
    }
}
