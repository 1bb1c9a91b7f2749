namespace IommuDash.Workspaces.Tests;

public sealed class WorkspaceWatchersTests
{
    [Fact]
    public void Add_ThenDisposedTwice_CountsOnceEachWayAndTells()
    {
        var watchers = new WorkspaceWatchers();
        List<int> told = [];
        watchers.Changed += () => told.Add(watchers.Count);
        IDisposable first = watchers.Add();
        using IDisposable second = watchers.Add();
        first.Dispose();
        first.Dispose();
        Assert.Equal([1, 2, 1], told);
        Assert.Equal(1, watchers.Count);
    }
}
