using System.Globalization;
using System.IO.Enumeration;

namespace IommuDash.Bridge.Tests;

/// <summary>The judge: Linux's selftest of iommufd, unmodified, on an emulated host. What may fail is listed in expected-failures.txt, and nowhere else.</summary>
public sealed class LinuxSelftestTests(ITestOutputHelper output)
{
    private const string HugePages = "/proc/sys/vm/nr_hugepages";

    /// <summary>Largest buffer of the tests, 128 MiB, and what others use beside it.</summary>
    private const int HugePagesNeeded = 80;

    [Theory]
    [InlineData("iommufd", 190)]
    [InlineData("iommufd_fail_nth", 7)]
    public void Selftest_OfLinux612_Passes(string program, int count)
    {
        string binary = LinuxSelftest.Build(program);
        bool hasHugePages = ReserveHugePages();
        (_, string text) = TestPaths.IommuDash(["run", "--host", "mock", "--level", "6.12", "--", binary], seconds: 280);

        string[] passed = Names(text, "ok ");
        string[] failed = Names(text, "not ok ");
        output.WriteLine($"{program}: {passed.Length} of {passed.Length + failed.Length} passed{(hasHugePages ? "" : "; this machine has no huge pages to give")}");
        Assert.Equal(count, passed.Length + failed.Length);
        Func<string, bool> isExpected = Expected(hasHugePages);
        Assert.True(failed.All(isExpected), $"Failed: {string.Join(", ", failed.Where(name => !isExpected(name)))}\n{text}");
        // A listed test that passes does not belong in the list.
        Assert.DoesNotContain(passed, name => isExpected(name));
    }

    private static string[] Names(string text, string result) =>
        [.. text.Split('\n').Where(line => line.StartsWith(result, StringComparison.Ordinal)).Select(line => line[result.Length..].Split(' ')[1])];

    private static Func<string, bool> Expected(bool hasHugePages)
    {
        string[][] lines = [.. File.ReadAllLines(TestPaths.Beside("expected-failures.txt")).Where(l => l.Length != 0 && l[0] != '#').Select(l => l.Split('\t'))];
        string[] patterns = [.. lines.Where(l => l[0] == "always" || (l[0] == "no-hugepages" && !hasHugePages)).Select(l => l[1])];
        return name => patterns.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false));
    }

    // Tests want real huge pages. They stay reserved: giving them back would take them from a run beside this one.
    private static bool ReserveHugePages()
    {
        int Reserved() => int.Parse(File.ReadAllText(HugePages), CultureInfo.InvariantCulture);
        try
        {
            if (Reserved() < HugePagesNeeded)
                File.WriteAllText(HugePages, HugePagesNeeded.ToString(CultureInfo.InvariantCulture));
            return Reserved() >= HugePagesNeeded;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
