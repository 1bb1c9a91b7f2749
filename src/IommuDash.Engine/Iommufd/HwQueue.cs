using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Iommufd;

/// <summary>
/// A hardware queue in guest memory that a vIOMMU reads by itself (struct iommufd_hw_queue). Its memory is pinned, contiguous and locked through an internal access: unmapping it is EBUSY.
/// Holds a reference on the vIOMMU, and on the queue with the index before its own.
/// </summary>
public sealed class HwQueue : IommufdObject
{
    private readonly IovaRange _pinned;

    internal HwQueue(IommufdContext context, Viommu viommu, uint queueType, uint index, IovaRange range) : base(context, IommufdObjectType.HwQueue)
    {
        Viommu = viommu;
        QueueType = queueType;
        Index = index;
        Range = range;
        _pinned = new IovaRange(range.Start & ~(PhysicalMemory.FrameBytes - 1UL), range.Last | (PhysicalMemory.FrameBytes - 1UL));
    }

    public Viommu Viommu { get; }

    public uint QueueType { get; }

    public uint Index { get; }

    /// <summary>Where it lies for the guest: IOVA of the nesting parent.</summary>
    public IovaRange Range { get; }

    /// <summary>Physical address of its first byte.</summary>
    public ulong BasePhysical { get; private set; }

    /// <summary>The queue that must outlive it, or null.</summary>
    public HwQueue? Previous { get; private set; }

    /// <summary>What pins its memory.</summary>
    public Access Access { get; private set; } = null!;

    public override IEnumerable<IommufdObject> References => Previous is { } previous ? [Viommu, Access, previous] : [Viommu, Access];

    /// <summary>Pins its memory. ENOENT a hole, EPERM no READ, EFAULT not contiguous, ERANGE or ENOMEM too large; nothing stays pinned on refusal.</summary>
    internal Refusal? Pin()
    {
        if (_pinned.Last - _pinned.Start == ulong.MaxValue)
            return new Refusal(Errno.ERANGE, "hwqueue.size", $"{Range} in whole pages is the whole address space.");
        ulong length = _pinned.Last - _pinned.Start + 1;
        ulong pages = length >> PhysicalMemory.FrameShift;
        if (pages > Context.Host.Memory.FrameCount)
            return new Refusal(Errno.ENOMEM, "hwqueue.list", $"A list of {pages:N0} frames is longer than the machine has frames.");
        if (Context.AccessCreateInternal(Viommu.Parent.Ioas, out Access? access) is { } refused)
            return refused;
        var frames = new uint[pages];
        if (access!.PinLocked(_pinned.Start, length, frames) is { } unpinned)
        {
            Context.AccessDestroy(access);
            return unpinned;
        }
        Access = access;
        BasePhysical = ((ulong)frames[0] << PhysicalMemory.FrameShift) + (Range.Start - _pinned.Start);
        int gap = 1;
        while (gap < frames.Length && frames[gap] == frames[0] + gap)
            gap++;
        if (gap == frames.Length)
            return null;
        Unpin();
        return new Refusal(Errno.EFAULT, "hwqueue.contiguous", $"Page {gap} of {Range} does not follow the one before it in physical memory.");
    }

    internal void Unpin()
    {
        Access.UnpinPages(_pinned.Start, _pinned.Last - _pinned.Start + 1);
        Context.AccessDestroy(Access);
    }

    /// <summary>Takes its place in the vIOMMU; the driver has agreed.</summary>
    internal void Join()
    {
        Previous = Viommu.HwQueueMap.GetValueOrDefault(Index - 1);
        Viommu.HwQueueMap.Add(Index, this);
        Viommu.Get();
        Access.Get();
        Previous?.Get();
    }

    internal override void Destroy()
    {
        Viommu.HwQueueMap.Remove(Index);
        Previous?.Put();
        Access.Put();
        Unpin();
        Viommu.Put();
    }
}
