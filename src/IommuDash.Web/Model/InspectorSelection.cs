using Microsoft.AspNetCore.Components;

namespace IommuDash.Web.Model;

/// <summary>What the inspector shows of one object. A part that is null is left out.</summary>
public sealed record InspectorContent(string Title)
{
    public RenderFragment? Facts { get; init; }

    /// <summary>Who keeps the object alive.</summary>
    public RenderFragment? Holders { get; init; }

    public RenderFragment? History { get; init; }

    public RenderFragment? Actions { get; init; }
}

/// <summary>
/// The one selection of a tab: selecting anywhere selects everywhere, and the inspector shows it. Scoped, as a circuit is one tab.
/// Whoever selects brings the content; <see cref="Refresh"/> replaces it as long as the same object is selected.
/// </summary>
public sealed class InspectorSelection
{
    /// <summary>Raised on the circuit's thread after each change.</summary>
    public event Action? Changed;

    public SelectionKey? Key { get; private set; }

    public InspectorContent? Content { get; private set; }

    public bool IsSelected(SelectionKey key) => Key == key;

    public void Select(SelectionKey key, InspectorContent content)
    {
        Key = key;
        Content = content;
        Changed?.Invoke();
    }

    public void Refresh(SelectionKey key, InspectorContent content)
    {
        if (IsSelected(key))
            Select(key, content);
    }

    public void Clear()
    {
        Key = null;
        Content = null;
        Changed?.Invoke();
    }
}
