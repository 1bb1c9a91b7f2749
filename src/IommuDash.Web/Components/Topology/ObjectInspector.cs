using IommuDash.Web.Model;
using IommuDash.Workspaces.Views;

using Microsoft.AspNetCore.Components;

namespace IommuDash.Web.Components.Topology;

/// <summary>What the inspector shows of an object of a host, the same on every page.</summary>
public static class ObjectInspector
{
    /// <param name="onSelect">Something named there was chosen.</param>
    /// <param name="actions">What can be done with it.</param>
    /// <param name="onRun">One of them was chosen.</param>
    /// <param name="url">A page that shows more of it, and what its link says; null if there is none.</param>
    public static InspectorContent Of(ObjectFactsSnapshot facts, EventCallback<SelectionKey> onSelect, IReadOnlyList<TopologyAction> actions, EventCallback<TopologyAction> onRun, (string Url, string Text)? url) => new(facts.Title)
    {
        Facts = builder =>
        {
            builder.OpenComponent<ObjectFacts>(0);
            builder.AddComponentParameter(1, nameof(ObjectFacts.Facts), facts.Facts);
            builder.AddComponentParameter(2, nameof(ObjectFacts.OnSelect), onSelect);
            builder.CloseComponent();
        },
        Holders = facts.Users is null ? null : builder =>
        {
            builder.OpenComponent<ObjectHolders>(0);
            builder.AddComponentParameter(1, nameof(ObjectHolders.Facts), facts);
            builder.AddComponentParameter(2, nameof(ObjectHolders.OnSelect), onSelect);
            builder.CloseComponent();
        },
        Actions = builder =>
        {
            builder.OpenComponent<ObjectActions>(0);
            builder.AddComponentParameter(1, nameof(ObjectActions.Actions), actions);
            builder.AddComponentParameter(2, nameof(ObjectActions.OnRun), onRun);
            if (url is { } page)
            {
                builder.AddComponentParameter(3, nameof(ObjectActions.Url), page.Url);
                builder.AddComponentParameter(4, nameof(ObjectActions.UrlText), page.Text);
            }
            builder.CloseComponent();
        },
    };
}
