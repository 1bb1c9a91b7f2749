using System.Text;
using System.Text.Json;

using IommuDash.Web.Api;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Web.Tests.Api;

public sealed class WorkspaceApiTests
{
    private const string Listing = """
        IOMMU Group 0 00:02.0 VGA compatible controller [0300]: Intel Corporation Alder Lake-P GT2 [Iris Xe Graphics] [8086:46a6] (rev 0c)
        IOMMU Group 1 00:00.0 Host bridge [0600]: Intel Corporation Device [8086:4641] (rev 02)
        what is this line
        IOMMU Group 2 00:1f.3 Audio device [0403]: Intel Corporation Alder Lake PCH-P High Definition Audio Controller [8086:51c8] (rev 01)
        """;

    [Fact]
    public async Task Create_FromImportText_Is201WithSummaryAndRejectedLines()
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync();
        (int status, JsonElement body) = await dashboard.PostAsync("api/workspaces", JsonSerializer.Serialize(new { importText = Listing, name = "laptop" }));
        Assert.Equal(201, status);
        Assert.Equal("laptop", body.GetProperty("name").GetString());
        Assert.Equal((3, 3, 1), (body.GetProperty("devices").GetInt32(), body.GetProperty("groups").GetInt32(), body.GetProperty("rejectedLines").GetInt32()));
        Assert.Equal(3, body.GetProperty("rejected")[0].GetProperty("line").GetInt32());
        (status, body) = await dashboard.GetAsync("api/workspaces");
        Assert.Equal((200, 1), (status, body.GetArrayLength()));
    }

    [Fact]
    public async Task Commands_AttachAndMap_AnswerWithOutputsAndErrno()
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync();
        string id = await dashboard.CreateAsync("intel-client");
        JsonElement presetHost = (await dashboard.GetAsync($"api/workspaces/{id}/views/topology")).Body;
        JsonElement answers = await dashboard.CommandAsync(id, """[{"op":"ioas.alloc"},{"ioas":1,"op":"ioas.map","userAddress":"0x1","length":4096,"iova":"0x1000"}]""");
        Assert.Equal(1, answers[0].GetProperty("outputs").GetProperty("ioas").GetInt32());
        Assert.Equal(2, answers[0].GetProperty("version").GetInt64());
        Assert.Equal(JsonValueKind.Null, answers[0].GetProperty("errno").ValueKind);
        Assert.Equal(3, answers[1].GetProperty("version").GetInt64());
        Assert.NotEqual(JsonValueKind.Undefined, presetHost.ValueKind);
    }

    [Theory]
    [InlineData("""{"op":"ioas.mop"}""", "There is no command \"ioas.mop\"")]
    [InlineData("""{}""", "needs the field \"op\"")]
    [InlineData("""{"op":"ioas.map","ioas":1,"length":1}""", "lacks the field \"userAddress\"")]
    [InlineData("""{"op":"ioas.unmapAll","ioas":1,"iovs":3}""", "no field \"iovs\"")]
    [InlineData("""{"op":"ioas.unmapAll","ioas":-1}""", "Field \"ioas\"")]
    [InlineData("""{"op":"ioas.unmap","ioas":1,"iova":"12","length":1}""", "Field \"iova\" of the ioas.unmap: expected a whole number")]
    [InlineData("""{"op":"ioas.alloc","op":"ioas.alloc"}""", "The body is not JSON")]
    [InlineData("""[{"op":"ioas.alloc"},{"op":"x"}]""", "Command 1:")]
    [InlineData("""{"op":"ioas.alloc" """, "The body is not JSON")]
    public async Task Command_Malformed_Is400NamingTheField(string command, string says)
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync();
        string id = await dashboard.CreateAsync();
        (int status, JsonElement body) = await dashboard.PostAsync($"api/workspaces/{id}/commands", command);
        Assert.Equal(400, status);
        Assert.Contains(says, body.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, (await dashboard.GetAsync($"api/workspaces/{id}")).Body.GetProperty("version").GetInt64());
    }

    [Theory]
    [InlineData("""{"preset":"nope"}""", 400)]
    [InlineData("""{"preset":"amd-epyc","level":"1.0"}""", 400)]
    [InlineData("""{}""", 400)]
    [InlineData("""{"preset":"intel-client","importText":"x"}""", 400)]
    [InlineData("""{"importText":"nothing of use"}""", 422)]
    public async Task Create_Bad_IsAProblemAndMakesNothing(string json, int expected)
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync();
        (int status, JsonElement body) = await dashboard.PostAsync("api/workspaces", json);
        Assert.Equal(expected, status);
        Assert.NotEmpty(body.GetProperty("detail").GetString()!);
        Assert.Equal(0, (await dashboard.GetAsync("api/workspaces")).Body.GetArrayLength());
    }

    [Fact]
    public async Task Create_AboveTheCap_Is503WithTheOption()
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync("--Workspaces:MaxWorkspaces=1");
        string id = await dashboard.CreateAsync();
        (int status, JsonElement body) = await dashboard.PostAsync("api/workspaces", """{"preset":"amd-epyc"}""");
        Assert.Equal(503, status);
        Assert.Contains("Workspaces:MaxWorkspaces", body.GetProperty("detail").GetString(), StringComparison.Ordinal);
        using HttpResponseMessage deleted = await dashboard.Http.DeleteAsync($"api/workspaces/{id}");
        Assert.Equal(204, (int)deleted.StatusCode);
        await dashboard.CreateAsync("amd-epyc");
    }

    [Theory]
    [InlineData("text/plain", null, 415)]
    [InlineData("application/x-www-form-urlencoded", null, 415)]
    [InlineData("application/json", "http://evil.example", 403)]
    [InlineData("application/json", "null", 403)]
    public async Task Post_AsAnotherSiteWouldSendIt_IsRefused(string contentType, string? origin, int expected)
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/workspaces") { Content = new StringContent("""{"preset":"amd-epyc"}""", Encoding.UTF8, contentType) };
        if (origin is not null)
            request.Headers.Add("Origin", origin);
        using HttpResponseMessage answer = await dashboard.Http.SendAsync(request);
        Assert.Equal(expected, (int)answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public async Task Body_AboveTheCap_Is413()
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync("--Dashboard:MaxRequestBytes=65536");
        (int status, _) = await dashboard.PostAsync("api/workspaces", JsonSerializer.Serialize(new { importText = new string('x', 70_000) }));
        Assert.Equal(413, status);
    }

    [Fact]
    public async Task Path_Unknown_IsAProblemNotAPage()
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync();
        foreach (string path in (string[])["api/nothing", "api/workspaces/nope", "api/workspaces/nope/views/events"])
        {
            (int status, JsonElement body) = await dashboard.GetAsync(path);
            Assert.Equal(404, status);
            Assert.NotEmpty(body.GetProperty("detail").GetString()!);
        }
    }

    [Fact]
    public async Task View_WithQueryParameters_IsReadLikeOnTheHub()
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync();
        string id = await dashboard.CreateAsync();
        await dashboard.CommandAsync(id, """[{"op":"ioas.unmapAll","ioas":9},{"op":"ioas.unmapAll","ioas":9}]""");
        (int status, JsonElement body) = await dashboard.GetAsync($"api/workspaces/{id}/views/events?count=1&refusedOnly=true&errno=ENOENT&text=unmapAll");
        Assert.Equal(200, status);
        JsonElement item = Assert.Single(body.GetProperty("data").GetProperty("items").EnumerateArray());
        Assert.Equal("ioas.unmapAll", item.GetProperty("op").GetString());
        Assert.Equal(2, body.GetProperty("data").GetProperty("matching").GetInt32());
        (status, body) = await dashboard.GetAsync($"api/workspaces/{id}/views/events?cuont=1");
        Assert.Equal(400, status);
        Assert.Contains("cuont", body.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenApi_Document_NamesEveryPathAndCommand()
    {
        await using RunningDashboard dashboard = await RunningDashboard.StartAsync();
        (int status, JsonElement document) = await dashboard.GetAsync("openapi/v1.json");
        Assert.Equal(200, status);
        string[] paths = [.. document.GetProperty("paths").EnumerateObject().Select(p => p.Name)];
        Assert.Contains("/api/workspaces", paths);
        Assert.Contains("/api/workspaces/{id}/commands", paths);
        Assert.Contains("/api/workspaces/{id}/views/{view}", paths);
        Assert.Contains("/health", paths);
        string text = document.GetRawText();
        Assert.All(CommandOps.Types.Keys, op => Assert.Contains($"\"{op}\"", text, StringComparison.Ordinal));
    }

    [Fact]
    public void Curl_OfACommand_QuotesTheBody() => Assert.Equal(
        """curl -sS 'http://127.0.0.1:5080/api/workspaces/w1/commands' -H 'Content-Type: application/json' --data-raw '{"op":"ioas.map","ioas":1,"userAddress":"0x7f0000000000","length":"0x1000","readable":true,"writeable":true,"context":1}'""",
        CommandCurl.For(new Uri("http://127.0.0.1:5080/"), "w1", new IoasMap { Ioas = 1, UserAddress = 0x7f00_0000_0000, Length = 0x1000 }));
}
