using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests;

public sealed class ConcurrencyTests
{
    [Fact]
    public async Task Delete_WhileWritersReadersAndWatchersWork_StopsAllOfThemCleanly()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        for (int round = 0; round < 20; round++)
        {
            Workspace workspace = registry.Create();
            var busy = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            int commands = 0;
            Task[] users =
            [
                .. Enumerable.Range(0, 2).Select(seed => Task.Run(() => UntilDeletedAsync(async random =>
                {
                    await workspace.ExecuteAsync(random.Next(), "test");
                    if (Interlocked.Increment(ref commands) == 100)
                        busy.SetResult();
                }, seed))),
                Task.Run(() => UntilDeletedAsync(async _ => await workspace.ReadEventsAsync(new EventsQuery { Count = 5 }), 0)),
                Task.Run(() => UntilDeletedAsync(async _ => await workspace.UndoAsync("test"), 0)),
                Task.Run(async () =>
                {
                    await foreach (long version in workspace.ChangesAsync(TimeSpan.FromTicks(1)))
                        Assert.InRange(version, 1, long.MaxValue);
                }),
            ];
            await busy.Task.WaitAsync(TimeSpan.FromSeconds(20));
            Assert.True(registry.Delete(workspace.Id));
            await Task.WhenAll(users).WaitAsync(TimeSpan.FromSeconds(20));
            Assert.Equal(0, registry.WrittenBytes);
        }

        static async Task UntilDeletedAsync(Func<RandomCommands, Task> step, int seed)
        {
            var random = new RandomCommands(seed, TestWorkspaces.Host());
            try
            {
                while (true)
                    await step(random);
            }
            catch (WorkspaceDeletedException)
            {
                // What everyone who still uses it gets.
            }
        }
    }

    [Fact]
    public async Task Batch_BesideAReader_KeepsOrderAndLetsTheReaderIn()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        Command[] batch = [.. Enumerable.Range(0, 5_000).Select(_ => new OptionGet { Option = Engine.Iommufd.IommufdOption.RlimitMode })];
        Task<IReadOnlyList<CommandAnswer>> running = Task.Run(async () => await workspace.ExecuteBatchAsync(batch, "test"));
        long seen = (await workspace.ReadEventsAsync(new EventsQuery())).Version;
        IReadOnlyList<CommandAnswer> answers = await running;
        Assert.InRange(seen, 1, 5_001);
        Assert.Equal(Enumerable.Range(2, 5_000).Select(v => (long)v), answers.Select(a => a.Version));
    }

    [Fact]
    public void Id_Random_IsShortAndSafeInAUrl()
    {
        string[] ids = [.. Enumerable.Range(0, 1_000).Select(_ => WorkspaceId.Random())];
        Assert.Equal(1_000, ids.Distinct().Count());
        Assert.All(ids, id => Assert.Equal(id, Uri.EscapeDataString(id)));
        Assert.All(ids, id => Assert.Equal(12, id.Length));
    }
}
