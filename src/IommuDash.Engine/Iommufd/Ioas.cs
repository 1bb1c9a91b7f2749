using IommuDash.Engine.Iova;

namespace IommuDash.Engine.Iommufd;

/// <summary>An IO address space: an <see cref="IoPagetable"/> and the hw_pagetables that show it to hardware.</summary>
public sealed class Ioas : IommufdObject
{
    internal Ioas(IommufdContext context) : base(context, IommufdObjectType.Ioas) => Pagetable = new IoPagetable(this);

    public IoPagetable Pagetable { get; }

    /// <summary>Paging hw_pagetables of this IOAS in the order they were made; automatic attach tries them in this order.</summary>
    public IReadOnlyList<HwptPaging> Hwpts => HwptList;

    internal List<HwptPaging> HwptList { get; } = [];

    public override IEnumerable<IommufdObject> References => [];

    internal override void Destroy()
    {
        Context.Vfio.Forget(this);
        Pagetable.Clear();
    }
}
