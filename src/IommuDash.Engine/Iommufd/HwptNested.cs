namespace IommuDash.Engine.Iommufd;

/// <summary>
/// A nested hw_pagetable: the guest's own first stage on top of a paging parent. Holds a reference on the vIOMMU it was made through, else on the parent. What the guest's data mean is the driver's business:
/// here they are kept as <see cref="Stage"/>.
/// </summary>
public sealed class HwptNested : Hwpt
{
    internal HwptNested(IommufdContext context, HwptPaging parent, Viommu? viommu, HwptFlags flags, NestedStage stage)
        : base(context, IommufdObjectType.HwptNested, flags)
    {
        Paging = parent;
        Viommu = viommu;
        Stage = stage;
        Holder.Get();
    }

    public override HwptPaging Paging { get; }

    /// <summary>The vIOMMU it was made through, or null.</summary>
    public Viommu? Viommu { get; }

    /// <summary>The guest's first stage, as the driver keeps it.</summary>
    public NestedStage Stage { get; }

    public override IEnumerable<IommufdObject> References => FaultQueue is { } queue ? [Holder, queue] : [Holder];

    private IommufdObject Holder => (IommufdObject?)Viommu ?? Paging;

    internal override void Destroy()
    {
        base.Destroy();
        Holder.Put();
    }
}

/// <summary>What a driver keeps of a guest's first stage.</summary>
public abstract class NestedStage;
