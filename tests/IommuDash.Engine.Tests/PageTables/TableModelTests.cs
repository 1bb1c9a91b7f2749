// Every format against the plainest model: a dictionary from granule to physical address, and a list of leaves for what an unmap may cut.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Tests.PageTables;

public sealed class TableModelTests
{
    [Theory]
    [InlineData("vtd")]
    [InlineData("amd")]
    [InlineData("mock")]
    [InlineData("mock-huge")]
    public void RandomCommands_AgainstADictionary_AgreeAndLeakNothing(string kind)
    {
        for (int seed = 0; seed < 30; seed++)
        {
            using var memory = new PhysicalMemory(64 * TestTables.MiB);
            uint framesBefore = memory.FramesInUse;
            using (IommuDomain domain = TestTables.Create(memory, kind))
            {
                var run = new ModelRun(domain, new Random(seed));
                for (int step = 0; step < 400; step++)
                    run.Step();
                run.CompareAll();
            }
            Assert.Equal(framesBefore, memory.FramesInUse);
        }
    }

    private sealed class ModelRun(IommuDomain domain, Random random)
    {
        private readonly ulong _granule = domain.PageSizeBitmap & (0 - domain.PageSizeBitmap);
        private readonly SortedDictionary<ulong, (ulong Physical, ulong Leaf, ulong LeafBytes)> _granules = [];

        // Two windows: one that crosses tables of level 1, one that makes an AMD table grow.
        private readonly ulong[] _bases = [0x3FF0_0000, domain.Aperture.Last > 1UL << 45 ? (1UL << 45) - (4UL << 20) : 0x7000_0000];

        public void Step()
        {
            switch (random.Next(10))
            {
                case < 4:
                    Map();
                    break;
                case < 7:
                    Unmap();
                    break;
                case < 9:
                    Read();
                    break;
                default:
                    MapRuns();
                    break;
            }
        }

        public void CompareAll()
        {
            Span<WalkStep> steps = stackalloc WalkStep[6];
            foreach ((ulong iova, (ulong physical, ulong leaf, ulong leafBytes)) in _granules)
            {
                Assert.True(domain.TryTranslate(iova + 5, out ulong found));
                Assert.Equal(physical + 5, found);
                WalkStep last = steps[domain.Walk(iova, steps) - 1];
                Assert.Equal((EntryKind.Leaf, leafBytes), (last.Kind, 1UL << last.PageShift));
                Assert.Equal(physical - (iova - leaf), last.Target);
            }
            Assert.Equal((ulong)_granules.Count * _granule, domain.MappedBytes);
            Assert.Equal(
                _granules.Where(granule => granule.Key == granule.Value.Leaf).GroupBy(granule => granule.Value.LeafBytes)
                    .Select(group => ((int)ulong.Log2(group.Key), (long)group.Count())).Order(),
                domain.LeafCounts());
        }

        private ulong PickIova()
        {
            ulong size = 1UL << random.Next(11, 22);
            return (_bases[random.Next(2)] + ((ulong)random.Next(8 << 10) << 10)) / size * size / _granule * _granule;
        }

        private ulong PickBytes() => Math.Max(_granule, (ulong)random.Next(1, 8) << random.Next(11, 22)) / _granule * _granule;

        private ulong PickPhysical(ulong iova) =>
            random.Next(2) == 0 ? (iova & 0x3FFF_FFFF) + 0x1_0000_0000 : (ulong)random.Next(1 << 20) * _granule;

        private void Map()
        {
            ulong iova = PickIova();
            ulong bytes = PickBytes();
            ulong physical = PickPhysical(iova);
            int maxShift = random.Next(3) == 0 ? 12 : 63;
            bool free = IsFree(iova, bytes);
            Errno errno = domain.Map(iova, physical, bytes, TestTables.ReadWrite, maxShift);
            Assert.Equal(free ? Errno.None : Errno.EADDRINUSE, errno);
            if (free)
                Add(iova, physical, bytes, maxShift);
        }

        private void MapRuns()
        {
            ulong iova = PickIova();
            var runs = new PhysicalRun[random.Next(1, 20)];
            ulong bytes = 0;
            for (int i = 0; i < runs.Length; i++)
            {
                ulong runBytes = random.Next(4) == 0 ? PickBytes() : _granule;
                runs[i] = new PhysicalRun(PickPhysical(iova + bytes), runBytes);
                bytes += runBytes;
            }
            bool free = IsFree(iova, bytes);
            Assert.Equal(free ? Errno.None : Errno.EADDRINUSE, domain.MapRuns(iova, runs, IommuProt.Read));
            foreach (PhysicalRun run in free ? runs : [])
            {
                Add(iova, run.Physical, run.LengthBytes, 63);
                iova += run.LengthBytes;
            }
        }

        private void Unmap()
        {
            ulong iova = PickIova();
            ulong bytes = PickBytes();
            ulong expected = 0;
            while (expected < bytes && _granules.TryGetValue(iova + expected, out var granule) && granule.Leaf == iova + expected)
            {
                for (ulong at = 0; at < granule.LeafBytes; at += _granule)
                    _granules.Remove(granule.Leaf + at);
                expected += granule.LeafBytes;
            }
            Assert.Equal(expected, domain.Unmap(iova, bytes));
        }

        private void Read()
        {
            ulong iova = PickIova() + (ulong)random.Next((int)_granule);
            ulong last = iova + PickBytes() - (ulong)random.Next(2);
            var expected = new List<PhysicalRun>();
            for (ulong at = iova; at <= last && _granules.TryGetValue(at / _granule * _granule, out var granule);)
            {
                ulong start = at / _granule * _granule;
                ulong bytes = Math.Min(start + _granule - 1, last) - at + 1;
                ulong physical = granule.Physical + (at - start);
                if (expected.Count > 0 && expected[^1].Physical + expected[^1].LengthBytes == physical)
                    expected[^1] = expected[^1] with { LengthBytes = expected[^1].LengthBytes + bytes };
                else
                    expected.Add(new PhysicalRun(physical, bytes));
                at += bytes;
            }
            var buffer = new PhysicalRun[random.Next(1, 6)];
            int count = domain.ReadRuns(iova, last, buffer);
            Assert.Equal(expected.Take(buffer.Length), buffer.Take(count));
        }

        private bool IsFree(ulong iova, ulong bytes)
        {
            for (ulong at = 0; at < bytes; at += _granule)
            {
                if (_granules.ContainsKey(iova + at))
                    return false;
            }
            return true;
        }

        /// <summary>Leaf by leaf, the largest that divides both addresses and fits.</summary>
        private void Add(ulong iova, ulong physical, ulong bytes, int maxShift)
        {
            while (bytes > 0)
            {
                int shift = maxShift;
                while (shift > 51 || (domain.PageSizeBitmap >> shift & 1) == 0 || 1UL << shift > bytes || ((iova | physical) & ((1UL << shift) - 1)) != 0)
                    shift--;
                for (ulong at = 0; at < 1UL << shift; at += _granule)
                    _granules[iova + at] = (physical + at, iova, 1UL << shift);
                iova += 1UL << shift;
                physical += 1UL << shift;
                bytes -= 1UL << shift;
            }
        }
    }
}
