using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Tests;

/// <summary>Small hosts, and workspaces of them with known ids and a clock that stands still.</summary>
internal static class TestWorkspaces
{
    /// <summary>User address of 16 MiB of the process's memory.</summary>
    public const ulong Buffer = 0x7f00_0000_0000;

    public const int Pid = 100;

    public static HostDescription Host(IommuVendor vendor = IommuVendor.Mock, ulong memlockBytes = ulong.MaxValue) => new()
    {
        Name = vendor.ToString(),
        MemoryBytes = 256UL << 20,
        Units = [new IommuUnitDescription { Name = "unit0", Vendor = vendor, InputBits = vendor == IommuVendor.Amd ? 64 : 48, SnoopControl = vendor != IommuVendor.Mock, DirtyTracking = vendor != IommuVendor.Mock }],
        Groups = [.. Enumerable.Range(1, 4).Select(i => new GroupDescription { Id = i })],
        Devices = [.. Enumerable.Range(1, 4).Select(i => new DeviceDescription { Address = Address(i), Unit = "unit0", Group = i })],
        Processes =
        [
            new ProcessDescription { Pid = Pid, Name = "vmm", MemlockBytes = memlockBytes, CapSysResource = true, Memory = [new MemoryDescription { Start = Buffer, LengthBytes = 16UL << 20 }] },
        ],
    };

    /// <summary>Address of the n-th device, n from 1.</summary>
    public static string Address(int n) => $"0000:{n:x2}:00.0";

    public static WorkspaceRegistry Registry(Action<WorkspaceOptions>? change = null, EngineLimits? limits = null)
    {
        var options = new WorkspaceOptions();
        change?.Invoke(options);
        int next = 0;
        return new WorkspaceRegistry(options, limits ?? new EngineLimits(), new StoppedClock(), () => $"w{++next}");
    }

    public static Workspace Create(this WorkspaceRegistry registry, HostDescription? host = null)
    {
        Assert.Null(registry.Create(host ?? Host(), "test", out Workspace? workspace));
        return workspace!;
    }

    /// <summary>Runs a command that must succeed.</summary>
    public static async Task<CommandOutputs> DoAsync(this Workspace workspace, Command command)
    {
        CommandAnswer answer = await workspace.ExecuteAsync(command, "test");
        Assert.True(answer.Errno is null, $"{command}: {answer.Errno} {answer.Reason}");
        return answer.Outputs;
    }

    private sealed class StoppedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    }
}
