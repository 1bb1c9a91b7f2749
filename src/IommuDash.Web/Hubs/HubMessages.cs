// What the hub sends, by method name: snapshot(subId, SnapshotMessage), delta(subId, DeltaMessage), closed(subId, reason).
using System.Text.Json;

namespace IommuDash.Web.Hubs;

/// <summary>Names of the methods that clients implement.</summary>
internal static class ClientMethods
{
    public const string Snapshot = "snapshot";
    public const string Delta = "delta";
    public const string Closed = "closed";
}

/// <summary>A whole view.</summary>
/// <param name="Version">Of the workspace.</param>
/// <param name="Data">The snapshot without its items.</param>
/// <param name="Items">Its items in order; null for a view without items.</param>
public sealed record SnapshotMessage(long Version, JsonElement Data, IReadOnlyList<JsonElement>? Items);

/// <summary>What changed from one version to another.</summary>
/// <param name="From">The version this builds on; a client that has another subscribes anew.</param>
/// <param name="Version">The version after.</param>
/// <param name="Data">The snapshot without its items, whole; null = as before.</param>
/// <param name="Upsert">Items that are new or changed; each has a field <c>key</c>.</param>
/// <param name="Remove">Keys of items that are gone.</param>
/// <param name="Keys">All keys in order, if the order cannot be had by removing and appending; else null.</param>
public sealed record DeltaMessage(long From, long Version, JsonElement? Data, IReadOnlyList<JsonElement> Upsert, IReadOnlyList<string> Remove, IReadOnlyList<string>? Keys);

/// <summary>The answer to <c>Join</c>.</summary>
public sealed record JoinAnswer(string Id, string Name, long Version);
