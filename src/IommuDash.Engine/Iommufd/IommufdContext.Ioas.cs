// The IOAS family of calls (drivers/iommu/iommufd/ioas.c). Each checks its arguments in the reference's order; what needs the io_pagetable's state is checked there.
using System.Runtime.InteropServices;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iova;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Iommufd;

/// <summary>Flags of IOMMU_IOAS_MAP and IOMMU_IOAS_COPY. The calls test them with &amp;, since HasFlag allocates in an unoptimised build.</summary>
[Flags]
public enum MapFlags : uint
{
    None = 0,
    FixedIova = 1,
    Writeable = 2,
    Readable = 4,
}

/// <summary>Options of IOMMU_OPTION.</summary>
public enum IommufdOption : uint
{
    /// <summary>1 = charge pinned pages to the address space (MM), 0 = to the user. Only while the context is empty.</summary>
    RlimitMode = 0,

    /// <summary>Of an IOAS: 1 = use large leaves, 0 = 4 KiB only.</summary>
    HugePages = 1,
}

public sealed partial class IommufdContext
{
    private const MapFlags KnownMapFlags = MapFlags.FixedIova | MapFlags.Writeable | MapFlags.Readable;
    private const int MaxKeptSlices = 1024;

    // What a copy takes, empty between calls: kept so that a copy of a few areas allocates nothing.
    private readonly List<PagesSlice> _copied = [];

    /// <summary>IOMMU_IOAS_ALLOC: a new empty IO address space.</summary>
    public Refusal? IoasAlloc(out uint ioasId)
    {
        var ioas = new Ioas(this);
        if (Objects.Reserve(ioas) is { } full)
        {
            ioasId = 0;
            return full;
        }
        Publish(ioas);
        ioasId = ioas.Id;
        return null;
    }

    /// <summary>
    /// IOMMU_IOAS_ALLOW_IOVAS: replaces the ranges automatic allocation may use; none = everywhere. Areas already mapped stay where they are.
    /// ENOENT no such IOAS; EINVAL a range with start ≥ last, or two that overlap; EADDRINUSE one touches a reserved range. On refusal the old list stays.
    /// </summary>
    public Refusal? IoasAllowIovas(uint ioasId, ReadOnlySpan<IovaRange> ranges) =>
        Objects.Get(ioasId, "IOAS", out Ioas ioas) ?? ioas.Pagetable.SetAllowed(ranges);

    /// <summary>
    /// IOMMU_IOAS_IOVA_RANGES: the holes of the reserved set over all 2^64 addresses, and the alignment. At most <paramref name="maxRanges"/> are listed;
    /// <paramref name="total"/> and <paramref name="alignment"/> are given even with the refusal EMSGSIZE, which says that more exist than asked for.
    /// </summary>
    public Refusal? IoasIovaRanges(uint ioasId, int maxRanges, List<IovaRange> ranges, out int total, out ulong alignment)
    {
        total = 0;
        alignment = 0;
        if (Objects.Get(ioasId, "IOAS", out Ioas ioas) is { } refusal)
            return refusal;
        alignment = ioas.Pagetable.IovaAlignment;
        for (var span = ioas.Pagetable.Reserved.Spans(0, ulong.MaxValue); !span.IsDone; span.Next())
        {
            if (span.IsHole && total++ < maxRanges)
                ranges.Add(span.Range);
        }
        return total <= maxRanges ? null : new Refusal(Errno.EMSGSIZE, "ranges.count", $"The IOAS has {total} usable ranges, room was given for {maxRanges}.");
    }

    /// <summary>
    /// IOMMU_IOAS_MAP: shows [userAddress, +length) of the caller's memory to every device on the IOAS, at <paramref name="iova"/> if <see cref="MapFlags.FixedIova"/>, else where allocation finds room; the place is given back.
    /// </summary>
    public Refusal? IoasMap(EmulatedProcess caller, uint ioasId, MapFlags flags, ulong userAddress, ulong length, ref ulong iova)
    {
        if (ResolveMap(caller, ioasId, flags, userAddress, length, iova, out Ioas ioas, out PagesSlice slice) is { } refusal)
            return refusal;
        return ioas.Pagetable.Map(new ReadOnlySpan<PagesSlice>(in slice), userAddress, flags, ref iova);
    }

    /// <summary>
    /// IOMMU_IOAS_COPY: shows what <paramref name="sourceIoasId"/> maps at [sourceIova, +length) in another IOAS too, or elsewhere in the same one, sharing the pages: no further pin, no further charge.
    /// ENOENT if the source range has a hole; then as <see cref="IoasMap"/>.
    /// </summary>
    public Refusal? IoasCopy(uint destinationIoasId, uint sourceIoasId, MapFlags flags, ulong sourceIova, ulong length, ref ulong destinationIova)
    {
        List<PagesSlice> slices = _copied;
        Refusal? refusal = ResolveCopy(destinationIoasId, sourceIoasId, flags, sourceIova, length, destinationIova, out Ioas destination, slices, out ulong sourceAddress)
            ?? destination.Pagetable.Map(CollectionsMarshal.AsSpan(slices), sourceAddress, flags, ref destinationIova);
        slices.Clear();
        if (slices.Capacity > MaxKeptSlices)
            slices.Capacity = 0;
        return refusal;
    }

    /// <summary>
    /// IOMMU_IOAS_UNMAP: removes whole areas inside [iova, +length); iova 0 with length 2^64-1 removes all. <paramref name="unmappedBytes"/> tells how much went, also when a later area is refused: what was removed stays removed.
    /// ENOENT: no IOAS, nothing there, or an area only partly inside; EBUSY: an area in use; EOVERFLOW, EINVAL: bad arguments.
    /// </summary>
    public Refusal? IoasUnmap(uint ioasId, ulong iova, ulong length, out ulong unmappedBytes)
    {
        unmappedBytes = 0;
        if (ResolveUnmap(ioasId, iova, length, out Ioas ioas, out IovaRange window) is { } bad)
            return bad;
        if (ioas.Pagetable.Unmap(window, out unmappedBytes) is { } refusal)
            return refusal;
        return unmappedBytes != 0 || window == IovaRange.Whole ? null : NothingMapped(window);
    }

    /// <summary>
    /// IOMMU_OPTION, setting. EOPNOTSUPP unknown option or an object id where none belongs; EPERM without CAP_SYS_RESOURCE; EBUSY objects exist; ENOENT no such IOAS; EINVAL other values than 0 and 1, or large pages cannot be switched now.
    /// </summary>
    public Refusal? OptionSet(EmulatedProcess caller, IommufdOption option, uint objectId, ulong value)
    {
        switch (option)
        {
            case IommufdOption.RlimitMode:
                if (objectId != 0)
                    return new Refusal(Errno.EOPNOTSUPP, "option.object", "RLIMIT_MODE belongs to the context; the object id must be 0.");
                if (!caller.CapSysResource)
                    return new Refusal(Errno.EPERM, "option.capability", $"Process {caller.Pid} lacks CAP_SYS_RESOURCE.");
                if (Objects.TakenIds != 0)
                    return new Refusal(Errno.EBUSY, "option.objects", $"The context already holds {Objects.TakenIds} objects; the mode is chosen before the first.");
                if (value > 1)
                    return BadOptionValue(value);
                AccountMode = value == 0 ? AccountMode.User : AccountMode.Mm;
                break;
            case IommufdOption.HugePages:
                if (Objects.Get(objectId, "IOAS", out Ioas ioas) is { } noIoas)
                    return noIoas;
                if (value > 1)
                    return BadOptionValue(value);
                if (ioas.Pagetable.SetLargePages(value == 1) is { } refusal)
                    return refusal;
                break;
            default:
                return UnknownOption(option);
        }
        Raise(EngineEventKind.OptionSet, (uint)option, objectId, value: value);
        return null;
    }

    /// <summary>IOMMU_OPTION, reading. EOPNOTSUPP unknown option or an object id where none belongs; ENOENT no such IOAS.</summary>
    public Refusal? OptionGet(IommufdOption option, uint objectId, out ulong value)
    {
        value = 0;
        switch (option)
        {
            case IommufdOption.RlimitMode:
                if (objectId != 0)
                    return new Refusal(Errno.EOPNOTSUPP, "option.object", "RLIMIT_MODE belongs to the context; the object id must be 0.");
                value = AccountMode == AccountMode.Mm ? 1u : 0;
                return null;
            case IommufdOption.HugePages:
                if (Objects.Get(objectId, "IOAS", out Ioas ioas) is { } noIoas)
                    return noIoas;
                value = ioas.Pagetable.LargePagesDisabled ? 0u : 1;
                return null;
            default:
                return UnknownOption(option);
        }
    }

    // What each call looks up and checks before it comes to the IOAS; previews take the same way.
    private Refusal? ResolveMap(EmulatedProcess caller, uint ioasId, MapFlags flags, ulong userAddress, ulong length, ulong iova, out Ioas ioas, out PagesSlice slice)
    {
        ioas = null!;
        slice = default;
        if (CheckMapArguments(flags, length, sourceIova: 0, iova) is { } refusal)
            return refusal;
        if (Objects.Get(ioasId, "IOAS", out ioas) is { } noIoas)
            return noIoas;
        if (IoptPages.FromUser(this, caller, userAddress, length, (flags & MapFlags.Writeable) != 0, out IoptPages? pages) is { } badSource)
            return badSource;
        slice = new PagesSlice(pages!, userAddress % PhysicalMemory.FrameBytes, length);
        return null;
    }

    private Refusal? ResolveCopy(uint destinationIoasId, uint sourceIoasId, MapFlags flags, ulong sourceIova, ulong length, ulong destinationIova,
        out Ioas destination, List<PagesSlice> slices, out ulong sourceAddress)
    {
        destination = null!;
        sourceAddress = 0;
        if (CheckMapArguments(flags, length, sourceIova, destinationIova) is { } refusal)
            return refusal;
        if (Objects.Get(sourceIoasId, "source IOAS", out Ioas source) is { } noSource)
            return noSource;
        if (source.Pagetable.Slices(sourceIova, length, slices, out sourceAddress) is { } hole)
            return hole;
        return Objects.Get(destinationIoasId, "destination IOAS", out destination);
    }

    private Refusal? ResolveUnmap(uint ioasId, ulong iova, ulong length, out Ioas ioas, out IovaRange window)
    {
        window = IovaRange.Whole;
        if (Objects.Get(ioasId, "IOAS", out ioas) is { } noIoas)
            return noIoas;
        if (iova == 0 && length == ulong.MaxValue)
            return null;
        if (iova == ulong.MaxValue)
            return Overflow("IOVA", iova);
        if (length == ulong.MaxValue)
            return Overflow("Length", length);
        if (length == 0)
            return new Refusal(Errno.EINVAL, "unmap.length", "The length is 0; there is nothing to unmap.");
        return IovaRange.TryOfLength(iova, length, out window)
            ? null
            : new Refusal(Errno.EOVERFLOW, "unmap.wrap", $"0x{iova:x} + 0x{length:x} passes the end of the address space.");
    }

    private static Refusal NothingMapped(IovaRange window) =>
        new(Errno.ENOENT, "unmap.nothing", $"Nothing is mapped in {window}.") { Ranges = [new(RangeRole.Requested, window)] };

    private static Refusal? CheckMapArguments(MapFlags flags, ulong length, ulong sourceIova, ulong iova)
    {
        if ((flags & ~KnownMapFlags) != 0)
            return new Refusal(Errno.EOPNOTSUPP, "map.flags", $"Flag bits 0x{(uint)(flags & ~KnownMapFlags):x} are unknown.");
        if (iova == ulong.MaxValue)
            return Overflow("IOVA", iova);
        if (length == ulong.MaxValue)
            return Overflow("Length", length);
        if (sourceIova == ulong.MaxValue)
            return Overflow("Source IOVA", sourceIova);
        if ((flags & (MapFlags.Readable | MapFlags.Writeable)) == 0)
            return new Refusal(Errno.EINVAL, "map.prot", "Neither READABLE nor WRITEABLE is set; a mapping must grant something.");
        return null;
    }

    private static Refusal Overflow(string what, ulong value) => new(Errno.EOVERFLOW, "argument.overflow", $"{what} 0x{value:x} is 2^64-1 or more.");

    private static Refusal BadOptionValue(ulong value) => new(Errno.EINVAL, "option.value", $"Value {value} is neither 0 nor 1.");

    private static Refusal UnknownOption(IommufdOption option) => new(Errno.EOPNOTSUPP, "option.unknown", $"Option {(uint)option} is unknown.");
}
