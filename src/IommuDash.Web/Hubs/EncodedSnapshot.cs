// A snapshot as JSON, made once for all its watchers: equal queries get the same snapshot object, and this encoding hangs on that object. Deltas are found by comparing encodings, byte by byte,
// so a view needs no code of its own for them.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;

using IommuDash.Workspaces;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Hubs;

/// <summary>A snapshot's JSON, split into items by key and the rest.</summary>
internal sealed class EncodedSnapshot
{
    private static readonly ConditionalWeakTable<object, EncodedSnapshot> Encodings = [];

    private readonly Dictionary<string, JsonElement>? _byKey;
    private readonly string[] _keys = [];

    // The delta last asked for: watchers at the same pace ask for the same one.
    private CachedDelta? _lastDelta;

    private EncodedSnapshot(object snapshot)
    {
        JsonElement whole = JsonSerializer.SerializeToElement(snapshot, snapshot.GetType(), WorkspaceJson.Options);
        if (snapshot is not IItemSnapshot withItems)
        {
            Data = whole;
            return;
        }
        Data = JsonSerializer.SerializeToElement(whole.EnumerateObject().Where(p => p.Name != "items").ToDictionary(p => p.Name, p => p.Value));
        IReadOnlyList<IViewItem> items = withItems.Items;
        var encoded = new JsonElement[items.Count];
        _keys = new string[items.Count];
        _byKey = new Dictionary<string, JsonElement>(items.Count, StringComparer.Ordinal);
        for (int i = 0; i < encoded.Length; i++)
        {
            encoded[i] = JsonSerializer.SerializeToElement(items[i], items[i].GetType(), WorkspaceJson.Options);
            _keys[i] = items[i].Key;
            _byKey.Add(_keys[i], encoded[i]);
        }
        Items = encoded;
    }

    public JsonElement Data { get; }

    public IReadOnlyList<JsonElement>? Items { get; }

    public static EncodedSnapshot Of(object snapshot) => Encodings.GetValue(snapshot, static s => new EncodedSnapshot(s));

    /// <summary>What leads from another snapshot of the same query to this one; null if nothing differs.</summary>
    public DeltaMessage? DeltaFrom(EncodedSnapshot from, long fromVersion, long version)
    {
        if (from == this)
            return null;
        CachedDelta? last = _lastDelta;
        if (last is null || !last.IsFrom(from))
            _lastDelta = last = new CachedDelta(from, Compare(from));
        return last.Delta is { } delta ? delta with { From = fromVersion, Version = version } : null;
    }

    private DeltaMessage? Compare(EncodedSnapshot from)
    {
        bool sameData = Same(Data, from.Data);
        if (_byKey is null || from._byKey is null)
            return sameData ? null : new DeltaMessage(0, 0, Data, [], [], null);
        List<JsonElement> upsert = [.. _keys.Where(k => !from._byKey.TryGetValue(k, out JsonElement old) || !Same(old, _byKey[k])).Select(k => _byKey[k])];
        List<string> remove = [.. from._keys.Where(k => !_byKey.ContainsKey(k))];
        IEnumerable<string> merged = [.. from._keys.Where(_byKey.ContainsKey), .. _keys.Where(k => !from._byKey.ContainsKey(k))];
        IReadOnlyList<string>? keys = merged.SequenceEqual(_keys) ? null : _keys;
        return sameData && upsert.Count == 0 && remove.Count == 0 && keys is null ? null : new DeltaMessage(0, 0, sameData ? null : Data, upsert, remove, keys);
    }

    private static bool Same(JsonElement left, JsonElement right) => JsonMarshal.GetRawUtf8Value(left).SequenceEqual(JsonMarshal.GetRawUtf8Value(right));

    // Knows where it leads from without keeping it: else each snapshot would keep the one before it, and so all there ever were.
    private sealed class CachedDelta(EncodedSnapshot from, DeltaMessage? delta)
    {
        private readonly WeakReference<EncodedSnapshot> _from = new(from);

        public DeltaMessage? Delta => delta;

        public bool IsFrom(EncodedSnapshot other) => _from.TryGetTarget(out EncodedSnapshot? known) && known == other;
    }
}
