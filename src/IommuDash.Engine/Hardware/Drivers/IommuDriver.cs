// What an IOMMU driver adds to the generic rules: which hw_pagetables it can make, which data of a guest it takes, what it checks when a device is attached. The base is a driver without any of it.
// Stateless: state is with the objects and the devices.
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Hardware.Drivers;

internal abstract class IommuDriver
{
    private static readonly UnknownDriver Unknown = new();
    private static readonly VtdDriver Vtd = new();
    private static readonly AmdDriver Amd = new();
    private static readonly Selftest.MockDriver Mock = new();

    public static IommuDriver For(IommuVendor vendor) => vendor switch
    {
        IommuVendor.Intel => Vtd,
        IommuVendor.Amd => Amd,
        IommuVendor.Mock => Mock,
        _ => Unknown,
    };

    /// <summary>Number of PASID bits a device can use; 0 = none.</summary>
    public virtual int PasidBits(HostDevice device, ReferenceLevel level) => device.Unit.Description.Pasid && level.HasPasids ? 20 : 0;

    /// <summary>Type and structure for GET_HW_INFO; type 0 = the driver says nothing.</summary>
    public virtual (uint Type, byte[] Data) HwInfo(HostDevice device, ReferenceLevel level) => (0, []);

    /// <summary>Whether a paging table with these flags and data can be made, in the driver's order of checks.</summary>
    public virtual Refusal? CheckPaging(HostDevice device, HwptFlags flags, GuestData data, ReferenceLevel level, out MockTableKind kind)
    {
        kind = MockTableKind.Default;
        IommuUnitDescription unit = device.Unit.Description;
        string? why = flags switch
        {
            _ when flags.HasFlag(HwptFlags.NestParent) && !unit.Nesting => $"{unit.Name} cannot nest page tables",
            _ when flags.HasFlag(HwptFlags.Pasid) && !unit.Pasid => $"{unit.Name} has no PASIDs",
            _ when data.LengthBytes != 0 => $"{unit.Name} takes no data for a paging hw_pagetable",
            _ => null,
        };
        return why is null ? null : Unsupported(why);
    }

    /// <summary>Whether it can put a guest's stage on top of a parent at all.</summary>
    public virtual bool CanNest(IommuUnitDescription unit) => false;

    /// <summary>Takes a guest's stage in. Called only if <see cref="CanNest"/>.</summary>
    public virtual Refusal? CreateStage(HwptFlags flags, GuestData data, ReferenceLevel level, out NestedStage? stage)
    {
        stage = null;
        return Unsupported("the driver cannot nest page tables");
    }

    /// <summary>What the driver checks of an attach beside the table's fit; changes nothing.</summary>
    public virtual Refusal? CheckAttach(Device device, uint pasid, Hwpt hwpt) => null;

    /// <summary>Switches the hardware of a group to a hw_pagetable. On refusal it is as before.</summary>
    public virtual Refusal? Switch(Device device, uint pasid, Hwpt hwpt) => null;

    /// <summary>Switches it to blocking.</summary>
    public virtual void Block(Device device, uint pasid)
    {
    }

    /// <summary>Drops what hardware caches of a nested table. <paramref name="done"/> = entries completed, also on refusal.</summary>
    public virtual Refusal? Invalidate(HwptNested nested, GuestArray array, out uint done)
    {
        done = 0;
        return Unsupported("the driver cannot invalidate");
    }

    /// <summary>Whether it has virtual IOMMUs of a type.</summary>
    public virtual bool HasViommu(uint type) => false;

    /// <summary>Makes a new vIOMMU work; <paramref name="data"/> is updated with what the driver gives back.</summary>
    public virtual Refusal? InitViommu(Viommu viommu, uint lengthBytes, Span<byte> data) => null;

    /// <summary>As <see cref="Invalidate"/>, for a vIOMMU's caches.</summary>
    public virtual Refusal? InvalidateViommu(Viommu viommu, GuestArray array, out uint done)
    {
        done = 0;
        return Unsupported("the driver cannot invalidate");
    }

    /// <summary>Whether its vIOMMUs have hardware queues of a type.</summary>
    public virtual bool HasHwQueue(uint type) => false;

    /// <summary>Whether a queue whose memory is pinned can take its place.</summary>
    public virtual Refusal? CheckHwQueue(HwQueue queue) => null;

    protected static Refusal Unsupported(string why) => new(Errno.EOPNOTSUPP, "driver.unsupported", $"Not supported: {why}.");

    private sealed class UnknownDriver : IommuDriver;
}
