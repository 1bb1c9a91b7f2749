using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests.Views;

/// <summary>One pages object: 16 pages in IOAS 1 at <see cref="Base"/>, device 2 on hw_pagetable 3.</summary>
public sealed class IoasSharingViewTests
{
    private const ulong Page = 4096;
    private const ulong Base = 1UL << 24;

    [Fact]
    public async Task Sharing_SoleDomain_UnpinsAllButWhatAccessesHold()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = await MappedAsync(registry);
        uint access = (await workspace.DoAsync(new AccessCreate { Ioas = 1 })).Access!.Value;
        uint item = (await workspace.DoAsync(new AccessPin { Access = access, Iova = Base + (4 * Page), Length = 3 * Page })).Item!.Value;

        IoasSharingSnapshot sharing = await ReadAsync(workspace, 1, Base + Page);
        Assert.Equal((true, TestWorkspaces.Pid, TestWorkspaces.Buffer, 16 * Page, 16UL, 16u, 1), (sharing.Exists, sharing.Pid, sharing.FirstByte, sharing.LengthBytes, sharing.Pages, sharing.PinnedPages, sharing.TotalAreas));
        SharingArea area = Assert.Single(sharing.Areas);
        Assert.Equal((1u, Base, 0UL, 15UL, "rw", (uint?)3, 1, true), (area.Ioas, area.Start, area.FirstPage, area.LastPage, area.Prot, area.StorageHwpt, area.Pins, area.IsSelected));
        SharingPin pin = Assert.Single(sharing.Pins);
        Assert.Equal((access, (uint?)item, 4UL, 6UL, "emulated device of vmm (pid 100)"), (pin.Access, pin.Item, pin.FirstPage, pin.LastPage, pin.Holder));
        Assert.Equal([new SharingPlace(0, 3, SharingPlaceKind.Domain, 3), new SharingPlace(4, 6, SharingPlaceKind.Store, null), new SharingPlace(7, 15, SharingPlaceKind.Domain, 3)], sharing.Places);
        SharingMove move = sharing.Move!;
        Assert.Equal((3u, 13UL, 0UL, Errno.EBUSY), (move.Hwpt, move.UnpinnedPages, move.MovedPages, move.Refusal!.Errno));
        Assert.Equal([new SharingPlace(0, 3, SharingPlaceKind.Unpinned, null), new SharingPlace(4, 6, SharingPlaceKind.Store, null), new SharingPlace(7, 15, SharingPlaceKind.Unpinned, null)], move.Places);

        await workspace.DoAsync(new DeviceDetach { Device = 2 });
        IoasSharingSnapshot after = await ReadAsync(workspace, 1, Base);
        Assert.Equal(move.Places, after.Places);
        Assert.Null(after.Move);
        Assert.Equal(3u, after.PinnedPages);
    }

    [Fact]
    public async Task Sharing_AnotherDomainOrIoas_TakesThePagesOver()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = await MappedAsync(registry);
        await workspace.DoAsync(new IoasAlloc());
        await workspace.DoAsync(new IoasCopy { Ioas = 4, SourceIoas = 1, SourceIova = Base + (8 * Page), Length = 8 * Page, Iova = Base });
        uint other = (await workspace.DoAsync(new HwptAlloc { Device = 2, Pt = 4 })).Hwpt!.Value;

        SharingMove move = (await ReadAsync(workspace, 1, Base)).Move!;
        Assert.Equal((8UL, 8UL), (move.UnpinnedPages, move.MovedPages));
        Assert.Equal([new SharingPlace(0, 7, SharingPlaceKind.Unpinned, null), new SharingPlace(8, 15, SharingPlaceKind.Domain, other)], move.Places);

        uint second = (await workspace.DoAsync(new HwptAlloc { Device = 2, Pt = 1 })).Hwpt!.Value;
        IoasSharingSnapshot sharing = await ReadAsync(workspace, 1, Base);
        Assert.Equal((0UL, 16UL), (sharing.Move!.UnpinnedPages, sharing.Move.MovedPages));
        Assert.Equal([new SharingPlace(0, 15, SharingPlaceKind.Domain, second)], sharing.Move.Places);
        Assert.Equal([(1u, true), (4u, false)], sharing.Areas.Select(area => (area.Ioas, area.IsSelected)));
        Assert.Equal([3u, second], sharing.Areas[0].Hwpts);
        Assert.False((await ReadAsync(workspace, 1, 0)).Exists);
    }

    [Fact]
    public async Task Accesses_OfAnIoas_SayWhatTheyHoldAndWhoHoldsThem()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = await MappedAsync(registry);
        uint pinning = (await workspace.DoAsync(new AccessCreate { Ioas = 1 })).Access!.Value;
        uint reading = (await workspace.DoAsync(new AccessCreate { Ioas = 1, Pins = false })).Access!.Value;
        await workspace.DoAsync(new AccessPin { Access = pinning, Iova = Base, Length = Page });
        IoasAccessesSnapshot accesses = (await workspace.ReadAsync<IoasAccessesView, IoasAccessesQuery, IoasAccessesSnapshot>(new(1))).Data;
        Assert.Equal(2, accesses.Total);
        Assert.Equal([(pinning, true, true, 1), (reading, false, true, 0)], accesses.Rows.Select(row => (row.Id, row.MayPin, row.IsOpen, row.TotalPinned)));
        Assert.Equal([new AccessPinned(0, Base, Base + Page - 1)], accesses.Rows[0].Pinned);
        Assert.Equal(0, (await workspace.ReadAsync<IoasAccessesView, IoasAccessesQuery, IoasAccessesSnapshot>(new(9))).Data.Total);
    }

    private static async Task<Workspace> MappedAsync(WorkspaceRegistry registry)
    {
        Workspace workspace = registry.Create(TestWorkspaces.Host(IommuVendor.Intel));
        await workspace.DoAsync(new IoasAlloc());
        await workspace.DoAsync(new DeviceBind { Address = TestWorkspaces.Address(1) });
        await workspace.DoAsync(new DeviceAttach { Device = 2, Pt = 1 });
        await workspace.DoAsync(new IoasMap { Ioas = 1, UserAddress = TestWorkspaces.Buffer, Length = 16 * Page, Iova = Base });
        return workspace;
    }

    private static async Task<IoasSharingSnapshot> ReadAsync(Workspace workspace, uint ioas, ulong address) =>
        (await workspace.ReadAsync<IoasSharingView, IoasSharingQuery, IoasSharingSnapshot>(new(ioas, address))).Data;
}
