// Message interrupts where the IOMMU translates them: the doorbell's page gets an IOVA in the group's software window (drivers/iommu/iommufd/driver.c, iommufd_sw_msi).
// Holds always: one doorbell has one index in a context for one window start, so the same IOVA in every domain; a domain a group translates through shows all doorbells the group has asked for.
// Leaves out: interrupts themselves. Level 6.12's cookie per hw_pagetable gives the same addresses and is not told apart.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Iommufd;

public sealed partial class IommufdContext
{
    // Bits of the bitmap of doorbells a group or hw_pagetable has.
    private const int MaxSwMsi = 64;

    private readonly List<(ulong WindowStart, ulong Doorbell)> _swMsi = [];

    /// <summary>Doorbells of the context in the order of their indexes, with the start of the window each is shown in.</summary>
    internal IReadOnlyList<(ulong WindowStart, ulong Doorbell)> SwMsi => _swMsi;

    /// <summary>
    /// Gives a device's interrupts to a doorbell an IOVA, shown in what the device is attached to. 0 if it needs none: no software window, or not attached.
    /// EOVERFLOW more than 64 doorbells, or outside the window; the errors of mapping.
    /// </summary>
    public Refusal? MapSwMsi(uint deviceId, ulong doorbell, out ulong iova)
    {
        iova = 0;
        if (Objects.Get(deviceId, "device", out Device device) is { } noDevice)
            return noDevice;
        if (SwMsiWindow(device.Igroup) is not { } window || device.Hwpt is not { } hwpt)
            return null;
        ulong page = doorbell & ~(PhysicalMemory.FrameBytes - 1UL);
        int index = _swMsi.IndexOf((window.Start, page));
        if (index < 0)
        {
            index = _swMsi.Count;
            if (index >= MaxSwMsi || ((ulong)index << PhysicalMemory.FrameShift) + PhysicalMemory.FrameBytes - 1 > window.Last - window.Start)
                return new Refusal(Errno.EOVERFLOW, "swmsi.room", $"No place for doorbell {index + 1}: the window {new IovaRange(window.Start, window.Last)} holds at most {MaxSwMsi}.");
            _swMsi.Add((window.Start, page));
        }
        if (Install(hwpt, index) is { } refused)
            return refused;
        device.Igroup.RequiredSwMsi.Add(index);
        iova = SwMsiIova(index) | (doorbell & (PhysicalMemory.FrameBytes - 1));
        return null;
    }

    private static ReservedRegion? SwMsiWindow(Igroup igroup) =>
        igroup.Group.Description.ReservedRegions.FirstOrDefault(r => r.Kind == ReservedRegionKind.SoftwareMsi);

    private ulong SwMsiIova(int index) => _swMsi[index].WindowStart + ((ulong)index << PhysicalMemory.FrameShift);

    private Refusal? InstallSwMsi(Igroup igroup, HwptPaging hwpt)
    {
        foreach (int index in igroup.RequiredSwMsi)
        {
            if (Install(hwpt, index) is { } refused)
                return refused;
        }
        return null;
    }

    private Refusal? Install(HwptPaging hwpt, int index)
    {
        if (hwpt.PresentSwMsi.Contains(index))
            return null;
        Errno errno = hwpt.Domain.Map(SwMsiIova(index), _swMsi[index].Doorbell, PhysicalMemory.FrameBytes, IommuProt.Write, PhysicalMemory.FrameShift);
        if (errno != Errno.None)
            return new Refusal(errno, "swmsi.map", $"The doorbell at 0x{_swMsi[index].Doorbell:x} cannot be shown at 0x{SwMsiIova(index):x} in hw_pagetable {hwpt.Id}.");
        hwpt.PresentSwMsi.Add(index);
        return null;
    }
}
