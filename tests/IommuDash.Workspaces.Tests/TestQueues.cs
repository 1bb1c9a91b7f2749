using IommuDash.Engine.Selftest;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Tests;

/// <summary>Commands that make queues on a fresh mock host, with the ids they get.</summary>
internal static class TestQueues
{
    public const ulong VirtualId = 0x11;

    /// <summary>IOAS 1, device 2, fault queue 3, and hw_pagetable 4 with it, which the device is attached to.</summary>
    public static IReadOnlyList<Command> Faults { get; } =
    [
        new IoasAlloc(),
        new DeviceBind { Address = TestWorkspaces.Address(1) },
        new FaultAlloc(),
        new HwptAlloc { Device = 2, Pt = 1, Fault = 3 },
        new DeviceAttach { Device = 2, Pt = 4 },
    ];

    /// <summary>IOAS 1, device 2, nesting parent 3, vIOMMU 4, virtual device 5, nested hw_pagetable 6, event queue 7 of depth 2, fault queue 8 of nested hw_pagetable 9, which the device is attached to.</summary>
    public static IReadOnlyList<Command> Guest { get; } =
    [
        new IoasAlloc(),
        new DeviceBind { Address = TestWorkspaces.Address(1) },
        new HwptAlloc { Device = 2, Pt = 1, NestParent = true },
        new ViommuAlloc { Device = 2, Hwpt = 3, Type = MockConstants.ViommuType },
        new VdeviceAlloc { Viommu = 4, Device = 2, VirtualId = VirtualId },
        new HwptAlloc { Device = 2, Pt = 4, DataType = MockConstants.HwptDataType, Data = new byte[] { 5, 0, 0, 0 } },
        new VeventqAlloc { Viommu = 4, Type = MockConstants.VeventqType, Depth = 2 },
        new FaultAlloc(),
        new HwptAlloc { Device = 2, Pt = 4, Fault = 8, DataType = MockConstants.HwptDataType, Data = new byte[8] },
        new DeviceAttach { Device = 2, Pt = 9 },
    ];

    public static async Task RunAsync(this Workspace workspace, IEnumerable<Command> commands)
    {
        foreach (Command command in commands)
            await workspace.DoAsync(command);
    }
}
