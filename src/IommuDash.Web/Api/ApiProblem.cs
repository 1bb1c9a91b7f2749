namespace IommuDash.Web.Api;

/// <summary>Errors as application/problem+json.</summary>
internal static class ApiProblem
{
    /// <summary>Programs get a problem where people get a page: unknown paths, wrong methods and content types below /api.</summary>
    public static IApplicationBuilder UseApiProblems(this IApplicationBuilder app) =>
        app.UseWhen(static context => context.Request.Path.StartsWithSegments("/api"), static api => api.UseStatusCodePages(static problem =>
            Of(problem.HttpContext.Response.StatusCode, Detail(problem.HttpContext)).ExecuteAsync(problem.HttpContext)));

    public static IResult Of(int status, string detail, IDictionary<string, object?>? extensions = null) => Results.Problem(detail, statusCode: status, extensions: extensions);

    public static IResult NoWorkspace(string id) => Of(StatusCodes.Status404NotFound, $"There is no workspace {id}.");

    private static string Detail(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => $"There is nothing at {context.Request.Path}; /openapi/v1.json lists what there is.",
        StatusCodes.Status405MethodNotAllowed => $"{context.Request.Path} does not take {context.Request.Method}; /openapi/v1.json lists what it takes.",
        StatusCodes.Status415UnsupportedMediaType => "The body must be JSON, with the header Content-Type: application/json.",
        int status => $"The call failed with status {status}.",
    };
}
