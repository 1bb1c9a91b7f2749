using IommuDash.Web.Components.Domains;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Tests.Components.Domains;

public sealed class TablePathTests
{
    private static readonly LevelTables[] Levels = [new(2, 29, 9, 1), new(1, 20, 9, 1), new(0, 11, 9, 1)];

    [Theory]
    [InlineData(3, "")]
    [InlineData(2, "1")]
    [InlineData(1, "1.2")]
    [InlineData(0, "1.2.3")]
    public void ToEntry_OfALevel_NamesTheIndexesDownToIt(int level, string expected) =>
        Assert.Equal(expected, TablePath.ToEntry(Levels, (1UL << 29) | (2UL << 20) | (3UL << 11) | 5, level));

    [Theory]
    [InlineData("1", 1UL << 29)]
    [InlineData("1.2.3", (1UL << 29) | (2UL << 20) | (3UL << 11))]
    public void IovaOf_APath_IsTheFirstItsLastEntryAnswersFor(string path, ulong expected) => Assert.Equal(expected, TablePath.IovaOf(Levels, path));
}
