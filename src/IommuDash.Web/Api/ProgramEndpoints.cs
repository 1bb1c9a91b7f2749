// The way in for real programs: the server hosts a bridge for each workspace that is asked for one.
using System.Net;

using IommuDash.Bridge;
using IommuDash.Bridge.Live;
using IommuDash.Workspaces;

namespace IommuDash.Web.Api;

/// <summary>Where programs find a workspace's host.</summary>
/// <param name="Socket">Unix socket, reachable by the server's user on the server's machine only; programs get it as IOMMUDASH_SOCKET.</param>
/// <param name="User">The server's user.</param>
/// <param name="Machine">The server's machine.</param>
/// <param name="PreloadLibrary">The server's preload library for LD_PRELOAD; null if it has none.</param>
public sealed record ProgramDoor(string Socket, string User, string Machine, string? PreloadLibrary);

internal static class ProgramEndpoints
{
    public static void MapPrograms(this IEndpointRouteBuilder api) =>
        api.MapPost("/workspaces/{id}/bridge", Open)
            .Produces<ProgramDoor>().ProducesProblem(StatusCodes.Status403Forbidden).ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status501NotImplemented)
            .WithSummary("Opens the workspace's host to Linux programs on the server's machine").WithTags("programs");

    private static IResult Open(string id, HttpContext http, WorkspaceRegistry registry, ProgramBridges bridges)
    {
        if (http.Connection.RemoteIpAddress is { } from && !IPAddress.IsLoopback(from))
            return ApiProblem.Of(StatusCodes.Status403Forbidden, $"A program must run on the server's machine, {Environment.MachineName}, as user {Environment.UserName}; this request comes from {from}.");
        if (registry.Find(id) is not { } workspace)
            return ApiProblem.NoWorkspace(id);
        try
        {
            return bridges.Open(workspace, out string? problem) is { } socket
                ? Results.Ok(new ProgramDoor(socket, Environment.UserName, Environment.MachineName, PreloadLibrary.Find(out _)))
                : ApiProblem.Of(StatusCodes.Status501NotImplemented, problem!);
        }
        catch (WorkspaceDeletedException)
        {
            return ApiProblem.NoWorkspace(id);
        }
    }
}
