using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Iommufd;

/// <summary>
/// A paging hw_pagetable: one hardware page table that shows all of its IOAS. Automatic ones are made by attaching a device to the IOAS and go with their last device;
/// manual ones are made by HWPT_ALLOC and stay until destroyed. Both hold a reference on the IOAS.
/// </summary>
public sealed class HwptPaging : Hwpt
{
    internal HwptPaging(IommufdContext context, Ioas ioas, IommuDomain domain, Hardware.IommuUnit unit, HwptFlags flags, bool isAutomatic)
        : base(context, IommufdObjectType.HwptPaging, flags)
    {
        Ioas = ioas;
        Domain = domain;
        Unit = unit;
        IsAutomatic = isAutomatic;
        ioas.Get();
    }

    public override HwptPaging Paging => this;

    public Ioas Ioas { get; }

    public IommuDomain Domain { get; }

    /// <summary>The unit whose device it was made for.</summary>
    public Hardware.IommuUnit Unit { get; }

    public bool IsAutomatic { get; }

    /// <summary>Whether hardware records writes now.</summary>
    public bool IsTrackingDirty { get; internal set; }

    /// <summary>Doorbells installed for message interrupts, by their index in the context's list.</summary>
    internal SortedSet<int> PresentSwMsi { get; } = [];

    public override IEnumerable<IommufdObject> References => FaultQueue is { } queue ? [Ioas, queue] : [Ioas];

    /// <summary>Drops a long-term reference; an automatic hw_pagetable that only the table still refers to is freed at once.</summary>
    internal override void Put()
    {
        base.Put();
        if (IsAutomatic && Users == 1 && Id != 0 && Context.Objects.Find<HwptPaging>(Id) == this)
            Context.Remove(this);
    }

    internal override void Destroy()
    {
        base.Destroy();
        if (Ioas.HwptList.Remove(this))
            Ioas.Pagetable.RemoveDomain(this);
        Domain.Dispose();
        Ioas.Put();
    }
}
