namespace IommuDash.Bridge.Tests;

public sealed class TraceTests : IDisposable
{
    private readonly string _trace = Path.GetTempFileName();
    private readonly string _door = TestPaths.Compile(TestPaths.Beside("programs/door.c"), "door-traced", "-O1");

    [Theory]
    [InlineData("forks")]
    [InlineData("events")]
    [InlineData("fail-nth")]
    [InlineData("memory-file")]
    public void Replay_OfARecordedRun_DiffersNowhere(string scenario)
    {
        Assert.Equal((0, ""), Record(scenario));
        (int code, string output) = TestPaths.IommuDash(["replay", _trace]);
        Assert.EndsWith(" calls, 0 differ\n", output, StringComparison.Ordinal);
        Assert.Equal(0, code);
        Assert.DoesNotContain("\n0 calls", "\n" + output, StringComparison.Ordinal);
    }

    [Fact]
    public void Trace_OfATestOperation_NamesItAndItsFields()
    {
        Record("memory-file");
        string text = File.ReadAllText(_trace);
        Assert.Matches("TEST arg=0x[0-9a-f]+ size=0x48 op=MOCK_DOMAIN id=1 __reserved=0 out_stdev_id=0 out_hwpt_id=0 out_idev_id=0 = 0 out_stdev_id=2 out_hwpt_id=4 out_idev_id=3", text);
        Assert.Contains("op=MD_CHECK_MAP id=4 __reserved=0 iova=", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Replay_OfNumbersAndWordsInPlaceOfNames_ReadsThem()
    {
        Record("memory-file");
        File.WriteAllText(_trace, File.ReadAllText(_trace)
            .Replace("op=MOCK_DOMAIN id=1 __reserved=0 out_stdev_id=0 out_hwpt_id=0 out_idev_id=0", "op=2 id=1 __reserved=0 u0=0 u4=0 u8=0 u12=0", StringComparison.Ordinal)
            .Replace("out_stdev_id=2 out_hwpt_id=4 out_idev_id=3", "u0=2 u4=4 u8=0x3", StringComparison.Ordinal));
        Assert.EndsWith(" calls, 0 differ\n", TestPaths.IommuDash(["replay", _trace]).Output, StringComparison.Ordinal);
        File.WriteAllText(_trace, File.ReadAllText(_trace).Replace("u8=0x3", "u8=0x4", StringComparison.Ordinal));
        Assert.Contains("here: out_idev_id=0x3", TestPaths.IommuDash(["replay", _trace]).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Replay_AnswerIsOtherThanRecorded_IsShownAndCounted()
    {
        Record("memory-file");
        string text = File.ReadAllText(_trace);
        Assert.Contains(" = 0 out_ioas_id=1", text, StringComparison.Ordinal);
        File.WriteAllText(_trace, text.Replace(" = 0 out_ioas_id=1", " = 0 out_ioas_id=7", StringComparison.Ordinal).Replace("= -9 EBADF", "= 0", StringComparison.Ordinal));
        (int code, string output) = TestPaths.IommuDash(["replay", _trace]);
        Assert.Equal(1, code);
        Assert.Contains("here: out_ioas_id=0x1", output, StringComparison.Ordinal);
        Assert.Contains("here: -9 EBADF", output, StringComparison.Ordinal);
        Assert.EndsWith(" 2 differ\n", output, StringComparison.Ordinal);
    }

    // What lies outside a structure: a bitmap that gains other bits, memory that cannot be read as far, an event with another content.
    [Theory]
    [InlineData("IOAS_IOVA_RANGES arg=0x1000 size=0x20 ioas_id=1 num_iovas=1 __reserved=0 allowed_iovas=0x2000 @0x2000=*16 = 0 out_iova_alignment=1 @0x2000=0000000000000000ffffffffffffffff", "")]
    [InlineData("IOAS_IOVA_RANGES arg=0x1000 size=0x20 ioas_id=1 num_iovas=1 __reserved=0 allowed_iovas=0x2000 @0x2000=*16 = 0 out_iova_alignment=1 @0x2008=fffffffffffffffe", "other bytes at 0x200f")]
    [InlineData("IOAS_IOVA_RANGES arg=0x1000 size=0x20 ioas_id=1 num_iovas=1 __reserved=0 allowed_iovas=0x2000 @0x2000=*16 = 0 out_iova_alignment=1", "other bytes at 0x2008")]
    [InlineData("IOAS_IOVA_RANGES arg=0x1000 size=0x20 ioas_id=1 num_iovas=1 __reserved=0 allowed_iovas=0x2000 w!0x2008!1 = -14 EFAULT", "")]
    [InlineData("IOAS_ALLOC arg=0x1000 size=0xc flags=0 out_ioas_id=0 w!0x100b!1 = -14 EFAULT out_ioas_id=2", "")]
    [InlineData("DESTROY arg=0x1000 size=8 id=9 @0x1004!1 = -14 EFAULT", "")]
    [InlineData("DESTROY arg=0x1000 size=7 id=9 @0x1007!1 = -22 EINVAL", "")]
    public void Replay_OfMemoryBesideTheStructure_ComparesIt(string call, string expected)
    {
        File.WriteAllText(_trace, $"# iommudash trace 1 host=mock level=6.12\n0 7 process p uid=0 memlock=0 caps=3\n0 7 open #1 iommu = 0\n0 7 #1 IOAS_ALLOC arg=0x1000 size=0xc flags=0 out_ioas_id=0 = 0 out_ioas_id=1\n0 7 #1 {call}\n");
        (int code, string output) = TestPaths.IommuDash(["replay", _trace]);
        Assert.Equal(expected.Length == 0 ? 0 : 1, code);
        Assert.Contains(expected, output, StringComparison.Ordinal);
    }

    [Fact]
    public void Replay_OfALevelThatLacksTheCall_Differs()
    {
        Record("memory-file");
        Assert.Contains("-25 ENOTTY", TestPaths.IommuDash(["replay", "--level", "6.12", _trace]).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("something else\n")]
    [InlineData("# iommudash trace 1 host=mock level=current\n0.1 7 nonsense\n")]
    public void Replay_OfAnythingElse_SaysSo(string text)
    {
        File.WriteAllText(_trace, text);
        (int code, string output) = TestPaths.IommuDash(["replay", _trace]);
        Assert.Equal(2, code);
        Assert.StartsWith("iommudash: ", output, StringComparison.Ordinal);
    }

    public void Dispose() => File.Delete(_trace);

    private (int ExitCode, string Output) Record(string scenario) => TestPaths.IommuDash(["run", "--host", "mock", "--trace", _trace, "--", _door, scenario]);
}
