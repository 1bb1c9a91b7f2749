using System.Numerics;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Tests.PageTables;

/// <summary>Random leaves, writes and reads, compared with a list of leaves.</summary>
public sealed class DirtyModelTests
{
    private const ulong Page = 4096;

    private sealed record Leaf(ulong Iova, int PageShift, int Slots)
    {
        public bool IsDirty { get; set; }

        public ulong Last => Iova + (1UL << PageShift) - 1;
    }

    [Theory]
    [InlineData("vtd", 1)]
    [InlineData("vtd", 2)]
    [InlineData("amd", 1)]
    [InlineData("amd", 2)]
    [InlineData("mock", 1)]
    [InlineData("mock-huge", 1)]
    public void ReadDirty_RandomWindows_RecordsAndClearsWhatTheModelSays(string kind, int seed)
    {
        using var memory = new PhysicalMemory(1UL << 30);
        using IommuDomain domain = TestTables.Create(memory, kind);
        var random = new Random(seed);
        List<Leaf> leaves = Fill(domain, random, kind);
        ulong first = leaves[0].Iova;
        ulong end = leaves[^1].Last + 1;
        for (int step = 0; step < 400; step++)
        {
            for (int i = random.Next(6); i > 0; i--)
            {
                ulong at = first + ((ulong)random.NextInt64((long)(end - first)) & ~0x7ffUL);
                Leaf? hit = leaves.Find(l => l.Iova <= at && at <= l.Last);
                Assert.Equal(hit is not null, domain.MarkDirty(at));
                if (hit is not null)
                    hit.IsDirty = true;
            }
            if (step % 8 == 0)
                MarkRange(domain, leaves, first + (ulong)random.NextInt64((long)(end - first)), (ulong)random.NextInt64(1, 40 << 12));
            ulong start = first + ((ulong)random.NextInt64((long)(end - first)) & ~(Page - 1));
            ulong last = start + ((ulong)random.NextInt64(1, 2048) * Page) - 1;
            bool clear = random.Next(2) == 0;
            byte[] bits = new byte[DirtyBitmap.BytesFor(last - start + 1, 12)];
            byte[] expected = new byte[bits.Length];
            foreach (Leaf leaf in leaves.Where(l => l.IsDirty && l.Iova <= last && l.Last >= start))
            {
                Record(expected, leaf, start, last);
                leaf.IsDirty &= !clear;
            }
            List<Leaf> touched = [.. leaves.Where(l => l.Iova <= last && l.Last >= start)];
            domain.ReadDirty(start, last, clear, new DirtyBitmap(bits, start, last, 12));
            Assert.Equal(expected, bits);
            AssertCounts(domain, leaves, touched, start, last, random.Next(11, 30));
        }
        Assert.All(leaves, leaf => Assert.Equal(leaf.IsDirty, domain.IsDirty(leaf.Iova)));
        domain.ReadDirty(0, ulong.MaxValue, clear: true, default);
        Assert.All(leaves, leaf => Assert.False(domain.IsDirty(leaf.Iova)));
    }

    [Theory]
    [InlineData("vtd", 9)]
    [InlineData("amd", 6)]
    [InlineData("mock", 6)]
    public void MarkDirty_OneSlot_SetsTheBitOfTheManualAndClearingLeavesTheRest(string kind, int bit)
    {
        using var memory = new PhysicalMemory(64UL << 20);
        using IommuDomain domain = TestTables.Create(memory, kind);
        Assert.Equal(Errno.None, domain.Map(0x100_0000, 0x20_0000, 2 * Page, TestTables.ReadWrite));
        Span<WalkStep> steps = stackalloc WalkStep[6];
        ulong before = steps[domain.Walk(0x100_1000, steps) - 1].Raw;
        Assert.True(domain.MarkDirty(0x100_1000));
        Assert.Equal(before | (1UL << bit), steps[domain.Walk(0x100_1000, steps) - 1].Raw);
        domain.ReadDirty(0x100_0000, 0x100_1fff, clear: true, default);
        Assert.Equal(before, steps[domain.Walk(0x100_1000, steps) - 1].Raw);
        Assert.False(domain.MarkDirty(0x200_0000));
    }

    [Fact]
    public void ReadDirty_Level612_CountsALeafWholeFromTheWalksPosition()
    {
        using var memory = new PhysicalMemory(64UL << 20);
        using IommuDomain domain = DomainFactory.Create(TestTables.Unit(IommuVendor.Amd, 64), memory, out _, level: ReferenceLevel.Linux612)!;
        Assert.Equal(Errno.None, domain.Map(0, 0x20_0000, 8 * Page, TestTables.ReadWrite));
        domain.MarkDirty(7 * Page);
        byte[] bits = new byte[2];
        domain.ReadDirty(2 * Page, (16 * Page) - 1, clear: false, new DirtyBitmap(bits, 0, (16 * Page) - 1, 12));
        Assert.Equal([0xfc, 0x03], bits);
    }

    [Fact]
    public void Record_AnyRange_SetsExactlyItsBitsAndNothingOutside()
    {
        var random = new Random(7);
        for (int i = 0; i < 2_000; i++)
        {
            byte[] bits = new byte[random.Next(1, 12)];
            ulong pages = (ulong)random.Next(1, 100);
            (ulong from, ulong count) = ((ulong)random.Next(100), (ulong)random.Next(100));
            new DirtyBitmap(bits, 0x1000_0000, 0x1000_0000 + (pages * Page) - 1, 12).Record(0x1000_0000 + (from * Page), count * Page);
            for (ulong bit = 0; bit < (ulong)bits.Length * 8; bit++)
                Assert.Equal(bit >= from && bit < from + count && bit < pages, (bits[bit / 8] >> (int)(bit % 8) & 1) != 0);
        }
    }

    private static List<Leaf> Fill(IommuDomain domain, Random random, string kind)
    {
        int granule = kind == "mock" ? 11 : BitOperations.TrailingZeroCount(domain.PageSizeBitmap);
        int levelZero = kind is "mock" or "mock-huge" ? 11 : 12;
        int[] shifts = [.. Enumerable.Range(granule, 12).Where(s => (domain.PageSizeBitmap >> s & 1) != 0)];
        var leaves = new List<Leaf>();
        ulong iova = 0x100_0000;
        while (leaves.Count < 600)
        {
            int shift = shifts[random.Next(3) == 0 ? random.Next(shifts.Length) : 0];
            iova = (iova + (1UL << shift) - 1) & ~((1UL << shift) - 1);
            Assert.Equal(Errno.None, domain.Map(iova, 1UL << 29, 1UL << shift, TestTables.ReadWrite, shift));
            leaves.Add(new Leaf(iova, shift, 1 << ((shift - levelZero) % 9)));
            iova += (1UL << shift) + (random.Next(8) == 0 ? Page * (ulong)random.Next(1, 600) : 0);
        }
        return leaves;
    }

    // The reference's rule: a leaf of one slot counts whole from where the walk meets it; one of several up to its last slot, which is left out unless the window ends before it.
    private static void MarkRange(IommuDomain domain, List<Leaf> leaves, ulong start, ulong length)
    {
        List<Leaf> touched = [.. leaves.Where(l => l.Iova < start + length && l.Last >= start)];
        Assert.Equal(touched.Where(l => !l.IsDirty).Aggregate(0UL, (sum, l) => sum + (1UL << l.PageShift)), domain.MarkDirty(start, start + length - 1));
        touched.ForEach(l => l.IsDirty = true);
    }

    private static void AssertCounts(IommuDomain domain, List<Leaf> leaves, List<Leaf> touched, ulong start, ulong last, int cellShift)
    {
        Assert.Equal(touched.Where(l => l.IsDirty).Aggregate(0UL, (sum, l) => sum + (1UL << l.PageShift)), domain.DirtyBytes(start, last));
        var cells = new ulong[((last - start) >> cellShift) + 1];
        domain.CountDirty(start, last, cellShift, cells);
        for (int cell = 0; cell < cells.Length; cell++)
        {
            ulong from = start + ((ulong)cell << cellShift);
            ulong to = Math.Min(from + (1UL << cellShift) - 1, last);
            Assert.Equal(leaves.Where(l => l.IsDirty && l.Iova <= to && l.Last >= from).Aggregate(0UL, (sum, l) => sum + Math.Min(l.Last, to) - Math.Max(l.Iova, from) + 1), cells[cell]);
        }
    }

    private static void Record(byte[] bits, Leaf leaf, ulong start, ulong last)
    {
        ulong slot = (1UL << leaf.PageShift) / (ulong)leaf.Slots;
        ulong position = Math.Max(leaf.Iova, start);
        ulong walkEnd = Math.Min(leaf.Last, last) / slot;
        ulong length = leaf.Slots == 1 ? slot : (Math.Min((leaf.Last / slot), walkEnd + 1) - (position / slot)) * slot;
        if (length == 0)
            return;
        for (ulong page = position & ~(Page - 1); page <= Math.Min(position + length - 1, last); page += Page)
            bits[(page - start) / Page / 8] |= (byte)(1 << (int)((page - start) / Page % 8));
    }
}
