using IommuDash.Bridge.Server;
using IommuDash.Bridge.Trace;

namespace IommuDash.Bridge;

/// <summary>How a bridge serves.</summary>
public sealed record BridgeOptions
{
    /// <summary>Path of the Unix socket, at most 100 bytes; its directory should be private to the user.</summary>
    public required string SocketPath { get; init; }

    /// <summary>Where every call is written down; null = nowhere.</summary>
    public TraceWriter? Trace { get; init; }

    /// <summary>Who else uses the host; null = nobody, and no turn is taken.</summary>
    public ISharedHost? Shared { get; init; }

    /// <summary>Descriptors the server keeps for its clients: device nodes and event files they have open, one per thread that calls, one per process. Beyond, opening fails.</summary>
    public int MaxDescriptors { get; init; } = 4_096;
}
