// Words of a path compared with ones worked out from the manuals. Tables are taken from the top of memory downwards, so a memory whose highest free frame is chosen well puts
// the table of level n of the path at 0x1_0000_0000 + n * 4 KiB.
using System.Globalization;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Tests.PageTables;

public sealed class GoldenEntryTests
{
    private const uint LevelZeroPfn = 0x10_0000;

    /// <param name="rootLevel">Where the first table stands, counted from that of level 0: the tables of a growing top are taken before those of the path.</param>
    [Theory]
    [InlineData(2, 0x1234567000UL, 0x89ABCD000UL, 12, "RW", "L2[72] L1[418] L0[359]", "6000000100001401 6000000100000201", 0x700000089ABCD001UL)]
    [InlineData(2, 0x1234568000UL, 0x89ABCE000UL, 13, "R", "L2[72] L1[418] L0[360]", "6000000100001401 6000000100000201", 0x300000089ABCEE01UL)]
    [InlineData(2, 0x1234570000UL, 0x89ABD0000UL, 16, "RW", "L2[72] L1[418] L0[368]", "6000000100001401 6000000100000201", 0x700000089ABD7E01UL)]
    [InlineData(2, 0x1234600000UL, 0x89AC00000UL, 20, "W", "L2[72] L1[419] L0[0]", "6000000100001401 6000000100000201", 0x500000089AC7FE01UL)]
    [InlineData(2, 0x1234800000UL, 0x89AE00000UL, 21, "RW", "L2[72] L1[420]", "6000000100001401", 0x700000089AE00001UL)]
    [InlineData(2, 0x1235000000UL, 0x89B000000UL, 23, "RW", "L2[72] L1[424]", "6000000100001401", 0x700000089B3FFE01UL)]
    [InlineData(2, 0x1240000000UL, 0x8C0000000UL, 29, "RW", "L2[73] L1[0]", "6000000100001401", 0x70000008CFFFFE01UL)]
    [InlineData(2, 0x1280000000UL, 0x900000000UL, 30, "R", "L2[74]", "", 0x3000000900000001UL)]
    [InlineData(2, 0x4000000000UL, 0x4000000000UL, 38, "RW", "L2[256]", "", 0x7000005FFFFFFE01UL)]
    [InlineData(2, 0x10000000000UL, 0x20000000000UL, 40, "RW", "L3[2]", "", 0x7000027FFFFFFE01UL)]
    [InlineData(8, 0x8000000000001000UL, 0xFFFFFFFFFF000UL, 12, "RW", "L5[64] L4[0] L3[0] L2[0] L1[0] L0[1]",
        "6000000100004A01 6000000100003801 6000000100002601 6000000100001401 6000000100000201", 0x700FFFFFFFFFF001UL)]
    public void AmdV1_OnePage_WritesTheManualsWords(
        int rootLevel, ulong iova, ulong physical, int pageShift, string access, string path, string pointers, ulong leaf) =>
        CheckRow(TestTables.Unit(IommuVendor.Amd, 64), rootLevel, iova, physical, pageShift, access, path, pointers, leaf);

    [Theory]
    [InlineData(48, 0x8D800000UL, 0x8D800000UL, 12, "RW", "L3[0] L2[2] L1[108] L0[0]", "0000000100002003 0000000100001003 0000000100000003", 0x000000008D800003UL)]
    [InlineData(48, 0x8D801000UL, 0x123456000UL, 12, "R", "L3[0] L2[2] L1[108] L0[1]", "0000000100002003 0000000100001003 0000000100000003", 0x0000000123456001UL)]
    [InlineData(48, 0x8D802000UL, 0x123457000UL, 12, "W", "L3[0] L2[2] L1[108] L0[2]", "0000000100002003 0000000100001003 0000000100000003", 0x0000000123457002UL)]
    [InlineData(48, 0x40200000UL, 0x140200000UL, 21, "RWS", "L3[0] L2[1] L1[1]", "0000000100002003 0000000100001003", 0x0000000140200883UL)]
    [InlineData(48, 0x80000000UL, 0x180000000UL, 30, "RS", "L3[0] L2[2]", "0000000100002003", 0x0000000180000881UL)]
    [InlineData(39, 0x7FC0000000UL, 0x200000000UL, 30, "RW", "L2[511]", "", 0x0000000200000083UL)]
    [InlineData(48, 0x8D803000UL, 0x123458000UL, 12, "RWS", "L3[0] L2[2] L1[108] L0[3]", "0000000100002003 0000000100001003 0000000100000003", 0x0000000123458803UL)]
    [InlineData(57, 0x1000000000000UL, 0xABC000UL, 12, "RW", "L4[1] L3[0] L2[0] L1[0] L0[0]",
        "0000000100003003 0000000100002003 0000000100001003 0000000100000003", 0x0000000000ABC003UL)]
    public void VtdSecondStage_OnePage_WritesTheManualsWords(
        int inputBits, ulong iova, ulong physical, int pageShift, string access, string path, string pointers, ulong leaf) =>
        CheckRow(TestTables.Unit(IommuVendor.Intel, inputBits), (inputBits - 12) / 9 - 1, iova, physical, pageShift, access, path, pointers, leaf);

    // Worked out from the selftest's rules: AMD v1 words with addresses in units of 2 KiB, never force-coherent.
    [Theory]
    [InlineData(0x1000000UL, 0x5800UL, 11, "RW", "L4[0] L3[0] L2[0] L1[16] L0[0]",
        "6000000200006801 6000000200004601 6000000200002401 6000000200000201", 0x600000000000B001UL)]
    [InlineData(0x1001000UL, 0x5000UL, 12, "R", "L4[0] L3[0] L2[0] L1[16] L0[2]",
        "6000000200006801 6000000200004601 6000000200002401 6000000200000201", 0x200000000000AE01UL)]
    [InlineData(0x1100000UL, 0x300000UL, 20, "RW", "L4[0] L3[0] L2[0] L1[17]", "6000000200006801 6000000200004601 6000000200002401", 0x6000000000600001UL)]
    [InlineData(0x1200000UL, 0x400000UL, 21, "W", "L4[0] L3[0] L2[0] L1[18]", "6000000200006801 6000000200004601 6000000200002401", 0x40000000009FFE01UL)]
    public void MockAmdV1_OnePage_CountsAddressesIn2KiB(
        ulong iova, ulong physical, int pageShift, string access, string path, string pointers, ulong leaf) =>
        CheckRow(TestTables.Unit(IommuVendor.Mock), 4, iova, physical, pageShift, access, path, pointers, leaf);

    [Fact]
    public void AmdV1_NotCoherent_LeavesForceCoherentClear() =>
        Assert.Equal(0x600000089ABCD001UL, AmdV1.LeafAttributes(0, 12, TestTables.ReadWrite, coherent: false) | AmdV1.LeafAddress(0, 12, 0x89ABCD000));

    [Theory]
    [InlineData(IommuVendor.Amd, 0, 0x700000089ABCD041UL, 0x89ABCD000UL, 12, "D")]
    [InlineData(IommuVendor.Amd, 0, 0x700000089ABD7E41UL, 0x89ABD0000UL, 16, "D")]
    [InlineData(IommuVendor.Intel, 0, 0x0000000123458B03UL, 0x123458000UL, 12, "D")]
    [InlineData(IommuVendor.Intel, 0, 0x0000000123458903UL, 0x123458000UL, 12, "A")]
    public void Decode_AfterADeviceWrite_StillNamesThePage(IommuVendor vendor, int level, ulong raw, ulong physical, int pageShift, string setField)
    {
        using var memory = new PhysicalMemory(2UL << 20);
        using IommuDomain domain = TestTables.Create(memory, TestTables.Unit(vendor));
        Assert.Equal(EntryKind.Leaf, domain.Decode(level, raw, out ulong target, out int shift));
        Assert.Equal((physical, pageShift), (target, shift));
        Assert.Equal(1UL, domain.DescribeEntry(level, raw).Single(field => field.Name == setField).Value);
    }

    [Fact]
    public void AmdV1_GrowingByOneLevel_LinksTheOldTopAtIndexZero()
    {
        using var memory = NewMemory();
        TestTables.PlaceNextTable(memory, LevelZeroPfn + 2);
        using IommuDomain domain = TestTables.Create(memory, TestTables.Unit(IommuVendor.Amd, 64));
        Assert.Equal((3, 0x1_0000_2000UL), (domain.Levels, domain.RootPhysical));
        Assert.Equal(Errno.None, domain.Map(1UL << 39, 0x1000, 0x1000, TestTables.ReadWrite));
        Assert.Equal(4, domain.Levels);
        Assert.Equal(0x6000000100002601UL, TestTables.Word(memory, domain.RootPhysical, 0));
    }

    private static PhysicalMemory NewMemory() => new((4UL << 30) + (2UL << 20));

    private static void CheckRow(
        IommuUnitDescription unit, int rootLevel, ulong iova, ulong physical, int pageShift, string access, string path, string pointers, ulong leaf)
    {
        using PhysicalMemory memory = NewMemory();
        TestTables.PlaceNextTable(memory, LevelZeroPfn + (uint)rootLevel);
        using IommuDomain domain = TestTables.Create(memory, unit);
        if (access.Contains('S'))
            Assert.True(domain.TryEnforceCoherency());
        IommuProt prot = (access.Contains('R') ? IommuProt.Read : 0) | (access.Contains('W') ? IommuProt.Write : 0);
        ulong bytes = 1UL << pageShift;
        Assert.Equal(Errno.None, domain.Map(iova, physical, bytes, prot));

        Span<WalkStep> steps = stackalloc WalkStep[6];
        steps = steps[..domain.Walk(iova, steps)];
        string[] expectedPath = path.Split(' ');
        ulong[] words = [.. pointers.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => ulong.Parse(word, NumberStyles.HexNumber, CultureInfo.InvariantCulture)), leaf];
        Assert.Equal(expectedPath.Length, steps.Length);
        Assert.Equal(expectedPath.Length, words.Length);
        for (int i = 0; i < steps.Length; i++)
        {
            Assert.Equal(expectedPath[i], $"L{steps[i].Level}[{steps[i].Index}]");
            Assert.Equal($"{words[i]:X16}", $"{steps[i].Raw:X16}");
        }

        // The leaf takes all its items and no other.
        WalkStep last = steps[^1];
        int items = 1 << (pageShift - domain.IndexBits(last.Level).LowBit);
        for (int i = 0; i < 512; i++)
        {
            bool inRun = i >= last.Index && i < last.Index + items;
            bool oldTop = i == 0 && domain.Levels > 3 && last.Level == domain.Levels - 1;
            if (!oldTop)
                Assert.Equal(inRun ? leaf : 0, TestTables.Word(memory, last.TablePhysical, i));
        }
        Assert.Equal((EntryKind.Leaf, physical, pageShift), (last.Kind, last.Target, last.PageShift));
        Assert.Equal([(pageShift, 1L)], domain.LeafCounts());
        Assert.True(domain.TryTranslate(iova, out ulong first));
        Assert.True(domain.TryTranslate(iova + bytes - 1, out ulong end));
        Assert.Equal((physical, physical + bytes - 1), (first, end));
        Assert.Equal(bytes, domain.Unmap(iova, bytes));
        Assert.False(domain.TryTranslate(iova, out _));
    }
}
