// What the HTTP API takes and gives, beside commands and views.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Hardware.Import;
using IommuDash.Workspaces;

namespace IommuDash.Web.Api;

/// <summary>Body of <c>POST /api/workspaces</c>: a preset, or the text of a real machine.</summary>
public sealed record CreateWorkspace
{
    /// <summary>Id of a preset, as <c>GET /api/presets</c> lists them.</summary>
    public string? Preset { get; init; }

    /// <summary>A pasted listing of IOMMU groups, or a text capture of /sys.</summary>
    public string? ImportText { get; init; }

    /// <summary>Whose IOMMU it is, if the text does not tell.</summary>
    public IommuVendor Vendor { get; init; }

    /// <summary>Name of an imported host.</summary>
    public string? Name { get; init; }

    /// <summary>Kernel that the host answers as; null = the newest.</summary>
    public string? Level { get; init; }
}

/// <summary>A preset in a list.</summary>
public sealed record PresetSummary(string Id, string Name, string Summary, int Devices, int Groups, int Units);

/// <summary>A workspace in a list, and the answer to making one.</summary>
public sealed record WorkspaceSummary
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>Kernel that the host answers as: <c>current</c>, <c>6.12</c>.</summary>
    public required string Level { get; init; }

    public required long Version { get; init; }

    public required DateTimeOffset Created { get; init; }

    /// <summary>When a command or a projection last ran.</summary>
    public required DateTimeOffset LastUse { get; init; }

    public required int Devices { get; init; }

    public required int Groups { get; init; }

    public required int Units { get; init; }

    public required int Processes { get; init; }

    /// <summary>After an import: lines of the text that were not understood, all of them.</summary>
    public int? RejectedLines { get; init; }

    /// <summary>The first of them.</summary>
    public IReadOnlyList<ImportProblem>? Rejected { get; init; }

    /// <summary>After an import: what was assumed.</summary>
    public IReadOnlyList<string>? Warnings { get; init; }

    internal static WorkspaceSummary Of(Workspace workspace, HostImport? import = null) => new()
    {
        Id = workspace.Id,
        Name = workspace.Description.Name,
        Level = workspace.Level.Name,
        Version = workspace.Version,
        Created = workspace.Created,
        LastUse = workspace.LastUse,
        Devices = workspace.Description.Devices.Count,
        Groups = workspace.Description.Groups.Count,
        Units = workspace.Description.Units.Count,
        Processes = workspace.Description.Processes.Count,
        RejectedLines = import?.RejectedLines,
        Rejected = import?.Rejected,
        Warnings = import?.Warnings,
    };
}
