namespace IommuDash.Web.Hubs;

/// <summary>Settings of the hub, section <c>Hub</c>.</summary>
public sealed class WorkspaceHubOptions
{
    public const string SectionName = "Hub";

    /// <summary>Subscriptions of one connection, default 32.</summary>
    public int SubscriptionsPerConnection { get; set; } = 32;

    /// <summary>Largest message a client may send in bytes, default 1 MiB.</summary>
    public int MaxMessageBytes { get; set; } = 1 << 20;

    /// <summary>Longest name a client may give a subscription, in characters; default 64.</summary>
    public int MaxSubscriptionIdLength { get; set; } = 64;
}
