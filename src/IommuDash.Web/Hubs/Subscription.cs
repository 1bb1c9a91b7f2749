// One watcher of one view: reads, sends what changed, waits until the client has taken it, waits for the next change. However slow the client, it costs one message in flight and the snapshot it has.
using IommuDash.Workspaces;
using IommuDash.Workspaces.Views;

using Microsoft.AspNetCore.SignalR;

namespace IommuDash.Web.Hubs;

/// <summary>A client's subscription. Disposing it ends its pump.</summary>
internal sealed partial class Subscription : IAsyncDisposable
{
    private readonly string _id;
    private readonly Workspace _workspace;
    private readonly NamedView _view;
    private readonly object _query;
    private readonly IClientProxy _client;
    private readonly TimeSpan _pause;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _ended;
    private readonly Task _pump;
    private readonly Lock _sync = new();
    private long _inFlight = -1;
    private TaskCompletionSource? _taken;

    public Subscription(string id, Workspace workspace, NamedView view, object query, IClientProxy client, TimeSpan pause, TimeProvider time, ILogger log, CancellationToken disconnected)
    {
        _id = id;
        _workspace = workspace;
        _view = view;
        _query = query;
        _client = client;
        _pause = pause;
        _time = time;
        _log = log;
        _ended = CancellationTokenSource.CreateLinkedTokenSource(disconnected);
        _pump = Task.Run(PumpAsync, CancellationToken.None);
    }

    /// <summary>The client has taken the message of this version. Anything but the one in flight is ignored.</summary>
    public void Ack(long version)
    {
        lock (_sync)
        {
            if (version != _inFlight)
                return;
            _inFlight = -1;
            _taken?.TrySetResult();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _pump;
        _ended.Dispose();
    }

    private async Task PumpAsync()
    {
        CancellationToken ended = _ended.Token;
        try
        {
            EncodedSnapshot? sent = null;
            for (long seen = -1, sentVersion = -1; ;)
            {
                await _workspace.WaitForChangeAsync(seen, ended);
                ViewSnapshot<object> now = await _view.ReadAsync(_workspace, _query, ended);
                seen = now.Version;
                EncodedSnapshot encoded = EncodedSnapshot.Of(now.Data);
                object? message = sent is null ? new SnapshotMessage(seen, encoded.Data, encoded.Items) : encoded.DeltaFrom(sent, sentVersion, seen);
                if (message is not null)
                {
                    await SendAndWaitAsync(sent is null ? ClientMethods.Snapshot : ClientMethods.Delta, seen, message, ended);
                    sentVersion = seen;
                }
                sent = encoded;
                await Task.Delay(_pause, _time, ended);
            }
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // Unsubscribed or disconnected: nobody is left to tell.
        }
        catch (Exception e) when (e is WorkspaceDeletedException || (e is OperationCanceledException && _workspace.Deleted.IsCancellationRequested))
        {
            await _client.SendAsync(ClientMethods.Closed, _id, "The workspace was deleted.", CancellationToken.None);
        }
        catch (Exception e)
        {
            LogViewFailed(_log, e, _view.Name);
            await _client.SendAsync(ClientMethods.Closed, _id, "The view met an error of its own; the server's log has it.", CancellationToken.None);
        }
    }

    private async Task SendAndWaitAsync(string method, long version, object message, CancellationToken ended)
    {
        var taken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_sync)
        {
            _inFlight = version;
            _taken = taken;
        }
        await _client.SendAsync(method, _id, message, ended);
        await taken.Task.WaitAsync(ended);
    }

    [LoggerMessage(LogLevel.Error, "View {View} failed")]
    private static partial void LogViewFailed(ILogger log, Exception error, string view);
}
