namespace IommuDash.Engine;

/// <summary>What happened in an emulated host. The fields of <see cref="EngineEvent"/> mean, by kind, what is said here.</summary>
public enum EngineEventKind : byte
{
    None,

    /// <summary>Object = the new context's fd number, Other = pid.</summary>
    ContextOpened,
    ContextClosed,

    /// <summary>Object = the id, Other = its <see cref="Iommufd.IommufdObjectType"/>.</summary>
    ObjectCreated,
    ObjectDestroyed,

    /// <summary>Object = device id, Other = hwpt id, Value = PASID, 0 without one. A replace moves a whole group: one event for each of its devices that is attached.</summary>
    DeviceAttached,
    DeviceReplaced,
    DeviceDetached,

    /// <summary>Object = IOAS id, Range = the area's IOVA, Value = source address.</summary>
    AreaMapped,
    AreaUnmapped,

    /// <summary>Object = IOAS id; the whole allowed list was replaced. Value = number of ranges.</summary>
    AllowedChanged,

    /// <summary>Object = IOAS id, Range = reserved range.</summary>
    ReservedAdded,
    ReservedRemoved,

    /// <summary>Object = IOAS id, Value = new alignment in bytes.</summary>
    AlignmentChanged,

    /// <summary>Object = IOAS id, Other = hwpt id.</summary>
    DomainAdded,
    DomainRemoved,

    /// <summary>Object = hwpt id, Other = IOAS id, Value = 1 on, 0 off.</summary>
    DirtyTrackingSet,

    /// <summary>Object = hwpt id, Other = the <see cref="Iommufd.GetDirtyFlags"/>, Range = the request, Value = bits the read added to the bitmap.</summary>
    DirtyBitmapRead,

    /// <summary>Object = device id, Other = hwpt id, Range = IOVA, Value = bytes of the leaves that became dirty.</summary>
    DeviceWrote,

    /// <summary>Object = fault queue id, Other = device id, Value = the faults' group id.</summary>
    FaultQueued,

    /// <summary>Object = device id, Other = the <see cref="Iommufd.PageResponse"/>, Value = the faults' group id.</summary>
    FaultAnswered,

    /// <summary>Object = event queue id, Other = vIOMMU id, Value = sequence number.</summary>
    VeventQueued,
    VeventLost,

    /// <summary>Object = pid, Value = number of pages. Range = user addresses (or file offsets).</summary>
    PagesPinned,
    PagesUnpinned,

    /// <summary>Object = option id, Other = object id or 0, Value = new value.</summary>
    OptionSet,

    /// <summary>Object = pid. Range = its addresses where the event has any.</summary>
    ProcessCreated,
    ProcessExited,
    MemoryMapped,
    MemoryUnmapped,
    MemoryWritten,
    LimitChanged,

    /// <summary>Object = access id, Other = IOAS id, 0 = detached.</summary>
    AccessAttached,

    /// <summary>Object = access id, Other = IOAS id, Range = IOVA.</summary>
    AccessPinned,
    AccessUnpinned,

    /// <summary>Object = IOAS id, Range = the area that was, Value = first IOVA of its right part.</summary>
    AreaSplit,

    /// <summary>Object = pid that pays from now on, Value = pages that changed hands.</summary>
    PayerChanged,
}

/// <summary>
/// One thing that happened, small enough to be passed by value: raising an event allocates nothing. Ids are those of <paramref name="Context"/> (0 = the host itself).
/// </summary>
public readonly record struct EngineEvent(EngineEventKind Kind, int Context, uint Object, uint Other, IovaRange Range, ulong Value);

/// <summary>Receives events in the order they happen, on the writer's thread, while the command runs; must not call back into the engine.</summary>
public interface IEngineEventSink
{
    void Raise(in EngineEvent engineEvent);
}
