using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Tests;

/// <summary>Small hosts for tests, and an address where each has memory.</summary>
internal static class TestHosts
{
    /// <summary>User address of <see cref="BufferPages"/> pages of anonymous memory, 2 MiB aligned.</summary>
    public const ulong Buffer = 0x7f00_0000_0000;
    public const ulong BufferPages = 4_096;

    /// <summary>One page of read-only memory.</summary>
    public const ulong ReadOnly = 0x7e00_0000_0000;

    /// <summary>Memory whose frames are never neighbours.</summary>
    public const ulong Scattered = 0x7d00_0000_0000;

    /// <summary>Huge pages.</summary>
    public const ulong Huge = 0x7c00_0000_0000;

    public const int Pid = 100;

    /// <summary>A host with one unit of a vendor and devices <c>0000:01:00.0</c>, <c>0000:02:00.0</c>… each alone in its group 1, 2…</summary>
    public static HostDescription Describe(IommuVendor vendor, int devices = 4, int inputBits = 48, ulong memlockBytes = ulong.MaxValue) => new()
    {
        Name = vendor.ToString(),
        MemoryBytes = 1UL << 30,
        Units = [new IommuUnitDescription { Name = "unit0", Vendor = vendor, InputBits = vendor == IommuVendor.Amd ? 64 : inputBits, SnoopControl = vendor != IommuVendor.Mock }],
        Groups = [.. Enumerable.Range(1, devices).Select(i => new GroupDescription
        {
            Id = i,
            ReservedRegions = vendor == IommuVendor.Mock ? [] : [new ReservedRegion(0xfee0_0000, 0xfeef_ffff, ReservedRegionKind.Msi)],
        })],
        Devices = [.. Enumerable.Range(1, devices).Select(i => new DeviceDescription { Address = $"0000:{i:x2}:00.0", Unit = "unit0", Group = i })],
        Processes =
        [
            new ProcessDescription
            {
                Pid = Pid, Name = "test", MemlockBytes = memlockBytes, CapSysResource = true,
                Memory =
                [
                    new MemoryDescription { Start = Buffer, LengthBytes = BufferPages << 12 },
                    new MemoryDescription { Start = ReadOnly, LengthBytes = 1 << 12, Write = false },
                    new MemoryDescription { Start = Scattered, LengthBytes = BufferPages << 12, Layout = FrameLayout.Scattered },
                    new MemoryDescription { Start = Huge, LengthBytes = 16UL << 20, Layout = FrameLayout.Huge },
                ],
            },
        ],
    };

    public static (EmulatedHost Host, IommufdContext Context, EmulatedProcess Process) Start(HostDescription description)
    {
        var host = new EmulatedHost(description);
        Assert.Null(host.OpenContext(Pid, out IommufdContext? context));
        return (host, context!, host.FindProcess(Pid)!);
    }
}
