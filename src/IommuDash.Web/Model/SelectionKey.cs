using System.Diagnostics.CodeAnalysis;

namespace IommuDash.Web.Model;

/// <summary>Names one object of a workspace across all pages, e.g. <c>ioas:2</c>, <c>device:0000:01:00.0</c>, <c>area:2/0x1000</c>. Written in the URL as <c>kind:id</c>.</summary>
/// <param name="Kind">Lower-case kernel word; holds no colon.</param>
/// <param name="Id">Unique within the kind.</param>
public readonly record struct SelectionKey(string Kind, string Id)
{
    public static bool TryParse([NotNullWhen(true)] string? text, out SelectionKey key)
    {
        key = default;
        int colon = text?.IndexOf(':') ?? -1;
        if (colon <= 0 || colon == text!.Length - 1)
            return false;
        key = new SelectionKey(text[..colon], text[(colon + 1)..]);
        return true;
    }

    public override string ToString() => $"{Kind}:{Id}";
}
