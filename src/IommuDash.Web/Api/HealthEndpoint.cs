using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace IommuDash.Web.Api;

/// <summary>As ASP.NET's own health endpoint answers, but described in the OpenAPI document, which that one is not.</summary>
internal static class HealthEndpoint
{
    public static void MapHealth(this IEndpointRouteBuilder routes) => routes.MapGet("/health", static async (HealthCheckService checks, HttpContext context) =>
        {
            HealthReport report = await checks.CheckHealthAsync(context.RequestAborted);
            context.Response.Headers.CacheControl = "no-store";
            return Results.Text(report.Status.ToString(), statusCode: report.Status == HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK);
        })
        .Produces<string>(StatusCodes.Status200OK, "text/plain").Produces<string>(StatusCodes.Status503ServiceUnavailable, "text/plain").WithSummary("Whether the server works").WithTags("health");
}
