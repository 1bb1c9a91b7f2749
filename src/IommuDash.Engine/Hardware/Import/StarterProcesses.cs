// Processes every imported host starts with, so that a newcomer can map memory at once and meet each kind of it. docs/dev/hosts.md lists the addresses.
namespace IommuDash.Engine.Hardware.Import;

public static class StarterProcesses
{
    private const ulong MiB = 1UL << 20;
    private const ulong GiB = 1UL << 30;

    /// <summary>
    /// A virtual machine with 1 GiB of guest RAM and room in its limit to pin it, as libvirt sets it; a packet processor on huge pages that no limit holds;
    /// and a small program of another user with Linux's default limit of 8 MiB, where a large map fails.
    /// </summary>
    public static IReadOnlyList<ProcessDescription> All { get; } =
    [
        new()
        {
            Pid = 4711,
            Name = "qemu-system-x86",
            Uid = 1000,
            MemlockBytes = 2 * GiB,
            Memory =
            [
                new() { Start = 0x5581_c200_0000, LengthBytes = 16 * MiB, Layout = FrameLayout.Scattered },
                new() { Start = 0x7f5a_3a00_0000, LengthBytes = 4 * MiB, Write = false, File = "/usr/share/OVMF/OVMF_CODE.fd" },
                new() { Start = 0x7f5a_3b00_0000, LengthBytes = 2 * MiB, File = "/dev/shm/ivshmem", Shared = true },
                new() { Start = 0x7f5a_4000_0000, LengthBytes = 512 * MiB, Layout = FrameLayout.Huge },
                new() { Start = 0x7f5a_6000_0000, LengthBytes = 384 * MiB },
                new() { Start = 0x7f5a_7800_0000, LengthBytes = 128 * MiB, Layout = FrameLayout.Scattered },
            ],
        },
        new()
        {
            Pid = 4812,
            Name = "dpdk-testpmd",
            Uid = 0,
            CapIpcLock = true,
            CapSysResource = true,
            Memory =
            [
                new() { Start = 0x1_0000_0000, LengthBytes = GiB, Layout = FrameLayout.Huge },
                new() { Start = 0x7f31_0000_0000, LengthBytes = 8 * MiB },
            ],
        },
        new()
        {
            Pid = 5120,
            Name = "vfio-lab",
            Uid = 1001,
            MemlockBytes = 8 * MiB,
            Memory = [new() { Start = 0x5555_5600_0000, LengthBytes = 32 * MiB }],
        },
    ];
}
