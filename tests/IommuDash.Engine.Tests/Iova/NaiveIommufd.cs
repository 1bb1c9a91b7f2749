// What an iommufd context should look like, kept in the plainest way: lists of areas, and per pages object the frame of every page that must be pinned now.
// Which domains and attachments exist is taken from the engine; what follows from them is worked out here and compared.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;
using IommuDash.Engine.PageTables;
using IommuDash.Engine.Pages;
using IommuDash.Engine.Tests.Iommufd;

namespace IommuDash.Engine.Tests.Iova;

internal sealed class NaivePages(IoptPages real)
{
    public IoptPages Real { get; } = real;

    /// <summary>Page index → frame, of pinned pages.</summary>
    public Dictionary<ulong, uint> Pinned { get; } = [];

    public List<(ulong First, ulong Last)> Accesses { get; } = [];

    public bool CanPin(ulong index)
    {
        EmulatedProcess process = Real.Source;
        return process.Memory.IsAlive && process.Memory.Find(Real.AddressOf(index)) is { } mapping && (Real.IsWritable ? mapping.CanWrite : mapping.CanRead);
    }
}

internal sealed record NaiveArea(IovaRange Range, NaivePages Pages, ulong StartByte, IommuProt Prot)
{
    public ulong FirstIndex => StartByte / Rig.Page;

    public ulong LastIndex => (StartByte + (Range.Last - Range.Start)) / Rig.Page;

    public ulong PageOffset => StartByte % Rig.Page;
}

internal sealed class NaiveIommufd(Rig rig)
{
    public Dictionary<uint, SortedDictionary<ulong, NaiveArea>> Ioases { get; } = [];

    public List<NaivePages> Pages { get; } = [];

    public IoPagetable Table(uint ioas) => rig.Context.Objects.Find<Ioas>(ioas)!.Pagetable;

    public NaiveArea? Overlapping(uint ioas, IovaRange range) => Ioases[ioas].Values.FirstOrDefault(a => a.Range.Overlaps(range));

    /// <summary>What a fixed map must be refused with before any page is looked at; null = nothing in its way.</summary>
    public Errno? RefusesPlace(uint ioas, ulong iova, ulong length)
    {
        IoPagetable table = Table(ioas);
        if (length == 0 || length % table.IovaAlignment != 0 || iova % table.IovaAlignment != 0)
            return Errno.EINVAL;
        if (!IovaRange.TryOfLength(iova, length, out IovaRange range))
            return Errno.EOVERFLOW;
        if (Reserved(ioas).Any(r => r.Overlaps(range)))
            return Errno.EINVAL;
        return Overlapping(ioas, range) is null ? null : Errno.EEXIST;
    }

    public bool CanFill(uint ioas, NaivePages pages, ulong startByte, ulong length)
    {
        if (Table(ioas).Domains.Count == 0)
            return true;
        for (ulong index = startByte / Rig.Page; index <= (startByte + length - 1) / Rig.Page; index++)
        {
            if (!pages.Pinned.ContainsKey(index) && !pages.CanPin(index))
                return false;
        }
        return true;
    }

    public IEnumerable<IovaRange> Reserved(uint ioas)
    {
        foreach (HwptPaging hwpt in rig.Context.Objects.Find<Ioas>(ioas)!.Hwpts)
        {
            IovaRange aperture = hwpt.Domain.Aperture;
            if (aperture.Start != 0)
                yield return new IovaRange(0, aperture.Start - 1);
            if (aperture.Last != ulong.MaxValue)
                yield return new IovaRange(aperture.Last + 1, ulong.MaxValue);
        }
        foreach (Device device in rig.Context.Objects.All.OfType<Device>().Where(d => d.Hwpt?.Ioas.Id == ioas))
        {
            foreach (ReservedRegion region in device.Hardware.Group.Description.ReservedRegions.Where(r => r.Kind != ReservedRegionKind.DirectRelaxable))
                yield return new IovaRange(region.Start, region.Last);
        }
    }

    /// <summary>Pins and unpins what the areas, domains and accesses now ask for.</summary>
    public void Settle()
    {
        foreach (NaivePages pages in Pages.ToArray())
        {
            var wanted = new HashSet<ulong>();
            bool isUsed = pages.Accesses.Count != 0;
            foreach ((uint ioas, SortedDictionary<ulong, NaiveArea> areas) in Ioases)
            {
                foreach (NaiveArea area in areas.Values.Where(a => a.Pages == pages))
                {
                    isUsed = true;
                    if (Table(ioas).Domains.Count != 0)
                        wanted.UnionWith(Indexes(area.FirstIndex, area.LastIndex));
                }
            }
            foreach ((ulong first, ulong last) in pages.Accesses)
                wanted.UnionWith(Indexes(first, last));
            foreach (ulong index in pages.Pinned.Keys.Except(wanted).ToArray())
                pages.Pinned.Remove(index);
            foreach (ulong index in wanted.Where(i => !pages.Pinned.ContainsKey(i)))
                pages.Pinned.Add(index, (uint)(IoasMapTests.FrameOf(pages.Real.Source, pages.Real.AddressOf(index)) >> PhysicalMemory.FrameShift));
            if (!isUsed)
                Pages.Remove(pages);
        }
    }

    public void Check()
    {
        foreach ((uint ioas, SortedDictionary<ulong, NaiveArea> areas) in Ioases)
            CheckIoas(ioas, areas);
        var pins = new Dictionary<uint, uint>();
        foreach (uint frame in Pages.SelectMany(p => p.Pinned.Values))
            pins[frame] = pins.GetValueOrDefault(frame) + 1;
        Assert.Equal((uint)pins.Count, rig.Host.Memory.PinnedFrames);
        Assert.All(pins, pin => Assert.Equal(pin.Value, rig.Host.Memory.Pins(pin.Key)));
        Assert.All(Pages, pages => Assert.Equal((uint)pages.Pinned.Count, pages.Real.PinnedPages));
        foreach (EmulatedProcess process in rig.Host.Processes)
            Assert.Equal(Sum(p => p.Source == process), process.Memory.PinnedPages);
        foreach (EmulatedUser user in rig.Host.Users)
            Assert.Equal(Sum(p => p.Source.User == user && p.Mode == AccountMode.User), user.LockedPages);
        Assert.Equal(0, rig.StrayFrames());
    }

    private void CheckIoas(uint ioas, SortedDictionary<ulong, NaiveArea> areas)
    {
        IoPagetable table = Table(ioas);
        Assert.Equal(areas.Values.Select(a => a.Range), Ranges(table.Areas));
        Assert.Equal(Reserved(ioas).OrderBy(r => r.Start).ThenBy(r => r.Last), Ranges(table.Reserved).OrderBy(r => r.Start).ThenBy(r => r.Last));
        Assert.Equal(areas.Values.Aggregate((UInt128)0, (sum, a) => sum + a.Range.LengthBytes), table.MappedBytes);
        ulong alignment = table.LargePagesDisabled ? Rig.Page : 1;
        foreach (IommuDomain domain in table.Domains)
        {
            alignment = Math.Max(alignment, domain.PageSizeBitmap & (0 - domain.PageSizeBitmap));
            Assert.Equal(table.MappedBytes, domain.MappedBytes);
            foreach (NaiveArea area in areas.Values)
                CheckTranslation(domain, area);
        }
        Assert.Equal(alignment, table.IovaAlignment);
        int slot = table.Areas.First;
        foreach (NaiveArea area in areas.Values)
        {
            IopArea real = table.Areas.Payload(slot);
            Assert.Equal((area.Pages.Real, area.FirstIndex, area.PageOffset, area.Prot), (real.Pages, real.FirstIndex, real.PageOffset, real.Prot));
            Assert.True(table.Domains.Count == 0 ? real.StorageDomain is null : table.Domains.Contains(real.StorageDomain));
            slot = table.Areas.Next(slot);
        }
    }

    private static void CheckTranslation(IommuDomain domain, NaiveArea area)
    {
        ulong frame = area.Pages.Pinned[area.FirstIndex];
        for (ulong index = area.FirstIndex, at = area.Range.Start; ; frame = area.Pages.Pinned[++index])
        {
            Assert.True(domain.TryTranslate(at, out ulong physical));
            Assert.Equal((frame << PhysicalMemory.FrameShift) | (index == area.FirstIndex ? area.PageOffset : 0), physical);
            if (index == area.LastIndex)
                break;
            at += Rig.Page - (index == area.FirstIndex ? area.PageOffset : 0);
        }
        Assert.True(domain.TryTranslate(area.Range.Last, out ulong last));
        Assert.Equal((frame << PhysicalMemory.FrameShift) | ((area.StartByte + (area.Range.Last - area.Range.Start)) % Rig.Page), last);
    }

    private ulong Sum(Func<IoptPages, bool> whose) => Pages.Where(p => whose(p.Real)).Aggregate(0UL, (sum, p) => sum + (ulong)p.Pinned.Count);

    private static IEnumerable<ulong> Indexes(ulong first, ulong last)
    {
        for (ulong index = first; index <= last; index++)
            yield return index;
    }

    private static List<IovaRange> Ranges<TPayload, TAugment>(IntervalTree<TPayload, TAugment> tree)
        where TAugment : struct, ITreeAugment<TAugment>
    {
        var ranges = new List<IovaRange>();
        for (int slot = tree.First; slot >= 0; slot = tree.Next(slot))
            ranges.Add(tree.Range(slot));
        return ranges;
    }
}
