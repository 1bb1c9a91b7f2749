using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Iommufd;

/// <summary>Flags of IOMMU_HWPT_ALLOC.</summary>
[Flags]
public enum HwptFlags : uint
{
    None = 0,
    NestParent = 1,
    DirtyTracking = 2,
    FaultIdValid = 4,
    Pasid = 8,
}

/// <summary>
/// A paging hw_pagetable: one hardware page table that shows all of its IOAS. Automatic ones are made by attaching a device to the IOAS and go with their last device;
/// manual ones are made by HWPT_ALLOC and stay until destroyed. Both hold a reference on the IOAS.
/// </summary>
public sealed class HwptPaging : IommufdObject
{
    internal HwptPaging(IommufdContext context, Ioas ioas, IommuDomain domain, Hardware.IommuUnit unit, HwptFlags flags, bool isAutomatic)
        : base(context, IommufdObjectType.HwptPaging)
    {
        Ioas = ioas;
        Domain = domain;
        Unit = unit;
        Flags = flags;
        IsAutomatic = isAutomatic;
        ioas.Get();
    }

    public Ioas Ioas { get; }

    public IommuDomain Domain { get; }

    /// <summary>The unit whose device it was made for.</summary>
    public Hardware.IommuUnit Unit { get; }

    public HwptFlags Flags { get; }

    public bool IsAutomatic { get; }

    /// <summary>Whether DMA through it is always snooped.</summary>
    public bool EnforcesCoherency => Domain.EnforcesCoherency;

    public override IEnumerable<IommufdObject> References => [Ioas];

    /// <summary>Drops a long-term reference; an automatic hw_pagetable that only the table still refers to is freed at once.</summary>
    internal override void Put()
    {
        base.Put();
        if (IsAutomatic && Users == 1 && Id != 0 && Context.Objects.Find<HwptPaging>(Id) == this)
            Context.Remove(this);
    }

    internal override void Destroy()
    {
        if (Ioas.HwptList.Remove(this))
            Ioas.Pagetable.RemoveDomain(this);
        Domain.Dispose();
        Ioas.Put();
    }
}
