using IommuDash.Workspaces;

using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Options;

namespace IommuDash.Web.Hubs;

internal static class WorkspaceHubServices
{
    public static void AddWorkspaceHub(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<WorkspaceHubOptions>().Bind(configuration.GetSection(WorkspaceHubOptions.SectionName))
            .Validate(static o => o.SubscriptionsPerConnection is >= 1 and <= 10_000, "Hub:SubscriptionsPerConnection must be 1 to 10000.")
            .Validate(static o => o.MaxMessageBytes is >= 1 << 10 and <= 64 << 20, "Hub:MaxMessageBytes must be 1024 to 67108864.")
            .Validate(static o => o.MaxSubscriptionIdLength is >= 1 and <= 1_000, "Hub:MaxSubscriptionIdLength must be 1 to 1000.")
            .ValidateOnStart();
        services.AddSignalR().AddJsonProtocol(static json => WorkspaceJson.Configure(json.PayloadSerializerOptions));
        services.AddOptions<HubOptions<WorkspaceHub>>().Configure<IOptions<WorkspaceHubOptions>>(static (hub, own) => hub.MaximumReceiveMessageSize = own.Value.MaxMessageBytes);
    }
}
