// Random commands against the naive model, on machines that are roomy, short of memory, or short of RLIMIT_MEMLOCK. A refusal must change nothing, and must be one the model expects.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;
using IommuDash.Engine.PageTables;
using IommuDash.Engine.Pages;
using IommuDash.Engine.Tests.Iommufd;

namespace IommuDash.Engine.Tests.Iova;

public sealed class IoPagetableModelTests
{
    private const int Steps = 250;
    private const ulong Page = Rig.Page;
    private static readonly string[] Mock = ["mock0", "mock1", "mock2", "pair0", "pair1"];
    private static readonly string[] Intel = ["intel0", "intel1", "narrow0"];
    private static readonly string[] Amd = ["amd0", "amd1"];
    private static readonly string[] Mixed = ["mock0", "pair0", "pair1", "intel0", "amd0"];

    public static TheoryData<string, int, bool, bool> Runs()
    {
        var runs = new TheoryData<string, int, bool, bool>();
        foreach (string devices in (string[])["mock", "intel", "amd", "mixed"])
        {
            for (int seed = 1; seed <= 8; seed++)
                runs.Add(devices, seed, seed % 4 == 2, seed % 4 == 3);
        }
        return runs;
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void RandomCommands_AgreeWithTheModel_AndCloseLeavesNothing(string devices, int seed, bool littleMemory, bool littleMemlock)
    {
        using var run = new Run(devices switch { "mock" => Mock, "intel" => Intel, "amd" => Amd, _ => Mixed }, seed, littleMemory, littleMemlock);
        for (int step = 0; step < Steps; step++)
            run.Step();
        run.Finish();
    }

    private sealed class Run : IDisposable
    {
        private readonly EventList _events = [];
        private readonly Rig _rig;
        private readonly NaiveIommufd _model;
        private readonly Random _random;
        private readonly bool _isTight;
        private readonly uint[] _ioases;
        private readonly Device[] _devices;

        public Run(string[] devices, int seed, bool littleMemory, bool littleMemlock)
        {
            _isTight = littleMemory || littleMemlock;
            _random = new Random(seed);
            _rig = new Rig(events: _events, memoryBytes: littleMemory ? 2UL << 20 : 64UL << 20, memlockBytes: littleMemlock ? 40 * Page : ulong.MaxValue);
            _model = new NaiveIommufd(_rig);
            _ioases = [_rig.Ioas, _rig.NewIoas()];
            foreach (uint ioas in _ioases)
                _model.Ioases.Add(ioas, []);
            _devices = [.. devices.Select(_rig.Bound)];
        }

        public void Step()
        {
            switch (_random.Next(18))
            {
                case < 6:
                    Map();
                    break;
                case < 8:
                    Copy();
                    break;
                case < 11:
                    Unmap();
                    break;
                case 11:
                    Try(() => _rig.Context.Attach(Any(_devices).Id, Any(Targets()), out _));
                    break;
                case 12:
                    Try(() => _rig.Context.Replace(Any(_devices).Id, Any(Targets()), out _));
                    break;
                case 13:
                    Assert.Null(_rig.Context.Detach(Any(_devices).Id));
                    break;
                case 14:
                    Try(() => _rig.Context.HwptAlloc(Any(_devices).Id, Any(_ioases), HwptFlags.None, 0, out _));
                    break;
                case 15:
                    if (Hwpts().ToArray() is { Length: > 0 } hwpts)
                        Try(() => _rig.Context.Destroy(Any(hwpts)));
                    break;
                case 16:
                    Access();
                    break;
                default:
                    Rare();
                    break;
            }
            _model.Settle();
            _model.Check();
        }

        public void Finish()
        {
            foreach (NaivePages pages in _model.Pages)
            {
                foreach ((ulong first, ulong last) in pages.Accesses)
                    pages.Real.RemoveAccess(first, last);
            }
            _rig.AssertNothingLeftAfterClose();
            Assert.Equal(Sum(EngineEventKind.PagesPinned, e => e.Value), Sum(EngineEventKind.PagesUnpinned, e => e.Value));
            Assert.Equal(Sum(EngineEventKind.AreaMapped, _ => 1), Sum(EngineEventKind.AreaUnmapped, _ => 1));
            Assert.Equal(Sum(EngineEventKind.ReservedAdded, _ => 1), Sum(EngineEventKind.ReservedRemoved, _ => 1));
            Assert.Equal(Sum(EngineEventKind.DomainAdded, _ => 1), Sum(EngineEventKind.DomainRemoved, _ => 1));
            Assert.Equal(Sum(EngineEventKind.ObjectCreated, _ => 1), Sum(EngineEventKind.ObjectDestroyed, _ => 1));
        }

        public void Dispose() => _rig.Dispose();

        private ulong Sum(EngineEventKind kind, Func<EngineEvent, ulong> of) => _events.Where(e => e.Kind == kind).Aggregate(0UL, (sum, e) => sum + of(e));

        private T Any<T>(IReadOnlyList<T> list) => list[_random.Next(list.Count)];

        private IEnumerable<uint> Hwpts() => _rig.Context.Objects.All.OfType<HwptPaging>().Select(h => h.Id);

        private uint[] Targets() => [.. _ioases, .. _ioases, .. Hwpts()];

        private Refusal? Try(Func<Refusal?> call, Func<Refusal?>? preview = null)
        {
            string before = _rig.State();
            Refusal? foreseen = preview?.Invoke();
            Refusal? refusal = call();
            // A preview does not know when frames and tables run out, nor what filling a new domain would meet.
            bool isForeseeable = refusal is null || !(refusal.Rule.StartsWith("domain.", StringComparison.Ordinal) || refusal.Rule == "memory.frames");
            if (preview is not null && isForeseeable)
                Assert.Equal(refusal?.Errno, foreseen?.Errno);
            if (refusal is not null)
                Assert.Equal(before, _rig.State());
            if (!_isTight)
                Assert.NotEqual(Errno.ENOMEM, refusal?.Errno);
            return refusal;
        }

        private void Map()
        {
            uint ioas = Any(_ioases);
            ulong unit = Any((ulong[])[1, 0x400, 0x800, Page, Page, Page, Page, Page]);
            ulong source = Any((ulong[])[TestHosts.Buffer, TestHosts.Scattered, TestHosts.Scattered, TestHosts.Huge, Rig.Holed, TestHosts.ReadOnly, Rig.PrivateFile]);
            ulong address = source + (unit * (ulong)_random.Next((int)(4 * Page / unit)));
            ulong length = Math.Max(unit, unit * (ulong)_random.Next((int)(24 * Page / unit)));
            if (_random.Next(12) == 0)
                length = 2UL << 20;
            EmulatedProcess process = _rig.Host.FindProcess(Any((int[])[TestHosts.Pid, Rig.Sibling, Rig.Privileged]))!;
            if (!process.Memory.IsAlive)
                process = _rig.Process;
            MapFlags flags = Any((MapFlags[])[MapFlags.Readable, Rig.ReadWrite, MapFlags.Writeable]);
            ulong at = Iova(unit);
            bool isFixed = _random.Next(3) != 0;
            Errno? expected = isFixed ? _model.RefusesPlace(ioas, at, length) : null;
            if (expected is null && isFixed && address % Page % _model.Table(ioas).IovaAlignment != 0)
                expected = Errno.EINVAL;
            ulong iova = at;
            Refusal? refusal = Try(() => _rig.Context.IoasMap(process, ioas, flags | (isFixed ? MapFlags.FixedIova : 0), address, length, ref iova), () => _rig.Context.PreviewIoasMap(process, ioas, flags | (isFixed ? MapFlags.FixedIova : 0), address, length, at).Refusal);
            if (refusal is not null)
            {
                Expect(refusal, expected, isFixed, () => !ReachesMemory(process, address, length, flags.HasFlag(MapFlags.Writeable)));
                return;
            }
            Assert.Null(expected);
            if (!isFixed)
                Assert.Null(_model.RefusesPlace(ioas, iova, length));
            IoPagetable table = _model.Table(ioas);
            var pages = new NaivePages(table.Area(table.Areas.FirstOverlap(iova, iova)).Pages);
            _model.Pages.Add(pages);
            _model.Ioases[ioas].Add(iova, new NaiveArea(new IovaRange(iova, iova + length - 1), pages, address % Page, Prot(flags)));
        }

        private void Copy()
        {
            uint from = Any(_ioases);
            uint to = Any(_ioases);
            if (_model.Ioases[from].Count == 0)
                return;
            NaiveArea first = Any(_model.Ioases[from].Values.ToArray());
            ulong skip = _random.Next(2) == 0 ? 0 : (ulong)_random.NextInt64((long)(first.Range.Last - first.Range.Start) + 1) & ~0x3ffUL;
            ulong source = first.Range.Start + skip;
            ulong length = _random.Next(2) == 0 ? first.Range.Last - source + 1 : Page * (ulong)_random.Next(1, 40);
            ulong at = Iova(Page) + (source % Page);
            MapFlags flags = Any((MapFlags[])[MapFlags.Readable, Rig.ReadWrite]);
            List<NaiveArea>? pieces = Pieces(from, source, length);
            Errno? expected = pieces is null ? Errno.ENOENT : _model.RefusesPlace(to, at, length);
            ulong alignment = _model.Table(to).IovaAlignment;
            expected ??= pieces!.Select(p => flags.HasFlag(MapFlags.Writeable) && !p.Pages.Real.IsWritable ? Errno.EPERM : p.PageOffset % alignment != 0 ? Errno.EINVAL : (Errno?)null).FirstOrDefault(e => e is not null);
            // Pieces that the domains cannot cut there: refused while filling, after anything the pieces before them were refused for.
            bool cutsPages = expected is null && _model.Table(to).Domains.Count != 0 && pieces!.Any(p => (p.Range.Start - source + at) % alignment != 0 || p.Range.LengthBytes % alignment != 0);
            ulong iova = at;
            Refusal? refusal = Try(() => _rig.Context.IoasCopy(to, from, flags | MapFlags.FixedIova, source, length, ref iova), () => _rig.Context.PreviewIoasCopy(to, from, flags | MapFlags.FixedIova, source, length, at).Refusal);
            if (refusal is not null)
            {
                if (!cutsPages || refusal.Errno != Errno.EINVAL)
                    Expect(refusal, expected, true, () => pieces!.Any(p => !_model.CanFill(to, p.Pages, p.StartByte, (ulong)p.Range.LengthBytes)));
                return;
            }
            Assert.Null(expected);
            Assert.False(cutsPages);
            foreach (NaiveArea piece in pieces!)
            {
                ulong start = piece.Range.Start - source + at;
                _model.Ioases[to].Add(start, piece with { Range = new IovaRange(start, start + (piece.Range.Last - piece.Range.Start)), Prot = Prot(flags) });
            }
        }

        private List<NaiveArea>? Pieces(uint ioas, ulong source, ulong length)
        {
            var pieces = new List<NaiveArea>();
            ulong last = source + length - 1;
            for (ulong next = source; ; next = pieces[^1].Range.Last + 1)
            {
                if (_model.Overlapping(ioas, new IovaRange(next, next)) is not { } area)
                    return null;
                pieces.Add(area with { Range = new IovaRange(next, Math.Min(area.Range.Last, last)), StartByte = area.StartByte + (next - area.Range.Start) });
                if (pieces[^1].Range.Last == last)
                    return pieces;
            }
        }

        private void Unmap()
        {
            uint ioas = Any(_ioases);
            SortedDictionary<ulong, NaiveArea> areas = _model.Ioases[ioas];
            ulong start = Iova(Page);
            ulong length = Page * (ulong)_random.Next(1, 64);
            if (areas.Count != 0 && _random.Next(4) != 0)
            {
                IovaRange range = Any(areas.Values.ToArray()).Range;
                (start, length) = (range.Start, range.Last - range.Start + 1);
            }
            if (_random.Next(8) == 0)
                (start, length) = (0, ulong.MaxValue);
            bool isAll = start == 0 && length == ulong.MaxValue;
            var window = new IovaRange(start, isAll ? length : start + length - 1);
            ulong removed = 0;
            bool isPartial = false;
            foreach (NaiveArea area in areas.Values.Where(a => a.Range.Overlaps(window)).ToArray())
            {
                isPartial = !window.Contains(area.Range);
                if (isPartial)
                    break;
                areas.Remove(area.Range.Start);
                removed += (ulong)area.Range.LengthBytes;
            }
            Refusal? refusal = _rig.Context.IoasUnmap(ioas, start, length, out ulong bytes);
            Assert.Equal(removed, bytes);
            Assert.Equal(isPartial || (removed == 0 && !isAll) ? Errno.ENOENT : null, refusal?.Errno);
        }

        private void Access()
        {
            NaivePages[] all = [.. _model.Pages];
            if (all.Length == 0)
                return;
            NaivePages pages = Any(all);
            if (pages.Accesses.Count != 0 && _random.Next(2) == 0)
            {
                (ulong First, ulong Last) held = Any(pages.Accesses);
                pages.Accesses.Remove(held);
                pages.Real.RemoveAccess(held.First, held.Last);
                return;
            }
            ulong first = (ulong)_random.NextInt64((long)pages.Real.PageCount);
            ulong last = Math.Min(pages.Real.PageCount - 1, first + (ulong)_random.Next(12));
            if (pages.Accesses.Count != 0 && _random.Next(3) == 0)
                (first, last) = Any(pages.Accesses);
            bool write = _random.Next(2) == 0;
            Refusal? refusal = Try(() => pages.Real.AddAccess(first, last, write));
            if (refusal is null)
            {
                pages.Accesses.Add((first, last));
                return;
            }
            bool reaches = true;
            for (ulong index = first; index <= last; index++)
                reaches &= pages.Pinned.ContainsKey(index) || pages.CanPin(index);
            Expect(refusal, write && !pages.Real.IsWritable ? Errno.EPERM : null, true, () => !reaches);
        }

        private void Rare()
        {
            uint ioas = Any(_ioases);
            switch (_random.Next(4))
            {
                case 0:
                    Try(() => _rig.Context.OptionSet(_rig.Process, IommufdOption.HugePages, ioas, (ulong)_random.Next(2)));
                    break;
                case 1:
                    ulong start = Iova(Page);
                    Try(() => _rig.Context.IoasAllowIovas(ioas, _random.Next(2) == 0 ? [] : [new IovaRange(start, start + (256 * Page))]));
                    break;
                case 2 when _random.Next(6) == 0 && _rig.Host.FindProcess(Rig.Sibling)!.Memory.IsAlive:
                    Assert.Null(_rig.Host.ExitProcess(Rig.Sibling));
                    break;
                case 3 when _random.Next(6) == 0 && _rig.Process.Memory.Find(TestHosts.Scattered) is not null:
                    Assert.Null(_rig.Host.UnmapMemory(TestHosts.Pid, TestHosts.Scattered));
                    Assert.Null(_rig.Host.MapMemory(TestHosts.Pid, new MemoryDescription { Start = TestHosts.Scattered, LengthBytes = 64 * Page, Layout = FrameLayout.Scattered }));
                    break;
            }
        }

        // Page tables, touched memory and MEMLOCK may always run out on a tight machine; EFAULT must have its cause.
        private static void Expect(Refusal refusal, Errno? expected, bool isFixed, Func<bool> faults)
        {
            if (expected is { } errno)
                Assert.Equal(errno, refusal.Errno);
            else if (refusal.Errno == Errno.EFAULT)
                Assert.True(faults(), refusal.Reason);
            else if (refusal.Errno != Errno.ENOMEM)
                Assert.True(!isFixed && refusal.Errno is Errno.ENOSPC or Errno.EINVAL, $"{refusal.Errno} {refusal.Rule}: {refusal.Reason}");
        }

        private static bool ReachesMemory(EmulatedProcess process, ulong address, ulong length, bool write)
        {
            for (ulong page = address & ~(Page - 1); page < address + length; page += Page)
            {
                if (process.Memory.Find(page) is not { } mapping || !(write ? mapping.CanWrite : mapping.CanRead))
                    return false;
            }
            return true;
        }

        private ulong Iova(ulong unit) => Rig.Base + (unit * (ulong)_random.Next((int)(512 * Page / unit)));

        private static IommuProt Prot(MapFlags flags) =>
            IommuProt.Cache | (flags.HasFlag(MapFlags.Readable) ? IommuProt.Read : 0) | (flags.HasFlag(MapFlags.Writeable) ? IommuProt.Write : 0);
    }
}
