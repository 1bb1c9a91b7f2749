using IommuDash.Engine.Hardware;

namespace IommuDash.Benchmarks;

/// <summary>What state costs: bytes that stay, not bytes that pass. Reported in the bytes column, with 0 ns.</summary>
internal static class MemoryUse
{
    private const ulong Page = 4096;
    private const int Areas = 100_000;
    private const ulong Pages = 262_144;

    public static IEnumerable<QuickResult> Measure(bool json)
    {
        foreach (QuickResult row in new[] { PerArea(), PerPinnedPage() })
        {
            if (!json)
                Console.WriteLine($"{row.Name,-36} {"",14}       {row.BytesPerOp,10:N1} B");
            yield return row;
        }
    }

    // Managed bytes that 100,000 one-page areas keep alive: tree nodes and pages objects.
    private static QuickResult PerArea()
    {
        using var bench = new Bench(IommuVendor.Mock, domains: 0);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (ulong i = 0; i < Areas; i++)
            bench.Map(Bench.Contiguous + (i * Page), Page, Page + (i * 2 * Page));
        long after = GC.GetTotalMemory(forceFullCollection: true);
        GC.KeepAlive(bench);
        return new QuickResult("memory/per-area", 0, Math.Round((double)(after - before) / Areas, 1));
    }

    // Page-table frames plus managed bytes that 1 GiB of scattered, pinned pages adds in one domain.
    private static QuickResult PerPinnedPage()
    {
        using var bench = new Bench(IommuVendor.Intel, domains: 1);
        var domain = bench.Context.Objects.All.OfType<Engine.Iommufd.HwptPaging>().First().Domain;
        // The process's own record of its frames is made by the first touch; it is not what pinning costs.
        bench.Map(Bench.Scattered, Pages * Page, 1UL << 24);
        bench.UnmapAll();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        bench.Map(Bench.Scattered, Pages * Page, 1UL << 24);
        long after = GC.GetTotalMemory(forceFullCollection: true);
        return new QuickResult("memory/per-pinned-page", 0, Math.Round((domain.TableBytes + (ulong)Math.Max(0, after - before)) / (double)Pages, 2));
    }
}
