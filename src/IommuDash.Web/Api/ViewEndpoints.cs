using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

using IommuDash.Workspaces;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Api;

/// <summary>The hub's views, once, over HTTP. Fields of the query are query parameters: numbers, true and false as they are, addresses in hex, anything nested as JSON.</summary>
internal static class ViewEndpoints
{
    public static void MapViews(this IEndpointRouteBuilder api)
    {
        api.MapGet("/views", static (ViewCatalog catalog) => catalog.All.Select(v => v.Name).ToArray()).WithSummary("Names of the views").WithTags("views");
        api.MapGet("/workspaces/{id}/views/{view}", ReadAsync)
            .Produces<ViewSnapshot<object>>().ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound)
            .WithSummary("A snapshot of a view; query parameters are the fields of its query").WithTags("views");
    }

    private static async Task<IResult> ReadAsync(string id, string view, HttpRequest request, WorkspaceRegistry registry, ViewCatalog catalog)
    {
        if (registry.Find(id) is not { } workspace)
            return ApiProblem.NoWorkspace(id);
        if (catalog.Find(view) is not { } named)
            return ApiProblem.Of(StatusCodes.Status404NotFound, $"There is no view of that name. There are {string.Join(", ", catalog.All.Select(v => v.Name))}.");
        using JsonDocument json = ToJson(request.Query, named.QueryType);
        if (named.ReadQuery(json.RootElement, out string problem) is not { } query)
            return ApiProblem.Of(StatusCodes.Status400BadRequest, problem);
        try
        {
            return Results.Ok(await named.ReadAsync(workspace, query, request.HttpContext.RequestAborted));
        }
        catch (WorkspaceDeletedException)
        {
            return ApiProblem.NoWorkspace(id);
        }
    }

    private static JsonDocument ToJson(IQueryCollection parameters, Type queryType)
    {
        JsonTypeInfo info = WorkspaceJson.Options.GetTypeInfo(queryType);
        var fields = new JsonObject();
        foreach ((string name, var values) in parameters)
        {
            string text = values.ToString();
            bool isText = info.Properties.FirstOrDefault(p => p.Name == name)?.PropertyType == typeof(string);
            fields[name] = isText ? JsonValue.Create(text) : ParseOrText(text);
        }
        return JsonDocument.Parse(fields.ToJsonString());
    }

    private static JsonNode? ParseOrText(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return JsonValue.Create(text); // Hex addresses and names of enum values: the query's own types judge them.
        }
    }
}
