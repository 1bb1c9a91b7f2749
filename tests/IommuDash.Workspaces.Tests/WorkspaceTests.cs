using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests;

public sealed class WorkspaceTests
{
    [Fact]
    public async Task Workspace_New_HasAContextReadyForAttachAndMap()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        Assert.Equal(1, workspace.Version);
        uint ioas = (await workspace.DoAsync(new IoasAlloc())).Ioas!.Value;
        uint device = (await workspace.DoAsync(new DeviceBind { Address = TestWorkspaces.Address(1) })).Device!.Value;
        Assert.NotNull((await workspace.DoAsync(new DeviceAttach { Device = device, Pt = ioas })).Hwpt);
        Assert.NotNull((await workspace.DoAsync(new IoasMap { Ioas = ioas, UserAddress = TestWorkspaces.Buffer, Length = 0x4000 })).Iova);
        Assert.Equal(4u, (await workspace.ReadAsync<PinsView, NoQuery, Pins>(new())).Data.PinnedFrames);
        Assert.Equal(5, workspace.Version);
    }

    [Fact]
    public async Task Execute_Refused_GetsAVersionAnErrnoAndAnEvent()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        CommandAnswer answer = await workspace.ExecuteAsync(new IoasUnmap { Ioas = 7, Iova = 0, Length = 0x1000 }, "test");
        Assert.Equal((Errno.ENOENT, 2, 2L), (answer.Errno!.Value, answer.Number, answer.Version));
        Assert.Equal("object.lookup", answer.Rule);
        EventEntry newest = workspace.Events[workspace.Events.LastSequence];
        Assert.Equal(("ioas.unmap", Errno.ENOENT, 2L), (newest.Op, newest.Refusal!.Errno, newest.Version));
    }

    [Fact]
    public async Task Read_ByManyAtOneVersion_ProjectsOnce()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Task.Run(async () => await workspace.ReadAsync<PinsView, NoQuery, Pins>(new()))));
        Assert.Equal(1, workspace.ProjectionCount);
        await workspace.DoAsync(new IoasAlloc());
        Assert.Equal(1, workspace.ProjectionCount);
        Assert.Equal(2, (await workspace.ReadAsync<PinsView, NoQuery, Pins>(new())).Version);
        Assert.Equal(2, workspace.ProjectionCount);
    }

    [Fact]
    public async Task Changes_WhileCommandsRun_EndAtTheNewestVersion()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        Task<long> watcher = Task.Run(async () =>
        {
            await foreach (long version in workspace.ChangesAsync(TimeSpan.FromMilliseconds(1)))
            {
                if (version == 501)
                    return version;
            }
            return -1;
        });
        for (int i = 0; i < 500; i++)
            await workspace.ExecuteAsync(new OptionGet { Option = 0 }, "test");
        Assert.Equal(501, await watcher.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task Delete_WhileWatched_EndsTheWatchAndRefusesLaterUse()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        Task waiting = workspace.WaitForChangeAsync(workspace.Version);
        Assert.True(registry.Delete(workspace.Id));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(TimeSpan.FromSeconds(10)));
        await Assert.ThrowsAsync<WorkspaceDeletedException>(async () => await workspace.ExecuteAsync(new IoasAlloc(), "test"));
        Assert.False(registry.Delete(workspace.Id));
        Assert.Equal(0, registry.WrittenBytes);
    }

    [Fact]
    public void Create_AboveTheCap_SaysTheOption()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry(o => o.MaxWorkspaces = 2);
        registry.Create();
        registry.Create();
        Refusal refusal = Assert.IsType<Refusal>(registry.Create(TestWorkspaces.Host(), "test", out Workspace? none));
        Assert.Null(none);
        Assert.Contains("Workspaces:MaxWorkspaces", refusal.Reason, StringComparison.Ordinal);
    }

    internal sealed record NoQuery;

    internal sealed record Pins(uint PinnedFrames);

    internal sealed class PinsView : IView<NoQuery, Pins>
    {
        public static string Name => "test.pins";

        public static Pins Project(EmulatedHost host, NoQuery query) => new(host.Memory.PinnedFrames);
    }
}
