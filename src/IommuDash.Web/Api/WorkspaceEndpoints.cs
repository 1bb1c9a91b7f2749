// Workspaces over HTTP: make, list, delete, command, look. Errors of the API itself are problem+json; a refused command is not one, it is a 200 whose answer has an errno.
using System.Text.Json;

using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Hardware.Import;
using IommuDash.Engine.Iommufd;
using IommuDash.Workspaces;
using IommuDash.Workspaces.Commands;

using Microsoft.Extensions.Options;

namespace IommuDash.Web.Api;

internal static class WorkspaceEndpoints
{
    private const string Source = "api";

    public static void MapWorkspaceApi(this IEndpointRouteBuilder routes)
    {
        routes.MapHealth();
        RouteGroupBuilder api = routes.MapGroup("/api").DisableAntiforgery();
        api.MapGet("/presets", ListPresets).WithSummary("Hosts that can be had by name").WithTags("workspaces");
        api.MapGet("/workspaces", static (WorkspaceRegistry registry) => registry.All.Select(w => WorkspaceSummary.Of(w)).ToArray()).WithSummary("All workspaces, newest first").WithTags("workspaces");
        api.MapPost("/workspaces", CreateAsync)
            .Accepts<CreateWorkspace>("application/json").Produces<WorkspaceSummary>(StatusCodes.Status201Created)
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status422UnprocessableEntity).ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .WithSummary("Makes a workspace from a preset or from an import text; context 1 is open for its first process").WithTags("workspaces");
        api.MapGet("/workspaces/{id}", static (string id, WorkspaceRegistry registry) => registry.Find(id) is { } workspace ? Results.Ok(WorkspaceSummary.Of(workspace)) : ApiProblem.NoWorkspace(id))
            .Produces<WorkspaceSummary>().ProducesProblem(StatusCodes.Status404NotFound).WithSummary("One workspace").WithTags("workspaces");
        api.MapDelete("/workspaces/{id}", static (string id, WorkspaceRegistry registry) => registry.Delete(id) ? Results.NoContent() : ApiProblem.NoWorkspace(id))
            .Produces(StatusCodes.Status204NoContent).ProducesProblem(StatusCodes.Status404NotFound).WithSummary("Ends a workspace").WithTags("workspaces");
        api.MapPost("/workspaces/{id}/commands", ExecuteAsync)
            .Accepts<Command>("application/json").Produces<CommandAnswer>()
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound)
            .WithSummary("Runs one command, or an array of them in order; a refused command is an answer with an errno, and those after it still run").WithTags("commands");
        api.MapPrograms();
        api.MapViews();
    }

    private static PresetSummary[] ListPresets(HostPresets presets) =>
        [.. presets.Presets.Select(p => new PresetSummary(p.Id, p.Host.Name, p.Host.Summary, p.Host.Devices.Count, p.Host.Groups.Count, p.Host.Units.Count))];

    private static async Task<IResult> CreateAsync(HttpRequest request, WorkspaceRegistry registry, HostPresets presets, IOptions<ImportOptions> importOptions)
    {
        (JsonDocument? body, IResult? unreadable) = await JsonBody.ReadAsync(request);
        using JsonDocument? _ = body;
        if (body is null)
            return unreadable!;
        if (StrictJson.Read(body.RootElement, typeof(CreateWorkspace), "body", out string problem) is not CreateWorkspace wanted)
            return ApiProblem.Of(StatusCodes.Status400BadRequest, problem);
        if (wanted.Preset is null == wanted.ImportText is null)
            return ApiProblem.Of(StatusCodes.Status400BadRequest, "Give either \"preset\" or \"importText\".");
        if (ReferenceLevel.Find(wanted.Level ?? ReferenceLevel.Current.Name) is not { } level)
            return ApiProblem.Of(StatusCodes.Status400BadRequest, $"There is no level of that name. There are {string.Join(", ", ReferenceLevel.All)}.");
        HostImport? import = null;
        HostDescription? host;
        if (wanted.Preset is { } id)
        {
            host = presets.Presets.FirstOrDefault(p => p.Id == id)?.Host;
            if (host is null)
                return ApiProblem.Of(StatusCodes.Status400BadRequest, $"There is no preset of that name. There are {string.Join(", ", presets.Presets.Select(p => p.Id))}.");
        }
        else
        {
            var choices = new ImportChoices { Vendor = wanted.Vendor };
            import = HostImporter.FromText(wanted.ImportText!, wanted.Name is { } name ? choices with { Name = name } : choices, importOptions.Value);
            host = import.Host;
            if (host is null)
                return NoHost(import);
        }
        if (registry.Create(host, Source, out Workspace? workspace, level) is { } refusal)
            return ApiProblem.Of(refusal.Errno == Errno.ENOMEM ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status422UnprocessableEntity, refusal.Reason);
        return Results.Created($"/api/workspaces/{workspace!.Id}", WorkspaceSummary.Of(workspace, import));
    }

    private static IResult NoHost(HostImport import) => ApiProblem.Of(
        StatusCodes.Status422UnprocessableEntity,
        import.Outcome == ImportOutcome.NeedsAnswer ? "The text does not tell everything; answer the questions in fields of the body." : "No host can be made from this text.",
        new Dictionary<string, object?>
        {
            ["errors"] = import.Errors,
            ["questions"] = import.Questions,
            ["rejectedLines"] = import.RejectedLines,
            ["rejected"] = import.Rejected,
        });

    private static async Task<IResult> ExecuteAsync(string id, HttpRequest request, WorkspaceRegistry registry, IOptions<WorkspaceOptions> options)
    {
        if (registry.Find(id) is not { } workspace)
            return ApiProblem.NoWorkspace(id);
        (JsonDocument? body, IResult? unreadable) = await JsonBody.ReadAsync(request);
        using JsonDocument? _ = body;
        if (body is null)
            return unreadable!;
        try
        {
            if (body.RootElement.ValueKind != JsonValueKind.Array)
            {
                return CommandJson.Read(body.RootElement, out string problem) is { } command
                    ? Results.Ok(await workspace.ExecuteAsync(command, Source, request.HttpContext.RequestAborted))
                    : ApiProblem.Of(StatusCodes.Status400BadRequest, problem);
            }
            int count = body.RootElement.GetArrayLength();
            if (count > options.Value.BatchCommands)
                return ApiProblem.Of(StatusCodes.Status400BadRequest, $"The batch has {count:N0} commands; one may have {options.Value.BatchCommands:N0} (option {WorkspaceOptions.SectionName}:{nameof(WorkspaceOptions.BatchCommands)}).");
            var commands = new Command[count];
            for (int i = 0; i < count; i++)
            {
                if (CommandJson.Read(body.RootElement[i], out string problem) is not { } command)
                    return ApiProblem.Of(StatusCodes.Status400BadRequest, $"Command {i}: {problem} None of the batch was run.");
                commands[i] = command;
            }
            return Results.Ok(await workspace.ExecuteBatchAsync(commands, Source, request.HttpContext.RequestAborted));
        }
        catch (WorkspaceDeletedException)
        {
            return ApiProblem.NoWorkspace(id);
        }
    }
}
