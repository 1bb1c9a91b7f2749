using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests.Views;

/// <summary>Dirty commands and what the views show of them.</summary>
public sealed class DirtyViewTests
{
    private const ulong Page = 4096;
    private const ulong Base = 1UL << 24;
    private const uint Device = 2;
    private const uint Hwpt = 3;

    [Fact]
    public async Task GetDirty_AfterWrites_SaysWhichPagesAndClearsThem()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = await TrackingAsync(registry);
        Assert.Equal(3 * Page, (await workspace.DoAsync(new DeviceDmaWrite { Device = Device, Iova = Base + Page, Length = 3 * Page })).Dirty!.DirtiedBytes);
        await workspace.DoAsync(new DeviceDmaWrite { Device = Device, Iova = Base + (70 * Page), Length = 1 });

        var read = new HwptGetDirty { Hwpt = Hwpt, Iova = Base, Length = 128 * Page, NoClear = true };
        DirtyOutputs kept = (await workspace.DoAsync(read)).Dirty!;
        Assert.Equal((128UL, 4UL, 0UL, 2), (kept.Bits, kept.DirtyBits, kept.ClearedBytes, kept.TotalRanges));
        Assert.Equal([new IovaRange(Base + Page, Base + (4 * Page) - 1), new IovaRange(Base + (70 * Page), Base + (71 * Page) - 1)], kept.Ranges);
        Assert.Equal("0e0000000000000040" + new string('0', 14), kept.Hex);
        Assert.Equal(4 * Page, (await workspace.DoAsync(read with { NoClear = false })).Dirty!.ClearedBytes);
        Assert.Equal(0UL, (await workspace.DoAsync(read)).Dirty!.DirtyBits);
    }

    [Fact]
    public async Task GetDirty_OfPartOfALargeLeaf_ClearsTheWholeLeaf()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = await TrackingAsync(registry, large: true);
        await workspace.DoAsync(new DeviceDmaWrite { Device = Device, Iova = Base, Length = 1 });
        DirtyOutputs read = (await workspace.DoAsync(new HwptGetDirty { Hwpt = Hwpt, Iova = Base + Page, Length = Page })).Dirty!;
        Assert.Equal((1UL, 2UL << 20), (read.DirtyBits, read.ClearedBytes));
    }

    [Fact]
    public async Task GetDirty_TooManyBits_IsRefusedBeforeTheJournal()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = await TrackingAsync(registry);
        long version = workspace.Version;
        CommandAnswer answer = await workspace.ExecuteAsync(new HwptGetDirty { Hwpt = Hwpt, Iova = 0, Length = ulong.MaxValue }, "test");
        Assert.Equal((Errno.E2BIG, "command.size", version), (answer.Errno!.Value, answer.Rule, workspace.Version));
        Assert.Equal(Errno.E2BIG, (await workspace.ExecuteAsync(new DeviceDmaWrite { Device = Device, Iova = 0, Length = 1UL << 60 }, "test")).Errno);
        Assert.Equal(Errno.EINVAL, (await workspace.ExecuteAsync(new HwptGetDirty { Hwpt = Hwpt, Iova = Base, Length = Page, PageSize = 0 }, "test")).Errno);
        Assert.Equal(Errno.EINVAL, (await workspace.ExecuteAsync(new HwptGetDirty { Hwpt = Hwpt, Iova = Base, Length = 0 }, "test")).Errno);
    }

    [Fact]
    public async Task Dirty_SomeWrites_CountsThemPerCellAndInTotal()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = await TrackingAsync(registry);
        await workspace.DoAsync(new DeviceDmaWrite { Device = Device, Iova = Base, Length = 8 * Page });
        await workspace.DoAsync(new DeviceDmaWrite { Device = Device, Iova = Base + (100 * Page), Length = 1 });

        DirtySnapshot dirty = await ReadAsync(workspace, new DirtyQuery(1, Base, Base + (128 * Page) - 1, Cells: 32));
        Assert.Equal((true, Base, Base + (128 * Page) - 1, 4 * Page, 32), (dirty.Exists, dirty.Start, dirty.Last, dirty.CellBytes, dirty.Cells));
        Assert.Equal([new IovaRange(Base, Base + (128 * Page) - 1)], dirty.Stretches);
        DirtyRow row = Assert.Single(dirty.Rows);
        Assert.Equal((Hwpt, DirtyState.On, (ulong?)(9 * Page), 9 * Page), (row.Hwpt, row.State, row.DirtyBytes, row.WindowDirtyBytes));
        Assert.Equal([new DirtyRun(0, 2, 8, 8 * Page), new DirtyRun(25, 1, 2, Page)], row.Runs);
        Assert.Equal(TestWorkspaces.Address(1), Assert.Single(row.Devices).Address);

        DirtySnapshot whole = await ReadAsync(workspace, new DirtyQuery(1));
        Assert.Equal((0UL, ulong.MaxValue, 9 * Page), (whole.Start, whole.Last, Assert.Single(whole.Rows).WindowDirtyBytes));
        Assert.InRange(whole.Cells, 512, 1024);
        Assert.Equal(1, Assert.Single(Assert.Single(whole.Rows).Runs).Level);
    }

    [Fact]
    public async Task Dirty_AutomaticHwpt_SaysWhyItCannotTrackAndWhoCould()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create(TestWorkspaces.Host(IommuVendor.Intel));
        await workspace.DoAsync(new IoasAlloc());
        await workspace.DoAsync(new DeviceBind { Address = TestWorkspaces.Address(1) });
        await workspace.DoAsync(new DeviceAttach { Device = Device, Pt = 1 });
        DirtySnapshot dirty = await ReadAsync(workspace, new DirtyQuery(1));
        DirtyRow row = Assert.Single(dirty.Rows);
        Assert.Equal(DirtyState.Incapable, row.State);
        Assert.Contains("attaching", row.Reason, StringComparison.Ordinal);
        Assert.Equal([new DirtyCandidate(Device, TestWorkspaces.Address(1), true), .. Enumerable.Range(2, 3).Select(n => new DirtyCandidate(null, TestWorkspaces.Address(n), false))], dirty.Candidates);
        Assert.False((await ReadAsync(workspace, new DirtyQuery(9))).Exists);
    }

    [Fact]
    public async Task Words_OfARead_AreTheBitmapAndEndAtTheHole()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = await TrackingAsync(registry);
        await workspace.DoAsync(new DeviceDmaWrite { Device = Device, Iova = Base + (70 * Page), Length = 1 });
        var query = new DirtyWordsQuery(Hwpt, Base, 200 * Page, FirstWord: 1);
        DirtyWordsSnapshot words = (await workspace.ReadAsync<DirtyWordsView, DirtyWordsQuery, DirtyWordsSnapshot>(query)).Data;
        Assert.Null(words.Refusal);
        Assert.Equal((200UL, 4UL, Base + (128 * Page) - 1), (words.Bits, words.TotalWords, words.ReadLast));
        Assert.Equal([new DirtyWord(1, 1UL << 6, Base + (64 * Page), 64), new DirtyWord(2, 0, Base + (128 * Page), 64), new DirtyWord(3, 0, Base + (192 * Page), 8)], words.Words);
        Assert.Equal(1UL, (await workspace.DoAsync(new HwptGetDirty { Hwpt = Hwpt, Iova = Base, Length = 200 * Page })).Dirty!.DirtyBits);

        words = (await workspace.ReadAsync<DirtyWordsView, DirtyWordsQuery, DirtyWordsSnapshot>(query with { Iova = Base + 1 })).Data;
        Assert.Equal(Errno.EINVAL, words.Refusal!.Errno);
    }

    [Fact]
    public async Task Words_NextAndPreviousDirty_AreFoundFromAnyBit()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = await TrackingAsync(registry);
        ulong[] dirty = [0, 7, 8, 70, 127];
        foreach (ulong page in dirty)
            await workspace.DoAsync(new DeviceDmaWrite { Device = Device, Iova = Base + (page * Page), Length = 1 });
        for (ulong bit = 0; bit < 128; bit++)
        {
            DirtyWordsSnapshot words = (await workspace.ReadAsync<DirtyWordsView, DirtyWordsQuery, DirtyWordsSnapshot>(new(Hwpt, Base, 128 * Page, Bit: bit))).Data;
            ulong? Address(ulong? page) => page is { } index ? Base + (index * Page) : null;
            Assert.Equal(Address(dirty.Where(page => page > bit).Cast<ulong?>().FirstOrDefault()), words.NextDirty);
            Assert.Equal(Address(dirty.Where(page => page < bit).Cast<ulong?>().LastOrDefault()), words.PreviousDirty);
            Assert.Equal(5UL, words.DirtyBits);
        }
    }

    [Fact]
    public async Task Events_OfARead_SayHowManyPagesWereDirty()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = await TrackingAsync(registry);
        await workspace.DoAsync(new DeviceDmaWrite { Device = Device, Iova = Base, Length = 5 * Page });
        await workspace.DoAsync(new HwptGetDirty { Hwpt = Hwpt, Iova = Base, Length = 128 * Page });
        EventsSnapshot events = (await workspace.ReadEventsAsync(new EventsQuery { Kind = EngineEventKind.DirtyBitmapRead, Object = Hwpt })).Data;
        EventItem read = Assert.Single(events.Items);
        Assert.Equal((5UL, new IovaRange(Base, Base + (128 * Page) - 1)), (read.Value, read.Range!.Value));
    }

    [Fact]
    public async Task Undo_OfAClearingRead_BringsTheDirtyPagesBack()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = await TrackingAsync(registry);
        await workspace.DoAsync(new DeviceDmaWrite { Device = Device, Iova = Base, Length = 5 * Page });
        string before = await workspace.ComputeDigestAsync();
        await workspace.DoAsync(new HwptGetDirty { Hwpt = Hwpt, Iova = Base, Length = 128 * Page });
        Assert.NotEqual(before, await workspace.ComputeDigestAsync());
        Assert.Null((await workspace.UndoAsync("test")).Errno);
        Assert.Equal(before, await workspace.ComputeDigestAsync());
    }

    /// <summary>An IOAS with 128 pages, or one large one, shown by a hw_pagetable that tracks.</summary>
    private static async Task<Workspace> TrackingAsync(WorkspaceRegistry registry, bool large = false)
    {
        HostDescription host = TestWorkspaces.Host(IommuVendor.Intel);
        Workspace workspace = registry.Create(large ? host with { Processes = [host.Processes[0] with { Memory = [host.Processes[0].Memory[0] with { Layout = FrameLayout.Huge }] }] } : host);
        await workspace.DoAsync(new IoasAlloc());
        if (!large)
            await workspace.DoAsync(new OptionSet { Option = Engine.Iommufd.IommufdOption.HugePages, Object = 1, Value = 0 });
        await workspace.DoAsync(new DeviceBind { Address = TestWorkspaces.Address(1) });
        await workspace.DoAsync(new IoasMap { Ioas = 1, UserAddress = TestWorkspaces.Buffer, Length = large ? 2UL << 20 : 128 * Page, Iova = Base });
        await workspace.DoAsync(new HwptAlloc { Device = Device, Pt = 1, DirtyTracking = true });
        await workspace.DoAsync(new DeviceAttach { Device = Device, Pt = Hwpt });
        await workspace.DoAsync(new HwptSetDirtyTracking { Hwpt = Hwpt });
        return workspace;
    }

    private static async Task<DirtySnapshot> ReadAsync(Workspace workspace, DirtyQuery query) => (await workspace.ReadAsync<DirtyView, DirtyQuery, DirtySnapshot>(query)).Data;
}
