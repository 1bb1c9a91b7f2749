using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.PageTables;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests.Views;

public sealed class DomainViewsTests : IDisposable
{
    private const ulong Page = PhysicalMemory.FrameBytes;
    private const ulong MsiStart = 0xfee0_0000;
    private const ulong MsiLast = 0xfeef_ffff;

    private readonly WorkspaceRegistry _registry = TestWorkspaces.Registry();

    public void Dispose() => _registry.Dispose();

    [Theory]
    [InlineData(IommuVendor.Intel, 4)]
    [InlineData(IommuVendor.Amd, 3)]
    [InlineData(IommuVendor.Mock, 5)]
    public async Task Domains_AfterMap_CountLeavesTablesAndDevices(IommuVendor vendor, int levels)
    {
        Workspace workspace = _registry.Create(Describe(vendor));
        (uint ioas, uint hwpt) = await AttachAsync(workspace, 1);
        await workspace.DoAsync(Map(ioas, TestWorkspaces.Buffer, 3 * Page, 0x100_0000));

        DomainsSnapshot snapshot = (await workspace.ReadAsync<DomainsView, DomainsQuery, DomainsSnapshot>(new())).Data;

        DomainRow row = Assert.Single(snapshot.Domains);
        Assert.Equal((hwpt, ioas, 1), (row.Hwpt, row.Ioas, snapshot.Total));
        Assert.Equal(levels, row.Levels.Count);
        Assert.Equal(3 * Page, row.MappedBytes);
        Assert.Equal(3 * (long)Page, row.Leaves.Sum(static leaf => leaf.Count << leaf.PageShift));
        Assert.Equal(row.TableBytes, row.Levels.Sum(static level => level.Tables) * (long)Page);
        Assert.Equal(TestWorkspaces.Address(1), Assert.Single(row.Devices).Address);
    }

    [Fact]
    public async Task Apertures_NarrowTableAndMsi_NameWhoEndsEachRange()
    {
        Workspace workspace = _registry.Create(Describe(IommuVendor.Intel));
        (uint ioas, uint hwpt) = await AttachAsync(workspace, 1);

        AperturesSnapshot snapshot = (await workspace.ReadAsync<DomainAperturesView, AperturesQuery, AperturesSnapshot>(new(1, ioas))).Data;

        Assert.Equal([$"hwpt:{hwpt}", $"device:{TestWorkspaces.Address(1)}", $"ioas:{ioas}"], snapshot.Rows.Select(static row => row.Key));
        Assert.Equal([new IovaRange(0, MsiStart - 1), new IovaRange(MsiLast + 1, (1UL << 48) - 1)], snapshot.Rows[^1].Ranges);
        Assert.Contains(snapshot.Edges, edge => edge.Address == (1UL << 48) - 1 && edge.Sentence == $"unit0's 48-bit table (hwpt {hwpt}) ends the IOAS at 0xffff_ffff_ffff" && edge.Owners.SequenceEqual([$"hwpt:{hwpt}"]));
        Assert.Contains(snapshot.Edges, edge => edge.Address == MsiStart - 1 && edge.Sentence == $"the MSI window of {TestWorkspaces.Address(1)} ends a usable range at 0xfedf_ffff");
    }

    [Fact]
    public async Task AttachPreview_MappingInMsiWindow_NamesItAndChangesNothing()
    {
        Workspace workspace = _registry.Create(Describe(IommuVendor.Intel));
        uint ioas = (await workspace.DoAsync(new IoasAlloc())).Ioas!.Value;
        await workspace.DoAsync(Map(ioas, TestWorkspaces.Buffer, 2 * Page, MsiStart - Page));
        uint device = (await workspace.DoAsync(new DeviceBind { Address = TestWorkspaces.Address(1) })).Device!.Value;
        long version = workspace.Version;

        AttachPreviewSnapshot preview = (await workspace.ReadAsync<DomainAttachPreviewView, AttachPreviewQuery, AttachPreviewSnapshot>(new(1, ioas, TestWorkspaces.Address(1)))).Data;

        Assert.Equal(new IovaRange(MsiStart - Page, MsiStart + Page - 1), Assert.Single(preview.Outside));
        Assert.Equal(Errno.EADDRINUSE, preview.Refusal?.Errno);
        Assert.Equal(IovaRange.Whole, Assert.Single(preview.Before));
        Assert.Equal([new IovaRange(0, MsiStart - 1), new IovaRange(MsiLast + 1, (1UL << 48) - 1)], preview.After);
        Assert.Equal(version, workspace.Version);
        CommandAnswer real = await workspace.ExecuteAsync(new DeviceAttach { Device = device, Pt = ioas }, "test");
        Assert.Equal((preview.Refusal!.Errno, preview.Refusal.Rule), (real.Errno, real.Rule));
    }

    [Fact]
    public async Task AttachPreview_DeviceNotBound_JoinsTheTableThatAnAttachWouldChoose()
    {
        Workspace workspace = _registry.Create(Describe(IommuVendor.Intel));
        (uint ioas, uint hwpt) = await AttachAsync(workspace, 1);

        AttachPreviewSnapshot preview = (await workspace.ReadAsync<DomainAttachPreviewView, AttachPreviewQuery, AttachPreviewSnapshot>(new(1, ioas, TestWorkspaces.Address(2)))).Data;

        Assert.Equal($"It is not bound yet. Bound first, it would join hw_pagetable {hwpt}.", preview.State);
        Assert.Null(preview.Refusal);
        Assert.DoesNotContain(preview.Added, static row => row.Key == "hwpt:new");
        uint device = (await workspace.DoAsync(new DeviceBind { Address = TestWorkspaces.Address(2) })).Device!.Value;
        Assert.Equal(hwpt, (await workspace.DoAsync(new DeviceAttach { Device = device, Pt = ioas })).Hwpt);
    }

    [Fact]
    public async Task AttachPreview_DeviceNotBound_IsRefusedAsTheAttachWouldBe()
    {
        Workspace workspace = _registry.Create(Describe(IommuVendor.Intel));
        uint ioas = (await workspace.DoAsync(new IoasAlloc())).Ioas!.Value;
        await workspace.DoAsync(Map(ioas, TestWorkspaces.Buffer, 2 * Page, MsiStart - Page));

        AttachPreviewSnapshot preview = (await workspace.ReadAsync<DomainAttachPreviewView, AttachPreviewQuery, AttachPreviewSnapshot>(new(1, ioas, TestWorkspaces.Address(2)))).Data;

        uint device = (await workspace.DoAsync(new DeviceBind { Address = TestWorkspaces.Address(2) })).Device!.Value;
        CommandAnswer real = await workspace.ExecuteAsync(new DeviceAttach { Device = device, Pt = ioas }, "test");
        Assert.Equal((preview.Refusal?.Errno, preview.Refusal?.Rule), (real.Errno, real.Rule));
    }

    [Theory]
    [InlineData(IommuVendor.Intel)]
    [InlineData(IommuVendor.Amd)]
    [InlineData(IommuVendor.Mock)]
    public async Task Columns_AlongTheWalkOfAnIova_EndAtItsLeaf(IommuVendor vendor)
    {
        const ulong Iova = 0x123_4000;
        Workspace workspace = _registry.Create(Describe(vendor));
        (uint ioas, uint hwpt) = await AttachAsync(workspace, 1);
        await workspace.DoAsync(Map(ioas, TestWorkspaces.Buffer + Page, 5 * Page, Iova));

        WalkSnapshot walk = (await workspace.ReadAsync<PageTableWalkView, WalkQuery, WalkSnapshot>(new(1, hwpt, Iova + 0x2345))).Data;
        PageTableSnapshot table = (await workspace.ReadAsync<PageTableView, PageTableQuery, PageTableSnapshot>(new(1, hwpt, walk.Steps[^1].Path))).Data;

        Assert.NotNull(walk.Physical);
        Assert.Equal(walk.Steps.Select(static step => (step.TablePhysical, step.Index, step.Raw)), table.Columns.Select(static column => (column.TablePhysical, column.Chosen!.Index, column.Chosen.Raw)));
        ChosenEntry leaf = table.Columns[^1].Chosen!;
        Assert.Equal(EntryKind.Leaf, leaf.Kind);
        Assert.True(leaf.Iova.Contains(Iova + 0x2345));
        foreach (TableColumn column in table.Columns)
        {
            Assert.Equal(column.EntryCount, column.EmptyCount + column.TableCount + column.LeafCount);
            Assert.Equal(0, column.Runs[0].First);
            Assert.Equal(column.EntryCount - 1, column.Runs[^1].Last);
            Assert.All(column.Runs.Zip(column.Runs.Skip(1)), static pair => Assert.Equal(pair.First.Last + 1, pair.Second.First));
        }
    }

    [Fact]
    public async Task Columns_FivePagesInARow_FoldToOneRun()
    {
        Workspace workspace = _registry.Create(Describe(IommuVendor.Intel));
        (uint ioas, uint hwpt) = await AttachAsync(workspace, 1);
        await workspace.DoAsync(Map(ioas, TestWorkspaces.Buffer, 5 * Page, 3 * Page));

        PageTableSnapshot table = (await workspace.ReadAsync<PageTableView, PageTableQuery, PageTableSnapshot>(new(1, hwpt, "0.0.0"))).Data;

        Assert.Equal([(0, 2, EntryKind.Empty), (3, 7, EntryKind.Leaf), (8, 511, EntryKind.Empty)], table.Columns[3].Runs.Select(static run => (run.First, run.Last, run.Kind)));
    }

    [Theory]
    [InlineData("x.y")]
    [InlineData("99999999999")]
    [InlineData("-1")]
    [InlineData("600.0")]
    [InlineData("...")]
    public async Task Columns_PathThatLeadsNowhere_ShowsTheTopTableOnly(string path)
    {
        Workspace workspace = _registry.Create(Describe(IommuVendor.Intel));
        (_, uint hwpt) = await AttachAsync(workspace, 1);

        PageTableSnapshot table = (await workspace.ReadAsync<PageTableView, PageTableQuery, PageTableSnapshot>(new(1, hwpt, path))).Data;

        Assert.Null(Assert.Single(table.Columns).Chosen);
    }

    [Theory]
    [InlineData(IommuVendor.Intel, 0x5000_0000UL, "Not mapped: the walk ends at level")]
    [InlineData(IommuVendor.Amd, ulong.MaxValue, "Not mapped: 0xffff_ffff_ffff_ffff needs more than the 39 bits that 3 levels translate.")]
    public async Task Walk_NotMapped_SaysWhereItEnds(IommuVendor vendor, ulong iova, string expected)
    {
        Workspace workspace = _registry.Create(Describe(vendor));
        (_, uint hwpt) = await AttachAsync(workspace, 1);

        WalkSnapshot walk = (await workspace.ReadAsync<PageTableWalkView, WalkQuery, WalkSnapshot>(new(1, hwpt, iova))).Data;

        Assert.Null(walk.Physical);
        Assert.StartsWith(expected, walk.Outcome, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Views_UnknownObjects_SayThatTheyDoNotExist()
    {
        Workspace workspace = _registry.Create(Describe(IommuVendor.Intel));

        Assert.False((await workspace.ReadAsync<PageTableView, PageTableQuery, PageTableSnapshot>(new(1, 77))).Data.Exists);
        Assert.False((await workspace.ReadAsync<PageTableWalkView, WalkQuery, WalkSnapshot>(new(9, 77, 0))).Data.Exists);
        Assert.False((await workspace.ReadAsync<DomainAperturesView, AperturesQuery, AperturesSnapshot>(new(1, 77))).Data.Exists);
        Assert.False((await workspace.ReadAsync<DomainAttachPreviewView, AttachPreviewQuery, AttachPreviewSnapshot>(new(1, 77, "none"))).Data.Exists);
        Assert.Empty((await workspace.ReadAsync<DomainsView, DomainsQuery, DomainsSnapshot>(new(9))).Data.Domains);
    }

    private static HostDescription Describe(IommuVendor vendor)
    {
        HostDescription host = TestWorkspaces.Host(vendor);
        return vendor == IommuVendor.Mock ? host : host with { Groups = [.. host.Groups.Select(static group => group with { ReservedRegions = [new ReservedRegion(MsiStart, MsiLast, ReservedRegionKind.Msi)] })] };
    }

    private static IoasMap Map(uint ioas, ulong address, ulong length, ulong iova) => new() { Ioas = ioas, UserAddress = address, Length = length, Iova = iova, Readable = true, Writeable = true };

    private static async Task<(uint Ioas, uint Hwpt)> AttachAsync(Workspace workspace, int device)
    {
        uint ioas = (await workspace.DoAsync(new IoasAlloc())).Ioas!.Value;
        uint id = (await workspace.DoAsync(new DeviceBind { Address = TestWorkspaces.Address(device) })).Device!.Value;
        return (ioas, (await workspace.DoAsync(new DeviceAttach { Device = id, Pt = ioas })).Hwpt!.Value);
    }
}
