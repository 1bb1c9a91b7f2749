using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces;

/// <summary>Rebuilds a host from its description and the commands since: undo, sharing and recovery stand on this.</summary>
public static class JournalReplay
{
    /// <summary>A fresh host with the commands applied; refused ones are refused again. The caller owns it.</summary>
    public static EmulatedHost Run(HostDescription description, EngineLimits limits, IEnumerable<JournalEntry> entries, ReferenceLevel? level = null)
    {
        var host = new EmulatedHost(description, limits, level: level);
        try
        {
            foreach (JournalEntry entry in entries)
            {
                host.Moment = entry.Version;
                entry.Command.Apply(host);
            }
        }
        catch
        {
            host.Dispose();
            throw;
        }
        return host;
    }
}

/// <summary>What the journal holds.</summary>
/// <param name="Count">Commands kept.</param>
/// <param name="Dropped">Commands that a cap dropped; the journal can be replayed only while this is 0.</param>
/// <param name="Newest">The newest of them, oldest first; as many as asked for.</param>
public sealed record JournalSummary(int Count, long Dropped, IReadOnlyList<JournalEntry> Newest)
{
    public bool IsReplayable => Dropped == 0;

    internal static JournalSummary Of(Journal journal, int newest) =>
        new(journal.Count, journal.Dropped, journal.Newest(newest));
}
