using Microsoft.Net.Http.Headers;

namespace IommuDash.Web.Security;

/// <summary>
/// Refuses calls that a page of another site makes through a visitor's browser. Browsers send Origin with every WebSocket and every call that may change something; programs send none and pass.
/// Only host and port are compared: behind a proxy that ends TLS the scheme differs rightly.
/// </summary>
internal static class SameOrigin
{
    public static IApplicationBuilder UseSameOriginOnly(this IApplicationBuilder app) => app.Use(static async (context, next) =>
    {
        string? origin = context.Request.Headers[HeaderNames.Origin];
        if (string.IsNullOrEmpty(origin) || IsOwn(origin, context.Request.Host))
        {
            await next(context);
            return;
        }
        await Results.Problem("This server answers to its own pages only, and the call came from another site's (header Origin).", statusCode: StatusCodes.Status403Forbidden).ExecuteAsync(context);
    });

    private static bool IsOwn(string origin, HostString host) =>
        Uri.TryCreate(origin, UriKind.Absolute, out Uri? from) && (from.Scheme == Uri.UriSchemeHttp || from.Scheme == Uri.UriSchemeHttps)
        && string.Equals(from.Host, host.Host, StringComparison.OrdinalIgnoreCase) && from.Port == (host.Port ?? (from.Scheme == Uri.UriSchemeHttps ? 443 : 80));
}
