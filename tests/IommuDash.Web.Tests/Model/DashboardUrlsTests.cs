using IommuDash.Web.Model;

namespace IommuDash.Web.Tests.Model;

public sealed class DashboardUrlsTests
{
    [Fact]
    public void Page_WithSelection_BringsItBack()
    {
        var key = new SelectionKey("area", "2/0xfee0_0000&x=1");
        string url = DashboardUrls.Ioas("a b", key);
        Assert.Equal("/w/a%20b/ioas?sel=area%3A2%2F0xfee0_0000%26x%3D1", url);
        string query = Uri.UnescapeDataString(url[(url.IndexOf("sel=", StringComparison.Ordinal) + 4)..]);
        Assert.True(SelectionKey.TryParse(query, out SelectionKey back));
        Assert.Equal(key, back);
    }

    [Fact]
    public void Page_OfEachKind_HasItsOwnPath()
    {
        Assert.Equal("/", DashboardUrls.Hosts());
        Assert.Equal(
            ["/w/w1/topology", "/w/w1/ioas", "/w/w1/domains", "/w/w1/pages", "/w/w1/events", "/w/w1/objects"],
            [DashboardUrls.Topology("w1"), DashboardUrls.Ioas("w1"), DashboardUrls.Domains("w1"), DashboardUrls.Pages("w1"), DashboardUrls.Events("w1"), DashboardUrls.Objects("w1")]);
    }

    [Theory]
    [InlineData("http://h/", null)]
    [InlineData("http://h/controls", null)]
    [InlineData("http://h/w", null)]
    [InlineData("http://h/w/a%20b/ioas?sel=x", "a b")]
    public void WorkspaceOf_Address_IsTheOneItLeadsInto(string uri, string? workspace) => Assert.Equal(workspace, DashboardUrls.WorkspaceOf(uri));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("ioas")]
    [InlineData(":2")]
    [InlineData("ioas:")]
    public void SelectionKey_WithoutKindOrId_IsRefused(string? text) => Assert.False(SelectionKey.TryParse(text, out _));

    [Theory]
    [InlineData(1, "/w/w1/domains?sel=hwpt%3A6")]
    [InlineData(2, "/w/w1/domains?sel=hwpt%3A6&context=2")]
    public void InContext_AnotherThanTheFirst_IsSaidInTheAddress(int context, string url) =>
        Assert.Equal(url, DashboardUrls.InContext(DashboardUrls.Domains("w1", new SelectionKey("hwpt", "6")), context));
}
