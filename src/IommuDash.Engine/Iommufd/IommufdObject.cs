namespace IommuDash.Engine.Iommufd;

/// <summary>
/// An object in a context's table. <see cref="Users"/> counts long-term references and starts at 1 for the table's own; IOMMU_DESTROY needs it to be exactly 1.
/// The reference's second counter, of calls in progress, is always 1 here between calls: one writer drives the host.
/// </summary>
public abstract class IommufdObject
{
    private protected IommufdObject(IommufdContext context, IommufdObjectType type)
    {
        Context = context;
        Type = type;
    }

    public IommufdContext Context { get; }

    public IommufdObjectType Type { get; }

    /// <summary>Id in the context's table, from 1; 0 before the table has taken it.</summary>
    public uint Id { get; internal set; }

    /// <summary>Long-term references, the table's own included.</summary>
    public int Users { get; private set; } = 1;

    internal void Get() => Users++;

    internal virtual void Put()
    {
        if (--Users < 1)
            throw new InvalidOperationException($"{Type} {Id} lost a reference it did not have.");
    }

    /// <summary>Objects this one holds a long-term reference on, for the answer to "what blocks this destroy".</summary>
    public abstract IEnumerable<IommufdObject> References { get; }

    /// <summary>Releases what the object holds; runs when its id is already free. Never fails.</summary>
    internal abstract void Destroy();
}
