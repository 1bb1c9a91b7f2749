using Bunit.TestDoubles;

using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Web.Model;
using IommuDash.Workspaces;
using IommuDash.Workspaces.Commands;

using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.DependencyInjection;

namespace IommuDash.Web.Tests.Components;

/// <summary>A page over a real workspace: an Intel host, or a mock, with a 48-bit unit, two devices that reserve the MSI window, and a process with 16 MiB at <see cref="Buffer"/>.</summary>
public abstract class WorkspacePageTest : ComponentTest
{
    protected const ulong Page = PhysicalMemory.FrameBytes;
    protected const ulong Buffer = 0x7f00_0000_0000;
    protected const ulong MsiStart = 0xfee0_0000;
    protected const int Pid = 100;
    protected const string FirstDevice = "0000:01:00.0";
    protected const string SecondDevice = "0000:02:00.0";

    private readonly WorkspaceRegistry _registry = new(new WorkspaceOptions { RefreshMilliseconds = 10 }, new EngineLimits(), TimeProvider.System, static () => "w1");

    protected WorkspacePageTest(IommuVendor vendor = IommuVendor.Intel)
    {
        Services.AddSingleton(_registry);
        Assert.Null(_registry.Create(Describe(vendor), "test", out Workspace? workspace));
        Workspace = workspace!;
    }

    protected Workspace Workspace { get; }

    protected BunitNavigationManager Navigation => (BunitNavigationManager)Service<NavigationManager>();

    /// <summary>Runs a command that must succeed.</summary>
    protected CommandOutputs Do(Command command)
    {
        CommandAnswer answer = Workspace.ExecuteAsync(command, "test").AsTask().GetAwaiter().GetResult();
        Assert.True(answer.Errno is null, $"{command}: {answer.Errno} {answer.Reason}");
        return answer.Outputs;
    }

    /// <summary>IOAS 1 with device 2 on hw_pagetable 3.</summary>
    protected void Attach()
    {
        Assert.Equal(1u, Do(new IoasAlloc()).Ioas);
        Assert.Equal(2u, Do(new DeviceBind { Address = FirstDevice }).Device);
        Assert.Equal(3u, Do(new DeviceAttach { Device = 2, Pt = 1 }).Hwpt);
    }

    protected void Map(ulong pages, ulong iova) => Do(new IoasMap { Ioas = 1, UserAddress = Buffer, Length = pages * Page, Iova = iova, Readable = true, Writeable = true });

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
            _registry.Dispose();
    }

    private static HostDescription Describe(IommuVendor vendor) => new()
    {
        Name = "test",
        MemoryBytes = 256UL << 20,
        Units = [new IommuUnitDescription { Name = "dmar0", Vendor = vendor, InputBits = 48, SnoopControl = vendor != IommuVendor.Mock, DirtyTracking = true }],
        Groups = [.. Enumerable.Range(1, 2).Select(id => new GroupDescription { Id = id, ReservedRegions = [new ReservedRegion(MsiStart, 0xfeef_ffff, ReservedRegionKind.Msi)] })],
        Devices = [new DeviceDescription { Address = FirstDevice, Unit = "dmar0", Group = 1 }, new DeviceDescription { Address = SecondDevice, Unit = "dmar0", Group = 2 }],
        Processes = [new ProcessDescription { Pid = Pid, Name = "vmm", MemlockBytes = 100 * Page, Memory = [new MemoryDescription { Start = Buffer, LengthBytes = 16UL << 20 }] }],
    };
}
