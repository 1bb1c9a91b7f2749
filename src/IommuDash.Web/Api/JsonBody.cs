using System.Text.Json;

using IommuDash.Workspaces.Commands;

namespace IommuDash.Web.Api;

/// <summary>Reads bodies strictly. A content type that no plain HTML form can send is required, so that other sites' forms cannot reach the API.</summary>
internal static class JsonBody
{
    /// <summary>The body as JSON, or the problem to answer with.</summary>
    public static async Task<(JsonDocument? Document, IResult? Problem)> ReadAsync(HttpRequest request)
    {
        if (!request.HasJsonContentType())
            return (null, ApiProblem.Of(StatusCodes.Status415UnsupportedMediaType, "The body must be JSON, with the header Content-Type: application/json."));
        try
        {
            return (await JsonDocument.ParseAsync(request.Body, CommandJson.DocumentOptions, request.HttpContext.RequestAborted), null);
        }
        catch (JsonException e)
        {
            return (null, ApiProblem.Of(StatusCodes.Status400BadRequest, $"The body is not JSON: {e.Message}"));
        }
        catch (BadHttpRequestException e)
        {
            return (null, ApiProblem.Of(e.StatusCode, e.Message));
        }
    }
}
