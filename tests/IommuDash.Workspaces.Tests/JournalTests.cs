using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Tests;

public sealed class JournalTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Journal_UnderRandomAddsAndUndos_MatchesAList(int seed)
    {
        var random = new Random(seed);
        var journal = new Journal(maxEntries: 2_500, maxBytes: long.MaxValue);
        var model = new List<int>();
        for (int step = 0; step < 20_000; step++)
        {
            if (model.Count != 0 && random.Next(3) == 0)
            {
                journal.RemoveLast();
                model.RemoveAt(model.Count - 1);
            }
            else
            {
                journal.Add(new JournalEntry(step, default, "", new ContextOpen { Pid = step }));
                model.Add(step);
                if (model.Count > 2_500)
                    model.RemoveAt(0);
            }
            if (step % 500 == 0)
                Assert.Equal(model.TakeLast(1_500), journal.Newest(1_500).Select(e => ((ContextOpen)e.Command).Pid));
        }
        Assert.Equal(model, journal.Entries.Select(e => ((ContextOpen)e.Command).Pid));
        Assert.Equal(model.Count, journal.Count);
        while (journal.Count != 0)
            journal.RemoveLast();
        Assert.Equal(0, journal.Bytes);
    }

    [Fact]
    public void Journal_AboveItsBytes_DropsTheOldest()
    {
        var journal = new Journal(maxEntries: 1_000, maxBytes: 10_000);
        for (int i = 0; i < 10; i++)
            journal.Add(new JournalEntry(i, default, "", new ProcessWrite { Pid = i, Address = 0, Bytes = new byte[3_000] }));
        Assert.Equal([7, 8, 9], journal.Entries.Select(e => ((ProcessWrite)e.Command).Pid));
        Assert.Equal(7, journal.Dropped);
        Assert.False(journal.IsReplayable);
        Assert.InRange(journal.Bytes, 9_000, 10_000);
    }
}
