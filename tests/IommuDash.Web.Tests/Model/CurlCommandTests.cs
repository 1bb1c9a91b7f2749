using IommuDash.Web.Model;

namespace IommuDash.Web.Tests.Model;

public sealed class CurlCommandTests
{
    private static readonly Uri Base = new("http://127.0.0.1:5080/w/1/ioas");

    [Fact]
    public void Text_WithBody_PostsItQuotedForTheShell() => Assert.Equal(
        """curl -sS 'http://127.0.0.1:5080/api/workspaces/1/commands' -H 'Content-Type: application/json' --data-raw '{"name":"it'\''s $HOME"}'""",
        CurlCommand.Text(Base, "/api/workspaces/1/commands", """{"name":"it's $HOME"}"""));

    [Fact]
    public void Text_WithoutBody_Gets() => Assert.Equal("curl -sS 'http://127.0.0.1:5080/health'", CurlCommand.Text(Base, "/health", null));
}
