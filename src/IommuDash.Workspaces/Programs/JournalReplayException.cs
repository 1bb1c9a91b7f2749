namespace IommuDash.Workspaces.Programs;

/// <summary>A recorded command came out otherwise when it was repeated: the host rebuilt so far is not the one that was.</summary>
public sealed class JournalReplayException(string message) : Exception(message);
