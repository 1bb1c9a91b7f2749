using IommuDash.Workspaces;

using Microsoft.OpenApi;

namespace IommuDash.Web.Api;

internal static class WorkspaceApiServices
{
    public static void AddWorkspaceApi(this IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(static json => WorkspaceJson.Configure(json.SerializerOptions));
        services.AddProblemDetails();
        services.AddOpenApi("v1", static openApi =>
        {
            openApi.AddDocumentTransformer(static (document, _, _) =>
            {
                document.Info.Title = "IommuDash";
                document.Info.Description = "Emulated Linux hosts with iommufd: make one, run commands on it, look at it. Live views come over the SignalR hub at /hubs/workspace.";
                return Task.CompletedTask;
            });
            // The schema maker cannot see into our converter for 64-bit values.
            openApi.AddSchemaTransformer(static (schema, context, _) =>
            {
                if (context.JsonTypeInfo.Type == typeof(ulong) || context.JsonTypeInfo.Type == typeof(ulong?))
                {
                    schema.Type = JsonSchemaType.String;
                    schema.Pattern = "^0x[0-9a-fA-F]{1,16}$";
                    schema.Description ??= "64 bits in hex; a plain number is understood too.";
                }
                return Task.CompletedTask;
            });
        });
    }
}
