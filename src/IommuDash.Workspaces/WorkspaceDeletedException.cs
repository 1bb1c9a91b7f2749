namespace IommuDash.Workspaces;

/// <summary>The workspace was deleted while someone still used it; they should leave it.</summary>
public sealed class WorkspaceDeletedException(string id) : InvalidOperationException($"Workspace {id} was deleted.");
