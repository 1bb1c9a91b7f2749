using IommuDash.Web.Model;

namespace IommuDash.Web.Tests.Model;

public sealed class PaletteSearchTests
{
    [Fact]
    public void Find_SeveralWords_NeedsThemAllInAnyOrder()
    {
        var (found, total) = PaletteSearch.Find("1 ioas", [Entry("ioas 1", "object"), Entry("ioas 2", "object"), Entry("device 0000:01:00.0", "on IOAS 1")]);
        Assert.Equal(["ioas 1", "device 0000:01:00.0"], found.Select(entry => entry.Title));
        Assert.Equal(2, total);
    }

    [Fact]
    public void Find_TitleThatBeginsSo_ComesFirst()
    {
        var (found, _) = PaletteSearch.Find("area", [Entry("Show area", ""), Entry("Area 7", "")]);
        Assert.Equal("Area 7", found[0].Title);
    }

    [Fact]
    public void Find_MoreThanFit_IsCutAndCounted()
    {
        var (found, total) = PaletteSearch.Find("", [.. Enumerable.Range(0, 100).Select(i => Entry($"area {i}", ""))]);
        Assert.Equal(PaletteSearch.MaxShown, found.Count);
        Assert.Equal(100, total);
    }

    private static PaletteEntry Entry(string title, string hint) => new(title, hint, () => Task.CompletedTask);
}
