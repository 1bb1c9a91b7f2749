// Places where a call can be made to fail on purpose, so that a test can repeat a scenario failing at point 1, 2, 3 … and see that each failure leaves everything as it was
// (the idea of the kernel's iommufd_fail_nth and CONFIG_FAULT_INJECTION). Undoing and tearing down never meet one.
namespace IommuDash.Engine.Hardware;

/// <summary>Kinds of places that can fail.</summary>
public enum FailurePoint : byte
{
    /// <summary>Looking an object up by id: ENOENT.</summary>
    ObjectLookup,

    /// <summary>Before a device's reserved regions are enforced: EINVAL.</summary>
    ReservedRegions,

    /// <summary>Working memory for a batch of frames: ENOMEM.</summary>
    BatchMemory,

    /// <summary>Before pages are pinned: EFAULT.</summary>
    Pin,

    /// <summary>Half way through putting frames into the store of an access: EINVAL.</summary>
    StorePfns,

    /// <summary>Charging for more pages: ENOMEM.</summary>
    Charge,

    /// <summary>Copying a single page of another live process: EINVAL.</summary>
    RemoteCopy,

    /// <summary>A map call of the mock IOMMU, at level 6.12 only: ENOENT.</summary>
    MockMap,

    /// <summary>Copying a call's arguments from the caller: EFAULT.</summary>
    CopyIn,

    /// <summary>Copying a call's results to the caller: EFAULT.</summary>
    CopyOut,

    /// <summary>An object, an area, a record or a page table's frame: ENOMEM.</summary>
    Allocation,
}

/// <summary>Decides which points fail. Asked once each time a call comes to a point.</summary>
public interface IFailurePoints
{
    bool ShouldFail(FailurePoint point);
}

public sealed partial class EmulatedHost
{
    /// <summary>Who decides; null = nothing fails on purpose.</summary>
    public IFailurePoints? FailurePoints
    {
        get => Memory.FailurePoints;
        set => Memory.FailurePoints = value;
    }

    internal bool Fails(FailurePoint point) => Memory.FailurePoints is { } points && points.ShouldFail(point);
}

internal static class Injected
{
    public static Refusal Refusal(Errno errno, FailurePoint point) => new(errno, "inject." + point, $"Made to fail: {point}.");
}
