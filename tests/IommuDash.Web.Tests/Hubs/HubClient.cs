// A client of SignalR's JSON protocol over a plain WebSocket, no larger than these tests need: what it can do, any program can.
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace IommuDash.Web.Tests.Hubs;

internal sealed class HubClient : IAsyncDisposable
{
    private const char RecordEnd = '\u001e';

    private readonly ClientWebSocket _socket = new();
    private readonly Channel<JsonElement> _calls = Channel.CreateUnbounded<JsonElement>();
    private readonly Dictionary<string, TaskCompletionSource<JsonElement>> _invocations = [];
    private readonly CancellationTokenSource _ended = new();
    private readonly SemaphoreSlim _sending = new(1, 1);
    private Task _reading = Task.CompletedTask;
    private int _next;

    public static async Task<HubClient> ConnectAsync(Uri address, string? origin = null)
    {
        var client = new HubClient();
        if (origin is not null)
            client._socket.Options.SetRequestHeader("Origin", origin);
        await client._socket.ConnectAsync(new UriBuilder(address) { Scheme = "ws", Path = "/hubs/workspace" }.Uri, CancellationToken.None);
        await client.SendAsync("""{"protocol":"json","version":1}""");
        var shaken = new TaskCompletionSource();
        client._reading = client.ReadAsync(shaken);
        await shaken.Task.WaitAsync(TimeSpan.FromSeconds(10));
        return client;
    }

    /// <summary>Calls a method; a HubException comes as <see cref="InvalidOperationException"/>.</summary>
    public async Task<JsonElement> InvokeAsync(string method, params object?[] arguments)
    {
        string id = (++_next).ToString(System.Globalization.CultureInfo.InvariantCulture);
        var done = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_invocations)
            _invocations[id] = done;
        await SendAsync(JsonSerializer.Serialize(new { type = 1, invocationId = id, target = method, arguments }));
        return await done.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    /// <summary>The next call of the server: method and arguments.</summary>
    public async Task<(string Method, JsonElement Arguments)> NextAsync()
    {
        JsonElement call = await _calls.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10));
        return (call.GetProperty("target").GetString()!, call.GetProperty("arguments"));
    }

    /// <summary>The next message of a kind, which must be the next there is.</summary>
    public async Task<JsonElement> NextAsync(string method)
    {
        (string came, JsonElement arguments) = await NextAsync();
        Assert.Equal(method, came);
        return arguments[1];
    }

    /// <summary>Whether a call has come and was not yet looked at.</summary>
    public bool HasCall => _calls.Reader.Count != 0;

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _reading;
        _socket.Dispose();
        _ended.Dispose();
        _sending.Dispose();
    }

    private async Task SendAsync(string json)
    {
        await _sending.WaitAsync();
        try
        {
            await _socket.SendAsync(Encoding.UTF8.GetBytes(json + RecordEnd), WebSocketMessageType.Text, true, CancellationToken.None);
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task ReadAsync(TaskCompletionSource shaken)
    {
        var buffer = new byte[64 << 10];
        var text = new StringBuilder();
        try
        {
            while (true)
            {
                WebSocketReceiveResult received = await _socket.ReceiveAsync(buffer, _ended.Token);
                if (received.MessageType == WebSocketMessageType.Close)
                    return;
                text.Append(Encoding.UTF8.GetString(buffer, 0, received.Count));
                string[] records = text.ToString().Split(RecordEnd);
                text.Clear().Append(records[^1]);
                foreach (string record in records[..^1])
                    Take(JsonDocument.Parse(record).RootElement, shaken);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            _calls.Writer.TryComplete();
        }
    }

    private void Take(JsonElement record, TaskCompletionSource shaken)
    {
        if (!record.TryGetProperty("type", out JsonElement type))
        {
            shaken.TrySetResult();
            return;
        }
        if (type.GetInt32() == 1)
        {
            _calls.Writer.TryWrite(record);
        }
        else if (type.GetInt32() == 3)
        {
            TaskCompletionSource<JsonElement> done;
            lock (_invocations)
                _invocations.Remove(record.GetProperty("invocationId").GetString()!, out done!);
            if (record.TryGetProperty("error", out JsonElement error))
                done.SetException(new InvalidOperationException(error.GetString()));
            else
                done.SetResult(record.TryGetProperty("result", out JsonElement result) ? result : default);
        }
    }
}
