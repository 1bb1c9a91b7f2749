namespace IommuDash.Web.Model;

/// <summary>Tells pages which key was pressed. Scoped: a circuit is one browser tab, and keys belong to a tab.</summary>
public sealed class Shortcuts
{
    /// <summary>Raised on the circuit's thread. Who subscribes unsubscribes when disposed.</summary>
    public event Func<ShortcutId, Task>? Pressed;

    public async Task PressAsync(ShortcutId id)
    {
        foreach (Func<ShortcutId, Task> listener in Pressed?.GetInvocationList().Cast<Func<ShortcutId, Task>>() ?? [])
            await listener(id);
    }
}
