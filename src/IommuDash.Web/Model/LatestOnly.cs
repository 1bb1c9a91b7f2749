namespace IommuDash.Web.Model;

/// <summary>
/// Runs one refresh at a time for a page that is asked from several sides (the host changed, the URL changed, a command ran): who asks while one runs gets another run after it,
/// so that the last thing shown is the newest. For the circuit's thread only.
/// </summary>
public sealed class LatestOnly
{
    private Task? _running;
    private bool _again;

    public Task RunAsync(Func<Task> refresh)
    {
        if (_running is { IsCompleted: false } running)
        {
            _again = true;
            return running;
        }
        return _running = LoopAsync(refresh);
    }

    private async Task LoopAsync(Func<Task> refresh)
    {
        do
        {
            _again = false;
            await refresh();
        }
        while (_again);
    }
}
