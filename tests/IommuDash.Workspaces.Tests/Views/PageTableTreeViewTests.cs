using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests.Views;

public sealed class PageTableTreeViewTests : IDisposable
{
    private const ulong Page = PhysicalMemory.FrameBytes;
    private const ulong LargePage = 0x20_0000;
    private const ulong Low = 0x100_0000;
    private const ulong High = 0x5000_0000;

    private readonly WorkspaceRegistry _registry = TestWorkspaces.Registry();

    public void Dispose() => _registry.Dispose();

    [Theory]
    [InlineData(IommuVendor.Intel)]
    [InlineData(IommuVendor.Amd)]
    [InlineData(IommuVendor.Mock)]
    public async Task Bands_AtAnyWindowWithAllInIt_CountEveryTableAndPage(IommuVendor vendor)
    {
        (Workspace workspace, uint ioas, uint hwpt) = await AttachAsync(vendor);
        await workspace.DoAsync(Map(ioas, 37 * Page, Low));
        await workspace.DoAsync(Map(ioas, 2 * Page, Low + (5 * LargePage) + Page));
        await workspace.DoAsync(Map(ioas, Page, High));
        DomainRow row = Assert.Single((await workspace.ReadAsync<DomainsView, DomainsQuery, DomainsSnapshot>(new())).Data.Domains);

        PageTableTreeSnapshot fit = await ReadAsync(workspace, hwpt);
        for (int shift = fit.FitShift; shift <= fit.ReachShift; shift++)
        {
            PageTableTreeSnapshot tree = await ReadAsync(workspace, hwpt, 0, shift);

            Assert.Equal(row.Levels.Select(static level => (level.Level, level.Tables, level.Tables)), tree.Bands.SkipLast(1).Select(static band => (band.Level, band.Tables, band.AllTables)));
            Assert.Equal(row.LeafTotal, tree.AllPages);
            Assert.Equal(row.LeafTotal, tree.Bands.Sum(static band => band.Pages));
            Assert.DoesNotContain(tree.Bands, static band => band.Estimated);
            AssertOrdered(tree);
        }
    }

    [Theory]
    [InlineData(IommuVendor.Intel)]
    [InlineData(IommuVendor.Amd)]
    [InlineData(IommuVendor.Mock)]
    public async Task Fit_OfTwoAreas_IsTheSmallestWindowWithBoth(IommuVendor vendor)
    {
        (Workspace workspace, uint ioas, uint hwpt) = await AttachAsync(vendor);
        await workspace.DoAsync(Map(ioas, Page, Low));
        await workspace.DoAsync(Map(ioas, Page, High));

        PageTableTreeSnapshot tree = await ReadAsync(workspace, hwpt);

        Assert.Equal((tree.FitStart, tree.FitShift), (tree.Start, tree.Shift));
        Assert.Equal(31, tree.Shift);
        Assert.True(tree.Start <= Low && tree.Start + (1UL << tree.Shift) > High);
    }

    [Fact]
    public async Task Window_OfOneTable_ShowsItsEntriesOneByOneUnderTheTablesAbove()
    {
        (Workspace workspace, uint ioas, uint hwpt) = await AttachAsync(IommuVendor.Intel);
        await workspace.DoAsync(Map(ioas, 3 * Page, Low));

        PageTableTreeSnapshot tree = await ReadAsync(workspace, hwpt, Low, 21);

        Assert.Equal([3, 2, 1, 0], tree.Crumbs.Select(static crumb => crumb.Level));
        Assert.Equal((Low, 21), (tree.Crumbs[^1].Start, tree.Crumbs[^1].Shift));
        TreeTable leafMost = Assert.Single(tree.Items.OfType<TreeTable>(), static table => table.Level == 0);
        Assert.Equal((tree.Crumbs[^1].Physical, 3, 0, 3), (leafMost.Physical, leafMost.Used, leafMost.Tables, leafMost.Pages));
        TreePages pages = Assert.Single(tree.Items.OfType<TreePages>());
        Assert.Equal((-1, Low, 12, 3), (pages.Level, pages.Start, pages.PageShift, pages.Count));
    }

    [Fact]
    public async Task Pages_OfSeveralEntries_CountOnceAndStandAtTheirOwnSize()
    {
        (Workspace workspace, uint ioas, uint hwpt) = await AttachAsync(IommuVendor.Mock);
        await workspace.DoAsync(Map(ioas, 3 * Page, Low));

        TreePages[] pages = [.. (await ReadAsync(workspace, hwpt)).Items.OfType<TreePages>()];

        DomainRow row = Assert.Single((await workspace.ReadAsync<DomainsView, DomainsQuery, DomainsSnapshot>(new())).Data.Domains);
        Assert.Equal(row.Leaves.Select(static leaf => (leaf.PageShift, leaf.Count)), pages.GroupBy(static run => run.PageShift).OrderBy(static size => size.Key).Select(static size => (size.Key, size.Sum(static run => (long)run.Count))));
    }

    [Fact]
    public async Task Columns_OfWhatIsNarrower_SayHowManyAndHowMuchOfThem()
    {
        (Workspace workspace, uint ioas, uint hwpt) = await AttachAsync(IommuVendor.Intel);
        await workspace.DoAsync(Map(ioas, 100 * Page, Low));

        PageTableTreeSnapshot tree = await ReadAsync(workspace, hwpt, 0, 30);

        TreeColumns columns = Assert.Single(tree.Items.OfType<TreeColumns>());
        Assert.Equal((-1, 8, 8, 0, 100, false), (columns.Level, columns.First, columns.Last, columns.Tables, columns.Pages, columns.Estimated));
        Assert.Equal(100.0 / 512, columns.Covered, 0.001);
        Assert.Equal(new IovaRange(Low, Low + LargePage - 1), tree.RangeOf(columns));
    }

    [Fact]
    public async Task Columns_OfManyTables_AreScaledUpAndSaySo()
    {
        const int Areas = 400;
        (Workspace workspace, uint ioas, uint hwpt) = await AttachAsync(IommuVendor.Intel);
        for (ulong i = 0; i < Areas; i++)
            await workspace.DoAsync(Map(ioas, Page, i * LargePage));

        PageTableTreeSnapshot tree = await ReadAsync(workspace, hwpt, 0, 48);

        TreeBand pages = tree.Bands[^1];
        Assert.Equal((-1, Areas, true), (pages.Level, pages.Pages, pages.Estimated));
        TreeBand tables = tree.Bands.Single(static band => band.Level == 0);
        Assert.Equal((Areas, Areas, false), (tables.Tables, tables.AllTables, tables.Estimated));
    }

    [Fact]
    public async Task Tree_AfterTheLastUnmap_ShowsTheTablesThatStayEmpty()
    {
        (Workspace workspace, uint ioas, uint hwpt) = await AttachAsync(IommuVendor.Intel);
        await workspace.DoAsync(Map(ioas, 3 * Page, Low));
        await workspace.DoAsync(new IoasUnmap { Ioas = ioas, Iova = Low, Length = 3 * Page });

        PageTableTreeSnapshot tree = await ReadAsync(workspace, hwpt);

        Assert.Equal(0, tree.AllPages);
        TreeTable leafMost = Assert.Single(tree.Items.OfType<TreeTable>(), static table => table.Level == 0);
        Assert.Equal((0, Low), (leafMost.Used, tree.RangeOf(leafMost).Start));
    }

    [Fact]
    public async Task Tree_NothingMapped_IsTheTopTableOverItsWholeReach()
    {
        (Workspace workspace, _, uint hwpt) = await AttachAsync(IommuVendor.Intel);

        PageTableTreeSnapshot tree = await ReadAsync(workspace, hwpt);

        Assert.Equal((0UL, 48, 48), (tree.Start, tree.Shift, tree.ReachShift));
        Assert.Equal("t3.0", Assert.Single(tree.Items).Key);
    }

    [Theory]
    [InlineData(ulong.MaxValue, 30)]
    [InlineData(0x123UL, -7)]
    [InlineData(0xffff_ffff_ffffUL, 64)]
    public async Task Window_OutsideTheTable_IsBroughtInside(ulong start, int shift)
    {
        (Workspace workspace, uint ioas, uint hwpt) = await AttachAsync(IommuVendor.Intel);
        await workspace.DoAsync(Map(ioas, Page, Low));

        PageTableTreeSnapshot tree = await ReadAsync(workspace, hwpt, start, shift);

        Assert.InRange(tree.Shift, tree.LeastShift, tree.ReachShift);
        Assert.True(tree.Start <= (1UL << 48) - (1UL << tree.Shift));
        AssertOrdered(tree);
    }

    [Fact]
    public async Task Tree_OfUnknownHwpt_DoesNotExist()
    {
        (Workspace workspace, _, _) = await AttachAsync(IommuVendor.Intel);

        Assert.False((await ReadAsync(workspace, 77)).Exists);
    }

    private static void AssertOrdered(PageTableTreeSnapshot tree)
    {
        Assert.Equal(tree.Items.Count, tree.Items.Select(static item => item.Key).Distinct().Count());
        foreach (IGrouping<int, TreeItem> band in tree.Items.GroupBy(static item => item.Level))
        {
            IovaRange[] ranges = [.. band.Select(tree.RangeOf)];
            Assert.InRange(ranges.Length, 1, PageTableTreeView.Columns);
            Assert.All(ranges.Zip(ranges.Skip(1)), static pair => Assert.True(pair.First.Last < pair.Second.Start));
        }
    }

    private static async Task<PageTableTreeSnapshot> ReadAsync(Workspace workspace, uint hwpt, ulong start = 0, int shift = 0) =>
        (await workspace.ReadAsync<PageTableTreeView, PageTableTreeQuery, PageTableTreeSnapshot>(new(1, hwpt, start, shift))).Data;

    private static IoasMap Map(uint ioas, ulong length, ulong iova) => new() { Ioas = ioas, UserAddress = TestWorkspaces.Buffer + Page, Length = length, Iova = iova, Readable = true, Writeable = true };

    private async Task<(Workspace Workspace, uint Ioas, uint Hwpt)> AttachAsync(IommuVendor vendor)
    {
        Workspace workspace = _registry.Create(TestWorkspaces.Host(vendor));
        uint ioas = (await workspace.DoAsync(new IoasAlloc())).Ioas!.Value;
        uint device = (await workspace.DoAsync(new DeviceBind { Address = TestWorkspaces.Address(1) })).Device!.Value;
        return (workspace, ioas, (await workspace.DoAsync(new DeviceAttach { Device = device, Pt = ioas })).Hwpt!.Value);
    }
}
