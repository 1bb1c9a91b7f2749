using IommuDash.Engine.Iommufd;
using IommuDash.Web.Components.Objects;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Tests.Components.Objects;

public sealed class ObjectGraphLayoutTests
{
    [Fact]
    public void Arrange_AnyObjects_NeverOverlapsAndStaysInThePicture()
    {
        var random = new Random(7);
        ObjectGraphLayout layout = ObjectGraphLayout.Empty;
        for (int round = 0; round < 50; round++)
        {
            ObjectNode[] nodes = [.. Enumerable.Range(1, random.Next(1, ObjectGraphView.MaxNodes)).Where(_ => random.Next(4) != 0).Select(id => Node((uint)id, (IommufdObjectType)random.Next(1, 12), (uint)random.Next(1, id + 1)))];
            layout = ObjectGraphLayout.Arrange(nodes, layout);
            Assert.Equal(nodes.Length, layout.Places.Count);
            NodePlace[] places = [.. layout.Places.Values.OrderBy(place => place.Y).ThenBy(place => place.X)];
            for (int i = 1; i < places.Length; i++)
            {
                bool isRight = places[i].Y == places[i - 1].Y && places[i].X >= places[i - 1].X + ObjectGraphLayout.NodeWidth;
                Assert.True(isRight || places[i].Y >= places[i - 1].Y + ObjectGraphLayout.NodeHeight, $"round {round}: {places[i - 1]} and {places[i]} overlap.");
            }
            Assert.All(places, place => Assert.True(place.X >= 0 && place.Y >= 0 && place.X + ObjectGraphLayout.NodeWidth <= layout.Width && place.Y + ObjectGraphLayout.NodeHeight <= layout.Height));
            Assert.True(layout.Width <= 900);
        }
    }

    [Fact]
    public void Arrange_Holders_StandAboveWhatTheyHoldWithTheIoasAtTheBottom()
    {
        ObjectGraphLayout layout = ObjectGraphLayout.Arrange(
            [Node(1, IommufdObjectType.Ioas), Node(2, IommufdObjectType.Device, 3), Node(3, IommufdObjectType.HwptPaging, 1), Node(4, IommufdObjectType.Viommu, 3)], ObjectGraphLayout.Empty);
        Assert.Equal([1u, 3u, 4u, 2u], layout.Places.OrderByDescending(entry => entry.Value.Y).Select(entry => entry.Key));
        Assert.Equal(layout.Places[1].X, layout.Places[2].X);
    }

    [Fact]
    public void RunsBehindBoxes_LineOverALayer_OnlyWhereABoxStandsBetween()
    {
        ObjectGraphLayout layout = ObjectGraphLayout.Arrange(
            [Node(1, IommufdObjectType.Ioas), Node(2, IommufdObjectType.HwptPaging, 1), Node(3, IommufdObjectType.Viommu, 2), Node(4, IommufdObjectType.Device, 2)], ObjectGraphLayout.Empty);
        Assert.True(layout.RunsBehindBoxes(4, 2));
        Assert.False(layout.RunsBehindBoxes(4, 3));
        Assert.False(layout.RunsBehindBoxes(2, 1));
    }

    [Fact]
    public void Arrange_AnObjectGoes_OthersKeepTheirPlacesAndTheNextTakesTheGap()
    {
        ObjectNode[] three = [.. Enumerable.Range(1, 3).Select(id => Node((uint)id, IommufdObjectType.Ioas))];
        ObjectGraphLayout before = ObjectGraphLayout.Arrange(three, ObjectGraphLayout.Empty);
        ObjectGraphLayout without = ObjectGraphLayout.Arrange([three[0], three[2]], before);
        Assert.Equal(before.Places[3], without.Places[3]);
        ObjectGraphLayout after = ObjectGraphLayout.Arrange([three[0], three[2], Node(9, IommufdObjectType.Ioas)], without);
        Assert.Equal(before.Places[3], after.Places[3]);
        Assert.Equal(before.Places[2], after.Places[9]);
    }

    [Fact]
    public void Arrange_TheSameTwice_GivesTheSamePlaces()
    {
        ObjectNode[] nodes = [.. Enumerable.Range(1, 40).Select(id => Node((uint)id, (IommufdObjectType)(1 + (id % 11)), 1))];
        ObjectGraphLayout layout = ObjectGraphLayout.Arrange(nodes, ObjectGraphLayout.Empty);
        Assert.Equal(layout.Places, ObjectGraphLayout.Arrange(nodes, ObjectGraphLayout.Empty).Places);
        Assert.Equal(layout.Places, ObjectGraphLayout.Arrange(nodes, layout).Places);
    }

    private static ObjectNode Node(uint id, IommufdObjectType type, params uint[] holds) => new(id, type, new ObjectName("object", $"{id}", $"{id}"), $"{type} {id}", "", 0, 0, holds, holds.Length, false);
}
