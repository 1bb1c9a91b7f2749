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

/// <summary>A hw_pagetable: something devices are attached to (struct iommufd_hw_pagetable).</summary>
public abstract class Hwpt : IommufdObject
{
    private protected Hwpt(IommufdContext context, IommufdObjectType type, HwptFlags flags) : base(context, type) => Flags = flags;

    public HwptFlags Flags { get; }

    /// <summary>The paging hw_pagetable DMA ends in: itself, or the parent of a nested one.</summary>
    public abstract HwptPaging Paging { get; }

    /// <summary>Whether DMA through it is always snooped; a nested one inherits it.</summary>
    public bool EnforcesCoherency => Paging.Domain.EnforcesCoherency;

    /// <summary>Where page faults of what is attached go, or null: they are answered INVALID at once.</summary>
    public FaultQueue? FaultQueue { get; private set; }

    internal void UseFaultQueue(FaultQueue queue)
    {
        FaultQueue = queue;
        queue.Get();
    }

    internal override void Destroy()
    {
        FaultQueue?.Put();
        FaultQueue = null;
    }
}
