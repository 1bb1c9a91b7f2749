using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Tests;

/// <summary>Bytes are stable where nanoseconds are not: a command's way through the workspace may not grow unnoticed.</summary>
public sealed class CommandCostTests
{
    // An async method's state is an object of its own in a debug build.
#if DEBUG
    private const long MostBytes = 680;
#else
    private const long MostBytes = 360;
#endif

    [Fact]
    public async Task MapAndUnmap_ThroughTheWorkspace_AllocateAtMostTheseBytes()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry(o => o.JournalEntries = o.CallEntries = 1_000);
        Workspace workspace = registry.Create();
        uint ioas = (await workspace.DoAsync(new IoasAlloc())).Ioas!.Value;
        uint device = (await workspace.DoAsync(new DeviceBind { Address = TestWorkspaces.Address(1) })).Device!.Value;
        await workspace.DoAsync(new DeviceAttach { Device = device, Pt = ioas });
        Run(2_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run(5_000);
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 10_000, 1, MostBytes);

        void Run(int pairs)
        {
            for (int i = 0; i < pairs; i++)
            {
                Execute(new IoasMap { Ioas = ioas, UserAddress = TestWorkspaces.Buffer, Length = 0x1000, Iova = 0x100_0000 });
                Execute(new IoasUnmap { Ioas = ioas, Iova = 0x100_0000, Length = 0x1000 });
            }
        }

        void Execute(Command command)
        {
            ValueTask<CommandAnswer> answer = workspace.ExecuteAsync(command, "test");
            Assert.True(answer.IsCompletedSuccessfully && answer.Result.Errno is null);
        }
    }
}
