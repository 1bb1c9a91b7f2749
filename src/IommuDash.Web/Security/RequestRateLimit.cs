using System.Threading.RateLimiting;

using IommuDash.Web.Configuration;

using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;

namespace IommuDash.Web.Security;

/// <summary>One token bucket per client address; an empty one answers 429 and says which option to raise.</summary>
internal static class RequestRateLimit
{
    public static void AddRequestRateLimit(this IServiceCollection services)
    {
        services.AddRateLimiter();
        services.AddOptions<RateLimiterOptions>().Configure<IOptions<DashboardOptions>>((limiter, dashboard) =>
        {
            int perSecond = dashboard.Value.RequestsPerSecondPerClient;
            limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context => RateLimitPartition.GetTokenBucketLimiter(
                context.Connection.RemoteIpAddress?.ToString() ?? "",
                _ => new TokenBucketRateLimiterOptions
                {
                    TokenLimit = perSecond,
                    TokensPerPeriod = perSecond,
                    ReplenishmentPeriod = TimeSpan.FromSeconds(1),
                    QueueLimit = 0,
                }));
            limiter.OnRejected = async (context, cancellation) => await context.HttpContext.Response.WriteAsync(
                $"More than {perSecond} requests a second from one address (option {DashboardOptions.SectionName}:{nameof(DashboardOptions.RequestsPerSecondPerClient)}).\n", cancellation);
        });
    }
}
