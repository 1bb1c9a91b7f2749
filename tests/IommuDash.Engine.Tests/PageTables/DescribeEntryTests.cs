using IommuDash.Engine.Hardware;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Tests.PageTables;

public sealed class DescribeEntryTests
{
    [Theory]
    [InlineData("vtd", 1, 0x0000000140200883UL, "R=1 W=1 PS=1 A=0 D=0 SNP=1 ADDR=140200")]
    [InlineData("vtd", 1, 0x0000000100000003UL, "R=1 W=1 PS=0 ADDR=100000")]
    [InlineData("vtd", 0, 0x0000000123457002UL, "R=0 W=1 A=0 D=0 SNP=0 ADDR=123457")]
    [InlineData("amd", 2, 0x6000000100001401UL, "PR=1 NL=2 ADDR=100001 IR=1 IW=1")]
    [InlineData("amd", 0, 0x700000089ABD7E41UL, "PR=1 D=1 NL=7 ADDR=89ABD7 FC=1 IR=1 IW=1")]
    [InlineData("amd", 0, 0UL, "–=0")]
    [InlineData("mock", 0, 0x6000000000002001UL, "PR=1 D=0 NL=0 ADDR=2 FC=0 IR=1 IW=1")]
    public void DescribeEntry_AnyWord_NamesTheManualsFields(string kind, int level, ulong raw, string expected)
    {
        using var memory = new PhysicalMemory(2 * TestTables.MiB);
        using IommuDomain domain = TestTables.Create(memory, kind);
        IReadOnlyList<EntryField> fields = domain.DescribeEntry(level, raw);
        Assert.Equal(expected, string.Join(' ', fields.Select(field => $"{field.Name}={field.Value:X}")));
        Assert.All(fields, field => Assert.NotEqual("", field.Meaning));
    }

    [Theory]
    [InlineData("amd", 0, 0x700000089ABD7E01UL, "ADDR", "page at 0x89abd0000")]
    [InlineData("amd", 0, 0x700000089ABD7E01UL, "NL", "a page whose size the address codes: 64 KiB in 16 equal entries")]
    [InlineData("amd", 2, 0x6000000100001401UL, "NL", "next level 2: points to a table")]
    [InlineData("vtd", 1, 0x0000000100000003UL, "ADDR", "table of level 0 at 0x100000000")]
    [InlineData("mock", 0, 0x6000000000002001UL, "ADDR", "page at 0x1000")]
    public void DescribeEntry_Value_IsPutInWords(string kind, int level, ulong raw, string name, string meaning)
    {
        using var memory = new PhysicalMemory(2 * TestTables.MiB);
        using IommuDomain domain = TestTables.Create(memory, kind);
        Assert.Equal(meaning, domain.DescribeEntry(level, raw).Single(field => field.Name == name).Meaning);
    }

    [Fact]
    public void IndexBits_PerLevel_CoverTheInput()
    {
        using var memory = new PhysicalMemory(2 * TestTables.MiB);
        using IommuDomain amd = TestTables.Create(memory, "amd");
        using IommuDomain mock = TestTables.Create(memory, "mock");
        Assert.Equal(((12, 9), 512), (amd.IndexBits(0), amd.EntryCount(0)));
        Assert.Equal(((57, 7), 128), (amd.IndexBits(5), amd.EntryCount(5)));
        Assert.Equal((11, 9), mock.IndexBits(0));
    }

    [Fact]
    public void Walk_BeyondTheTopsReach_HasNoStep()
    {
        using var memory = new PhysicalMemory(2 * TestTables.MiB);
        using IommuDomain amd = TestTables.Create(memory, "amd");
        Span<WalkStep> steps = stackalloc WalkStep[6];
        Assert.Equal(0, amd.Walk(1UL << 39, steps));
        Assert.Equal(1, amd.Walk(0, steps));
        Assert.Equal(EntryKind.Empty, steps[0].Kind);
    }
}
