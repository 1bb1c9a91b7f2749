// Nested hw_pagetables and invalidation of what hardware caches of a guest's tables (drivers/iommu/iommufd/hw_pagetable.c, viommu.c).
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Hardware.Drivers;

namespace IommuDash.Engine.Iommufd;

public sealed partial class IommufdContext
{
    private const uint MaxInvalidateEntries = 1 << 19;

    private Refusal? CreateNestedHwpt(Device device, HwptPaging parent, Viommu? viommu, HwptFlags flags, GuestData data, out Hwpt? hwpt)
    {
        hwpt = null;
        IommuUnit unit = device.Hardware.Unit;
        if (viommu is not null && viommu.Unit != unit)
            return OtherUnit(device, viommu);
        HwptFlags known = HwptFlags.FaultIdValid | (KnownHwptFlags & HwptFlags.Pasid);
        IommuDriver driver = device.Hardware.Driver;
        string? why = flags switch
        {
            _ when (flags & ~known) != 0 => $"flag bits 0x{(uint)(flags & ~known):x} do not go with a nested hw_pagetable",
            _ when data.LengthBytes == 0 => $"a hw_pagetable nested in {parent.Id} needs the guest's page-table data, and none was given",
            _ when !driver.CanNest(unit.Description) => $"{unit.Name} cannot nest page tables",
            _ => null,
        };
        if (why is not null)
            return new Refusal(Errno.EOPNOTSUPP, "hwpt.nested", $"Not supported: {why}.") { Objects = [parent.Id] };
        if (!parent.Flags.HasFlag(HwptFlags.NestParent) || parent.Unit.Description.Vendor != unit.Description.Vendor)
            return new Refusal(Errno.EINVAL, "hwpt.nested.parent", $"hw_pagetable {parent.Id} was not made with NEST_PARENT for {unit.Name}'s kind.") { Objects = [parent.Id] };
        if (driver.CreateStage(flags & ~HwptFlags.FaultIdValid, data, Host.Level, out NestedStage? stage) is { } refused)
            return refused;
        var created = new HwptNested(this, parent, viommu, flags, stage!);
        if (Objects.Reserve(created) is { } full)
        {
            created.Destroy();
            return full;
        }
        hwpt = created;
        return null;
    }

    /// <summary>
    /// IOMMU_HWPT_INVALIDATE of a nested hw_pagetable or a vIOMMU. <paramref name="done"/> = entries completed, also on refusal; no entries at all only test the type.
    /// EINVAL the array is null, its entries are empty or longer than a page, or there are more than 2^19; ENOENT no such object; EINVAL (ENOENT at 6.12) any other kind of object; EOPNOTSUPP; then the driver's.
    /// </summary>
    public Refusal? HwptInvalidate(uint id, GuestArray array, out uint done)
    {
        done = 0;
        if (array.Count != 0 && (array.IsNull || array.EntryBytes is 0 or > PhysicalMemory.FrameBytes || array.Count > MaxInvalidateEntries))
            return new Refusal(Errno.EINVAL, "invalidate.array", $"{array.Count} entries of {array.EntryBytes} bytes at {(array.IsNull ? "no address" : "an address")}: at most {MaxInvalidateEntries} of 1 to {PhysicalMemory.FrameBytes} bytes.");
        if (Objects.Get(id, "hw_pagetable or vIOMMU to invalidate", out IommufdObject target) is { } missing)
            return missing;
        return target switch
        {
            HwptNested nested => nested.Paging.Unit.Driver.Invalidate(nested, array, out done),
            Viommu viommu => viommu.Unit.Driver.InvalidateViommu(viommu, array, out done),
            _ => new Refusal(Host.Level.InvalidateOfOtherType, "invalidate.type", $"Object {id} is a {target.Type}; only a nested hw_pagetable or a vIOMMU has a guest's entries cached.") { Objects = [id] },
        };
    }

    private static Refusal OtherUnit(Device device, Viommu viommu) =>
        new(Errno.EINVAL, "viommu.unit", $"Device {device.Id} is behind {device.Hardware.Unit.Name}, vIOMMU {viommu.Id} is {viommu.Unit.Name}'s.") { Objects = [viommu.Id] };
}
