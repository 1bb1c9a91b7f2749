// What is measured. The reference's figures for the same work are in docs/benchmarks.md.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Workspaces.Views;

namespace IommuDash.Benchmarks;

internal static class Scenarios
{
    private const ulong Page = 4096;
    private const ulong GiB = 1UL << 30;

    // Inside the mock's window, 16 MiB to 2 GiB.
    private const ulong Base = 1UL << 24;
    private const ulong HighBase = 1UL << 40;

    public static IReadOnlyList<(Scenario Scenario, IommuVendor Vendor, int Domains)> All { get; } =
    [
        .. Family(IommuVendor.Mock, ""),
        .. Family(IommuVendor.Intel, "@vtd"),
        .. Family(IommuVendor.Amd, "@amdv1"),
        (new("hwpt/dirty-read/1GiB-clean", 1, ReadDirty), IommuVendor.Mock, 0),
        (new("hwpt/dirty-read/1GiB-clean@vtd", 1, ReadDirty), IommuVendor.Intel, 0),
        (new("hwpt/dirty-read/1GiB-clean@amdv1", 1, ReadDirty), IommuVendor.Amd, 0),
        (new("view/tree/100k-packed@vtd", 1, b => ProjectTree(b, spacing: Page)), IommuVendor.Intel, 1),
        (new("view/tree/100k-scattered@vtd", 1, b => ProjectTree(b, spacing: 2UL << 20)), IommuVendor.Intel, 1),
        (new("ioas/map-unmap/4K-nodomain", 1000, MapUnmapPage), IommuVendor.Mock, 0),
        (new("ioas/map-auto/10k-packed", 1000, b => MapAutomatically(b, spacing: Page)), IommuVendor.Mock, 0),
        (new("ioas/map-auto/10k-holes", 1000, b => MapAutomatically(b, spacing: 2 * Page)), IommuVendor.Mock, 0),
        (new("ioas/map-auto/10k-misaligned", 1000, MapAutomaticallyAboveMisalignedHoles), IommuVendor.Mock, 0),
        (new("access/read/4K", 1000, b => ReadPage(b, AccessFlags.None)), IommuVendor.Mock, 1),
        (new("access/read/4K-slow", 1000, b => ReadPage(b, AccessFlags.SlowPath)), IommuVendor.Mock, 1),
        (new("access/pin-unpin/4K", 1000, PinPage), IommuVendor.Mock, 1),
    ];

    private static IEnumerable<(Scenario, IommuVendor, int)> Family(IommuVendor vendor, string suffix) =>
    [
        (new("ioas/map-unmap/4K" + suffix, 1000, MapUnmapPage), vendor, 1),
        (new("ioas/map/1GiB" + suffix, 1, b => MapGiB(b, Bench.Contiguous)), vendor, 1),
        (new("ioas/unmap/1GiB" + suffix, 1, b => UnmapGiB(b, Bench.Contiguous)), vendor, 1),
        (new("ioas/map/1GiB-scattered" + suffix, 1, b => MapGiB(b, Bench.Scattered)), vendor, 1),
        (new("ioas/unmap/1GiB-scattered" + suffix, 1, b => UnmapGiB(b, Bench.Scattered)), vendor, 1),
        (new("ioas/build/100k" + suffix, 100_000, Build), vendor, 1),
        (new("ioas/unmap-all/100k" + suffix, 1, UnmapAll), vendor, 1),
    ];

    private static Action<Clock> MapUnmapPage(Bench bench) => clock =>
    {
        clock.Begin();
        for (int i = 0; i < 1000; i++)
        {
            bench.Map(Bench.Contiguous, Page, Base);
            bench.Unmap(Base, Page);
        }
        clock.End();
    };

    private static Action<Clock> ReadPage(Bench bench, AccessFlags flags)
    {
        bench.Map(Bench.Contiguous, 16 * Page, Base);
        AccessFile file = bench.OpenAccess();
        var bytes = new byte[Page];
        return clock =>
        {
            clock.Begin();
            for (int i = 0; i < 1000; i++)
                Bench.Must(file.Access.ReadWrite(bench.Process, Base + ((ulong)(i % 16) * Page), bytes, flags));
            clock.End();
        };
    }

    private static Action<Clock> PinPage(Bench bench)
    {
        bench.Map(Bench.Contiguous, 16 * Page, Base);
        Access access = bench.OpenAccess().Access;
        var frame = new uint[1];
        return clock =>
        {
            clock.Begin();
            for (int i = 0; i < 1000; i++)
            {
                ulong iova = Base + ((ulong)(i % 16) * Page);
                Bench.Must(access.PinPages(iova, Page, AccessFlags.Write, frame));
                access.UnpinPages(iova, Page);
            }
            clock.End();
        };
    }

    private static Action<Clock> MapAutomatically(Bench bench, ulong spacing)
    {
        // The lowest pages automatic allocation would use, so that it has to look past all of them.
        for (ulong i = 0; i < 10_000; i++)
            bench.Map(Bench.Contiguous, Page, Page + (i * spacing));
        ulong length = spacing == Page ? Page : 2 * Page;
        return clock =>
        {
            for (int i = 0; i < 1000; i++)
            {
                clock.Begin();
                ulong iova = bench.Map(Bench.Contiguous + Page, length, null);
                clock.End();
                bench.Unmap(iova, length);
            }
        };
    }

    // Holes of 2 MiB, each off its 2 MiB boundary by a page: long enough, never aligned.
    private static Action<Clock> MapAutomaticallyAboveMisalignedHoles(Bench bench)
    {
        const ulong Large = 2UL << 20;
        for (ulong i = 0; i < 10_000; i++)
            bench.Map(Bench.Contiguous, Page, i * (Large + Page));
        return clock =>
        {
            for (int i = 0; i < 1000; i++)
            {
                clock.Begin();
                ulong iova = bench.Map(Bench.Contiguous, Large, null);
                clock.End();
                bench.Unmap(iova, Large);
            }
        };
    }

    private static Action<Clock> MapGiB(Bench bench, ulong source) => clock =>
    {
        clock.Begin();
        bench.Map(source, GiB, Base);
        clock.End();
        bench.Unmap(Base, GiB);
    };

    private static Action<Clock> UnmapGiB(Bench bench, ulong source) => clock =>
    {
        bench.Map(source, GiB, Base);
        clock.Begin();
        bench.Unmap(Base, GiB);
        clock.End();
    };

    private static Action<Clock> Build(Bench bench) => clock =>
    {
        clock.Begin();
        for (ulong i = 0; i < 100_000; i++)
            bench.Map(Bench.Contiguous + (i * Page), Page, Base + (i * Page));
        clock.End();
        bench.UnmapAll();
    };

    // 262,144 pages of 4 KiB, none written to since the last read.
    private static Action<Clock> ReadDirty(Bench bench)
    {
        uint device = bench.Context.Objects.All.OfType<Device>().Single().Id;
        Bench.Must(bench.Context.HwptAlloc(device, bench.Ioas, HwptFlags.DirtyTracking, 0, out uint hwpt));
        Bench.Must(bench.Context.HwptSetDirtyTracking(hwpt, SetDirtyFlags.Enable));
        bench.Map(Bench.Scattered, GiB, Base);
        byte[] bits = new byte[GiB / Page / 8];
        return clock =>
        {
            clock.Begin();
            Bench.Must(bench.Context.HwptGetDirtyBitmap(hwpt, GetDirtyFlags.None, Base, GiB, Page, bits));
            clock.End();
        };
    }

    private static Action<Clock> UnmapAll(Bench bench) => clock =>
    {
        for (ulong i = 0; i < 100_000; i++)
            bench.Map(Bench.Contiguous + (i * Page), Page, Base + (i * Page));
        clock.Begin();
        bench.UnmapAll();
        clock.End();
    };

    // The picture of the whole page table of 100,000 areas, in the window that holds them all.
    private static Action<Clock> ProjectTree(Bench bench, ulong spacing)
    {
        uint hwpt = bench.Context.Objects.All.OfType<HwptPaging>().Single().Id;
        for (ulong i = 0; i < 100_000; i++)
            bench.Map(Bench.Contiguous, Page, Base + (i * spacing));
        return clock =>
        {
            clock.Begin();
            PageTableTreeView.Project(bench.Host, new PageTableTreeQuery(bench.Context.Fd, hwpt));
            clock.End();
        };
    }
}
