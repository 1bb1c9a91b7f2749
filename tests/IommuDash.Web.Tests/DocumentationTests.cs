using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;

using IommuDash.Workspaces.Commands;

namespace IommuDash.Web.Tests;

/// <summary>What README.md and docs/ show is run here: listings, calls, tables and links.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string Root = typeof(DocumentationTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == "RepositoryRoot").Value!;

    public static TheoryData<string> Pages => [.. Directory.EnumerateFiles(Path.Combine(Root, "docs"), "*.md", SearchOption.AllDirectories).Prepend(Path.Combine(Root, "README.md")).Select(path => Path.GetRelativePath(Root, path))];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Page_Links_LeadToFiles(string page)
    {
        string folder = Path.GetDirectoryName(Path.Combine(Root, page))!;
        foreach (string target in Link().Matches(Read(page)).Select(match => match.Groups["target"].Value.Split('#')[0]).Where(target => target.Length != 0 && !target.Contains(':', StringComparison.Ordinal)))
            Assert.True(Path.Exists(Path.Combine(folder, target)), $"{page} links to {target}, which does not exist.");
    }

    [Fact]
    public void Readme_TwoCommands_NameWhatExists()
    {
        string readme = Read("README.md");
        Assert.Contains("dotnet run --project src/IommuDash.Web", readme, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(Root, "src/IommuDash.Web/IommuDash.Web.csproj")));
        if (!OperatingSystem.IsWindows())
            Assert.True(File.GetUnixFileMode(Path.Combine(Root, "test")).HasFlag(UnixFileMode.UserExecute), "./test is not executable.");
    }

    [Fact]
    public async Task Readme_Listing_BecomesTheHostItPromises()
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync();
        (int status, JsonElement host) = await dashboard.PostAsync("api/workspaces", JsonSerializer.Serialize(new { importText = Fence("README.md", "text") }));
        Assert.Equal(201, status);
        Assert.Equal(0, host.GetProperty("rejectedLines").GetInt32());
        Match promise = Regex.Match(Read("README.md"), @"(?<devices>\d+) devices in (?<groups>\d+) groups");
        Assert.Equal(promise.Groups["devices"].Value, host.GetProperty("devices").ToString());
        Assert.Equal(promise.Groups["groups"].Value, host.GetProperty("groups").ToString());
    }

    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/api.md")]
    public async Task Page_CurlCalls_Answer(string page)
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync();
        string id = "";
        JsonElement last = default;
        MatchCollection calls = Curl().Matches(Fence(page, "sh"));
        Assert.NotEmpty(calls);
        foreach (Match call in calls)
        {
            (int status, last) = await dashboard.PostAsync(call.Groups["path"].Value.Replace("$id", id, StringComparison.Ordinal), call.Groups["body"].Value);
            Assert.InRange(status, 200, 201);
            if (last.ValueKind == JsonValueKind.Object && last.TryGetProperty("id", out JsonElement made))
                id = made.GetString()!;
        }
        if (page == "docs/api.md")
            Assert.Equal(Fence(page, "json").Trim(), last.EnumerateArray().Last().GetRawText());
    }

    [Fact]
    public async Task ApiPage_Sequences_RunWithoutARefusal()
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync();
        MatchCollection sequences = Sequence().Matches(Read("docs/api.md"));
        Assert.NotEmpty(sequences);
        foreach (Match sequence in sequences)
        {
            (_, JsonElement workspace) = await dashboard.PostAsync("api/workspaces", """{"preset":"kernel-selftest-mock"}""");
            (int status, JsonElement answers) = await dashboard.PostAsync($"api/workspaces/{workspace.GetProperty("id").GetString()}/commands", sequence.Groups["text"].Value);
            Assert.Equal(200, status);
            Assert.All(answers.EnumerateArray(), answer => Assert.True(answer.GetProperty("errno").ValueKind == JsonValueKind.Null, answer.GetRawText()));
        }
    }

    [Fact]
    public void ApiPage_CommandTable_NamesEveryCommand()
    {
        IEnumerable<string> documented = CommandRow().Matches(Read("docs/api.md")).Select(match => match.Groups["op"].Value);
        Assert.Equal(CommandOps.Types.Keys.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    private static string Read(string page) => File.ReadAllText(Path.Combine(Root, page));

    /// <summary>The first fenced block of a language.</summary>
    private static string Fence(string page, string language)
    {
        Match fence = Regex.Match(Read(page), $"^```{language}\n(?<text>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline);
        Assert.True(fence.Success, $"{page} has no block of {language}.");
        return fence.Groups["text"].Value;
    }

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("^```json run\n(?<text>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Sequence();

    [GeneratedRegex(@"http://127\.0\.0\.1:5080/(?<path>\S+?)[ )].*?--data-raw '(?<body>[^']*)'")]
    private static partial Regex Curl();

    [GeneratedRegex(@"^\| `(?<op>[a-z]+\.[A-Za-z]+)` \|", RegexOptions.Multiline)]
    private static partial Regex CommandRow();
}
