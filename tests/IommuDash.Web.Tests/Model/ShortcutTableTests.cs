using IommuDash.Web.Model;

namespace IommuDash.Web.Tests.Model;

public sealed class ShortcutTableTests
{
    [Fact]
    public void Keys_OfTheShell_AreEachGivenOnce() => Assert.Equal(ShortcutTable.ShellKeys.Distinct(), ShortcutTable.ShellKeys);

    [Fact]
    public void Keys_OfEachId_AreInTheTable() => Assert.Equal(Enum.GetValues<ShortcutId>().Order(), ShortcutTable.All.Select(entry => entry.Id).Order());

    [Fact]
    public void Find_PictureKey_IsLeftToThePicture()
    {
        Assert.Null(ShortcutTable.Find("+"));
        Assert.Equal(ShortcutId.Help, ShortcutTable.Find("?"));
    }

    [Fact]
    public void Pages_InTheNavigation_EachHaveAKey() =>
        Assert.All(NavigationPage.All, page => Assert.Contains(ShortcutTable.All, entry => entry.Id == page.Shortcut && entry.Does == page.Title));
}
