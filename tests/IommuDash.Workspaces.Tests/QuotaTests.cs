using IommuDash.Engine;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Tests;

public sealed class QuotaTests
{
    [Fact]
    public async Task WrittenBytes_OfAllMachinesAboveTheCap_RefuseMoreButLetGoOfThings()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry(o => o.TotalWrittenBytes = 8 << 12);
        Workspace full = registry.Create();
        Workspace other = registry.Create();
        await full.DoAsync(new IoasAlloc());
        for (ulong page = 0; page < 8; page++)
            await full.DoAsync(new ProcessWrite { Pid = TestWorkspaces.Pid, Address = TestWorkspaces.Buffer + (page << 12), Bytes = new byte[] { 1 } });
        CommandAnswer refused = await other.ExecuteAsync(new IoasAlloc(), "test");
        Assert.Equal(Errno.ENOMEM, refused.Errno);
        Assert.Contains("Workspaces:TotalWrittenBytes", refused.Reason, StringComparison.Ordinal);
        await full.DoAsync(new IoasUnmapAll { Ioas = 1 });
        Assert.NotNull(registry.Create(TestWorkspaces.Host(), "test", out _));
        registry.Delete(full.Id);
        Assert.Equal(0, registry.WrittenBytes);
        await other.DoAsync(new IoasAlloc());
    }
}
