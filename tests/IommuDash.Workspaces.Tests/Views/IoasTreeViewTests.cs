using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests.Views;

public sealed class IoasTreeViewTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(37)]
    [InlineData(500)]
    [InlineData(4_000)]
    public void Project_TreeOfAnySize_ShowsOrCountsEveryNode(int areas)
    {
        (EmulatedHost host, IommufdContext context) = TestIoases.Start();
        using EmulatedHost _ = host;
        context.MapRandomly(areas, seed: areas);
        IoasTreeSnapshot tree = IoasTreeView.Project(host, new IoasTreeQuery(TestIoases.Id));
        Assert.Equal(areas, tree.Total);
        Assert.Equal(areas, CheckedCount(tree, tree.Root!));
        Assert.True(tree.Items.Count <= IoasTreeView.WholeNodes);
        if (areas <= IoasTreeView.WholeNodes)
            Assert.Equal(areas, tree.Items.Count);
    }

    [Fact]
    public void Project_FoldedTree_KeepsTheWaysToLookupSelectionAndUnfolded()
    {
        (EmulatedHost host, IommufdContext context) = TestIoases.Start();
        using EmulatedHost _ = host;
        context.MapRandomly(4_000, seed: 2);
        var areas = context.Areas();
        ulong looked = areas[1_234].Start;
        ulong kept = areas[3_001].Start;
        ulong unfolded = areas[2_222].Start;
        IoasTreeSnapshot tree = IoasTreeView.Project(host, new IoasTreeQuery(TestIoases.Id, $"0x{unfolded:x},rubbish,0x1", kept, looked));
        Assert.Equal(4_000, CheckedCount(tree, tree.Root!));
        Assert.Contains(tree.Items, node => node.Start == kept);
        Assert.Contains(tree.Items, node => node.Start == unfolded && node.FoldedLeft + node.FoldedRight == 0);
        Assert.Equal(LookupDirection.Found, tree.Lookup[^1].Direction);
        Assert.Equal($"0x{looked:x}", tree.Lookup[^1].Key);
        Assert.All(tree.Lookup, step => Assert.Contains(tree.Items, node => node.Key == step.Key));
    }

    [Fact]
    public void Project_LookupOfAHole_EndsWithoutFinding()
    {
        (EmulatedHost host, IommufdContext context) = TestIoases.Start();
        using EmulatedHost _ = host;
        context.Map(0x1000);
        context.Map(0x5000);
        IoasTreeSnapshot tree = IoasTreeView.Project(host, new IoasTreeQuery(TestIoases.Id, LookupStart: 0x3000, LookupLast: 0x3fff));
        Assert.NotEmpty(tree.Lookup);
        Assert.NotEqual(LookupDirection.Found, tree.Lookup[^1].Direction);
        Assert.Empty(IoasTreeView.Project(host, new IoasTreeQuery(99)).Items);
    }

    // Nodes below a node, shown or counted; checks order, subtree maximum and counts on the way.
    private static int CheckedCount(IoasTreeSnapshot tree, string key)
    {
        IoasTreeNode node = tree.Items.Single(item => item.Key == key);
        int left = node.Left is null ? node.FoldedLeft : CheckedCount(tree, node.Left);
        int right = node.Right is null ? node.FoldedRight : CheckedCount(tree, node.Right);
        Assert.True(node.Left is null || node.FoldedLeft == 0);
        Assert.Equal(node.Count, left + right + 1);
        Assert.True(node.SubtreeLast >= node.Last);
        foreach (string child in new[] { node.Left, node.Right }.OfType<string>())
            Assert.True(node.SubtreeLast >= tree.Items.Single(item => item.Key == child).SubtreeLast);
        return node.Count;
    }
}
