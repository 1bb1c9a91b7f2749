using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests.Views;

public sealed class PinnedViewsTests : IDisposable
{
    private const ulong Page = PhysicalMemory.FrameBytes;

    private readonly WorkspaceRegistry _registry = TestWorkspaces.Registry();

    public void Dispose() => _registry.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(9)]
    [InlineData(20)]
    public async Task Frames_AnyScale_CountTheSame(int shift)
    {
        Workspace workspace = await PinnedAsync(1_000);

        PinnedFramesSnapshot snapshot = (await workspace.ReadAsync<PinnedFramesView, PinnedFramesQuery, PinnedFramesSnapshot>(new(0, shift, PinnedFramesView.MaxLines))).Data;

        Assert.Equal(1_000, snapshot.PinnedFrames);
        Assert.Equal(999, snapshot.HighestPinned - snapshot.LowestPinned);
        Assert.All(snapshot.Lines, static line => Assert.Equal(PinnedFramesView.CellsPerLine, line.Runs.Sum(static run => run[0])));
        Assert.Equal(1_000, snapshot.Lines.SelectMany(static line => line.Runs).Sum(static run => run[0] * run[2]));
        Assert.Equal((1_000, 1), (snapshot.WindowPinned, snapshot.WindowMostPins));
    }

    [Theory]
    [InlineData(-5, 0, 3)]
    [InlineData(long.MaxValue, 0, int.MaxValue)]
    [InlineData(0, 99, int.MinValue)]
    public async Task Frames_QueryOutOfRange_IsBroughtIntoIt(long first, int shift, int lines)
    {
        Workspace workspace = await PinnedAsync(1);

        PinnedFramesSnapshot snapshot = (await workspace.ReadAsync<PinnedFramesView, PinnedFramesQuery, PinnedFramesSnapshot>(new(first, shift, lines))).Data;

        Assert.InRange(snapshot.First, 0, snapshot.FrameCount - 1);
        Assert.InRange(snapshot.LineCount, 1, PinnedFramesView.MaxLines);
    }

    [Fact]
    public async Task Frame_Pinned_NamesProcessAreaAndDomain()
    {
        Workspace workspace = await PinnedAsync(8);
        PinnedFramesSnapshot frames = (await workspace.ReadAsync<PinnedFramesView, PinnedFramesQuery, PinnedFramesSnapshot>(new(0, 9, 64))).Data;

        PinnedFrameSnapshot frame = (await workspace.ReadAsync<PinnedFrameView, PinnedFrameQuery, PinnedFrameSnapshot>(new(frames.LowestPinned!.Value + 3))).Data;

        FrameProcess process = Assert.Single(frame.Processes);
        Assert.Equal((TestWorkspaces.Pid, TestWorkspaces.Buffer + (3 * Page)), (process.Pid, process.Address));
        FrameAreaRow area = Assert.Single(frame.Areas);
        Assert.Equal(area.Area.Start + (3 * Page), area.Iova);
        Assert.Single(area.Hwpts);
        Assert.Equal((1L, 1, 0L, true), (frame.Pins, frame.PagesObjects, frame.UnexplainedPins, frame.IsComplete));
        Assert.False((await workspace.ReadAsync<PinnedFrameView, PinnedFrameQuery, PinnedFrameSnapshot>(new(1L << 40))).Data.Exists);
    }

    [Fact]
    public async Task Processes_ChargedAboveFourFifths_AreNearTheLimit()
    {
        Workspace workspace = await PinnedAsync(80, memlockBytes: 100 * Page);

        ProcessesSnapshot snapshot = (await workspace.ReadAsync<ProcessesView, ProcessesQuery, ProcessesSnapshot>(new())).Data;
        ProcessRow row = Assert.Single(snapshot.Processes);

        Assert.Equal((80L, 80L, (long?)100, AccountMode.User), (row.PinnedPages, row.ChargedPages, row.LimitPages, row.Mode));
        Assert.True(row.IsNearLimit);
        await workspace.DoAsync(new ProcessMemlock { Pid = TestWorkspaces.Pid, Bytes = 101 * Page });
        Assert.False((await workspace.ReadAsync<ProcessesView, ProcessesQuery, ProcessesSnapshot>(new())).Data.Processes[0].IsNearLimit);
    }

    [Fact]
    public async Task PinPreview_OnePageTooMany_GivesTheRefusalOfTheMap()
    {
        Workspace workspace = await PinnedAsync(80, memlockBytes: 100 * Page);

        PinPreviewSnapshot fits = await PreviewAsync(20);
        PinPreviewSnapshot tooMany = await PreviewAsync(21);

        Assert.Null(fits.Refusal);
        Assert.Equal((true, 100L, (long?)100), (fits.PinsNow, fits.LockedAfter, fits.LimitPages));
        CommandAnswer real = await workspace.ExecuteAsync(Map(1, 21), "test");
        Assert.Equal((real.Errno, real.Reason), (tooMany.Refusal?.Errno, tooMany.Refusal?.Reason));

        async Task<PinPreviewSnapshot> PreviewAsync(ulong pages) =>
            (await workspace.ReadAsync<PinPreviewView, PinPreviewQuery, PinPreviewSnapshot>(new(1, 1, TestWorkspaces.Pid, TestWorkspaces.Buffer, pages * Page, true))).Data;
    }

    [Fact]
    public async Task ProcessMemory_Window_SaysWhatItLeftOut()
    {
        Workspace workspace = await PinnedAsync(5);
        await workspace.DoAsync(new ProcessMmap { Pid = TestWorkspaces.Pid, Start = 0x10_0000, LengthBytes = 4 * Page });

        ProcessMemorySnapshot all = (await workspace.ReadAsync<ProcessMemoryView, ProcessMemoryQuery, ProcessMemorySnapshot>(new(TestWorkspaces.Pid))).Data;
        ProcessMemorySnapshot second = (await workspace.ReadAsync<ProcessMemoryView, ProcessMemoryQuery, ProcessMemorySnapshot>(new(TestWorkspaces.Pid, 1, 1))).Data;

        Assert.Equal([0L, 5L], all.Mappings.Select(static mapping => mapping.PinnedPages));
        Assert.Equal((1, 1, 2), (second.First, second.Mappings.Count, second.Total));
        Assert.Equal(TestWorkspaces.Buffer, second.Mappings[0].Range.Start);
    }

    private async Task<Workspace> PinnedAsync(ulong pages, ulong memlockBytes = ulong.MaxValue)
    {
        Workspace workspace = _registry.Create(TestWorkspaces.Host(IommuVendor.Intel, memlockBytes));
        uint ioas = (await workspace.DoAsync(new IoasAlloc())).Ioas!.Value;
        uint device = (await workspace.DoAsync(new DeviceBind { Address = TestWorkspaces.Address(1) })).Device!.Value;
        await workspace.DoAsync(new DeviceAttach { Device = device, Pt = ioas });
        await workspace.DoAsync(Map(ioas, pages));
        return workspace;
    }

    private static IoasMap Map(uint ioas, ulong pages) => new() { Ioas = ioas, UserAddress = TestWorkspaces.Buffer, Length = pages * Page, Readable = true, Writeable = true };
}
