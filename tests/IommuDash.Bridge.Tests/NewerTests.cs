namespace IommuDash.Bridge.Tests;

/// <summary>
/// The door beyond Linux 6.12: programs in the manner of the kernel's selftest about what came after it and about what programs do around the calls (newer/*.c). Each runs its cases in processes of their own;
/// what it wrote down replays without a difference.
/// </summary>
public sealed class NewerTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("environment", 11)]
    [InlineData("change_process", 16)]
    [InlineData("viommu", 25)]
    [InlineData("veventq", 12)]
    [InlineData("hw_queue", 11)]
    [InlineData("pasid", 15)]
    [InlineData("dmabuf", 10)]
    [InlineData("mock", 10)]
    [InlineData("fail_nth", 8)]
    public void Program_OnTheMockHost_PassesEveryCase(string program, int cases)
    {
        string binary = TestPaths.Compile(TestPaths.Beside($"newer/{program}.c"), "newer-" + program, "-O1");
        string trace = Path.GetTempFileName();
        try
        {
            string text = TestPaths.IommuDash(["run", "--host", "mock", "--trace", trace, "--", binary], seconds: 120).Output;
            string[] passed = [.. text.Split('\n').Where(line => line.StartsWith("ok ", StringComparison.Ordinal))];
            output.WriteLine($"{program}: {passed.Length} of {cases} passed");
            Assert.DoesNotContain("not ok", text, StringComparison.Ordinal);
            Assert.Equal(cases, passed.Length);
            Assert.EndsWith(" calls, 0 differ\n", TestPaths.IommuDash(["replay", trace]).Output, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(trace);
        }
    }
}
