// The narrow waist between iommufd and the hardware formats: what an IOAS asks of a translation domain. Ranges are the unit of work, so a call walks each table
// once however many pages it covers. Callers own disjoint ranges and have checked the aperture; a domain checks alignment and occupancy all the same.
namespace IommuDash.Engine.PageTables;

/// <summary>Access a mapping grants, with the flags of the reference's IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE.</summary>
[Flags]
public enum IommuProt : byte
{
    None = 0,
    Read = 1,
    Write = 2,
    Cache = 4,
}

/// <summary>Physically contiguous bytes.</summary>
/// <param name="Physical">Physical address of the first byte.</param>
/// <param name="LengthBytes">Bytes, never 0.</param>
public readonly record struct PhysicalRun(ulong Physical, ulong LengthBytes);

/// <summary>One step of a table walk, top level first.</summary>
/// <param name="Level">0 = leaf-most.</param>
/// <param name="TablePhysical">Physical address of the table.</param>
/// <param name="Index">Entry looked at.</param>
/// <param name="Raw">The entry's word.</param>
/// <param name="Kind">What the entry is.</param>
/// <param name="Target">Physical address it points to: the next table's, or the page's first byte; 0 when empty.</param>
/// <param name="PageShift">For a leaf, log2 of its size; otherwise 0.</param>
public readonly record struct WalkStep(int Level, ulong TablePhysical, int Index, ulong Raw, EntryKind Kind, ulong Target, int PageShift);

/// <summary>What a table entry is.</summary>
public enum EntryKind : byte
{
    Empty,
    Table,
    Leaf,
}

/// <summary>A named group of bits of an entry, for showing a raw word to a person.</summary>
/// <param name="Name">The manual's name.</param>
/// <param name="LowBit">Lowest bit, 0 = least significant.</param>
/// <param name="HighBit">Highest bit, inclusive.</param>
/// <param name="Value">The bits' value, shifted down.</param>
/// <param name="Meaning">What this value means here.</param>
public readonly record struct EntryField(string Name, int LowBit, int HighBit, ulong Value, string Meaning);

/// <summary>An IOMMU translation domain (struct iommu_domain): an address space that devices are attached to, with a real page table in the machine's memory.</summary>
public abstract class IommuDomain : IDisposable
{
    /// <summary>The field's name of the format, e.g. <c>VT-d second stage</c>.</summary>
    public abstract string FormatName { get; }

    /// <summary>Addresses it can translate, inclusive.</summary>
    public abstract IovaRange Aperture { get; }

    /// <summary>One bit per leaf size it can use; the lowest is the granule.</summary>
    public abstract ulong PageSizeBitmap { get; }

    /// <summary>Number of levels the table has now.</summary>
    public abstract int Levels { get; }

    /// <summary>Physical address of the top table.</summary>
    public abstract ulong RootPhysical { get; }

    /// <summary>Bytes of table memory in use now.</summary>
    public abstract ulong TableBytes { get; }

    /// <summary>Index bits of IOVA used at <paramref name="level"/>: lowest bit and how many.</summary>
    public abstract (int LowBit, int Bits) IndexBits(int level);

    /// <summary>
    /// Maps physically contiguous memory with the largest leaves that fit. On failure nothing of this call remains mapped; tables it built may stay, empty, as after an unmap.
    /// Errors in order (generic_pt contract): EINVAL no READ or WRITE; ERANGE physical memory outside the output width; EINVAL length 0; EOVERFLOW the end passes 2^64;
    /// ENXIO misaligned to the granule; ERANGE outside the input width; EADDRINUSE something is mapped there; ENOMEM no frame for a table.
    /// </summary>
    /// <param name="maxPageShift">Leaves larger than this are not used (large pages off: 12).</param>
    public abstract Errno Map(ulong iova, ulong physical, ulong lengthBytes, IommuProt prot, int maxPageShift = 63);

    /// <summary>
    /// Maps runs of physical memory one behind the other from <paramref name="iova"/> on: what <see cref="Map"/> does, for scattered memory in one call. All or nothing, with the errors of <see cref="Map"/>;
    /// no leaf spans two runs, so give runs merged.
    /// </summary>
    public abstract Errno MapRuns(ulong iova, ReadOnlySpan<PhysicalRun> runs, IommuProt prot, int maxPageShift = 63);

    /// <summary>
    /// Removes what is mapped from <paramref name="iova"/> on. Returns the bytes removed: larger than asked if the end falls inside a larger leaf, less than asked at a hole,
    /// 0 if the start falls inside a larger leaf or anything is misaligned to the granule. Tables wholly covered are freed; others stay, even if now empty.
    /// </summary>
    public abstract ulong Unmap(ulong iova, ulong lengthBytes);

    /// <summary>Physical address behind an IOVA of any alignment; false if not mapped.</summary>
    public abstract bool TryTranslate(ulong iova, out ulong physical);

    /// <summary>
    /// Reads back what is mapped in [iova, last], merged into maximal physically contiguous runs; stops at a hole, at <paramref name="last"/>, or when <paramref name="runs"/> is full.
    /// A run is always complete: it never ends because of the buffer, so cutting an unmap there cannot cut a leaf.
    /// </summary>
    /// <returns>Number of runs written.</returns>
    public abstract int ReadRuns(ulong iova, ulong last, Span<PhysicalRun> runs);

    /// <summary>The walk a DMA to <paramref name="iova"/> takes, top first; ends at a leaf or an empty entry. Writes at most 6 steps; returns how many.</summary>
    public abstract int Walk(ulong iova, Span<WalkStep> steps);

    /// <summary>Number of entries of the table at <paramref name="level"/>.</summary>
    public abstract int EntryCount(int level);

    /// <summary>Classifies and decodes one raw word as found at <paramref name="level"/>.</summary>
    public abstract EntryKind Decode(int level, ulong raw, out ulong target, out int pageShift);

    /// <summary>Takes a raw word apart by the manual's fields.</summary>
    public abstract IReadOnlyList<EntryField> DescribeEntry(int level, ulong raw);

    /// <summary>Counts leaves by size over the whole table: (log2 of the size, number of leaves), ascending. Kept up to date; does not walk.</summary>
    public abstract IReadOnlyList<(int PageShift, long Count)> LeafCounts();

    /// <summary>Number of tables at <paramref name="level"/> now.</summary>
    public abstract int TableCount(int level);

    /// <summary>
    /// Records every dirty leaf of [iova, last] in the bitmap, clipped to neither: a leaf counts from the position the walk found it at. Holes are passed over. With <paramref name="clear"/>,
    /// the leaves recorded are clean afterwards, large ones as a whole.
    /// </summary>
    public abstract void ReadDirty(ulong iova, ulong last, bool clear, DirtyBitmap bitmap);

    /// <summary>What hardware does when a device writes to an address: sets the dirty bit in the one entry it used. False if nothing is mapped there.</summary>
    public abstract bool MarkDirty(ulong iova);

    /// <summary>What hardware does when a device writes to all of [iova, last]: one entry of each leaf touched. Holes are passed over. Returns the bytes of the leaves that were clean before.</summary>
    public abstract ulong MarkDirty(ulong iova, ulong last);

    /// <summary>Adds to each cell how many of its bytes lie in dirty leaves. Cell n begins n * 2^<paramref name="cellShift"/> bytes behind <paramref name="iova"/>; nothing counts outside [iova, last]. Clears nothing.</summary>
    /// <exception cref="ArgumentException">The cells do not reach <paramref name="last"/>.</exception>
    public abstract void CountDirty(ulong iova, ulong last, int cellShift, Span<ulong> cells);

    /// <summary>Bytes of the dirty leaves that [iova, last] touches, each counted whole: what a read of that range would clear if no hole stopped it.</summary>
    public abstract ulong DirtyBytes(ulong iova, ulong last);

    /// <summary>Whether the leaf at an address is dirty; false where nothing is mapped.</summary>
    public abstract bool IsDirty(ulong iova);

    /// <summary>Whether this domain forces snooping on every leaf (IOMMU_CAP_ENFORCE_CACHE_COHERENCY).</summary>
    public abstract bool EnforcesCoherency { get; }

    /// <summary>Asks for enforced snooping; refused once anything is mapped where the format keeps it in the leaves, or if the unit cannot.</summary>
    public abstract bool TryEnforceCoherency();

    /// <summary>Bytes mapped now.</summary>
    public abstract ulong MappedBytes { get; }

    /// <summary>Frees every table. Nothing may be mapped any more that still needs unpinning; leaves left are dropped.</summary>
    public abstract void Dispose();
}
