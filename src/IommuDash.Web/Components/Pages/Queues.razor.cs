// The Queues page: what its buttons run, and what of it stands in the URL. What it shows is in QueuesPageModel.
using IommuDash.Engine.Iommufd;
using IommuDash.Web.Api;
using IommuDash.Web.Components.Queues;
using IommuDash.Web.Components.Topology;
using IommuDash.Web.Model;
using IommuDash.Workspaces;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

using Microsoft.AspNetCore.Components;

namespace IommuDash.Web.Components.Pages;

public sealed partial class Queues
{
    protected override IReadOnlyList<PaletteEntry> Entries =>
    [
        new PaletteEntry("Demonstrate a page fault", "Queues", () => RunAllAsync(QueueSetup.Faults)),
        new PaletteEntry("Demonstrate events of a guest's device", "Queues", () => RunAllAsync(QueueSetup.Events)),
        new PaletteEntry("Allocate a fault queue", "Queues", () => Model is { } model ? RunAsync(new FaultAlloc { Context = model.State.Context }, OutcomePlace.Setup) : Task.CompletedTask),
    ];

    protected override QueuesPageModel Create(Workspace workspace) => new(workspace);

    protected override async Task ReadAsync(QueuesPageModel model, Uri url)
    {
        await model.ReadAsync(QueuesPageState.Parse(url));
        if (model is { State.Selection: { } key, Facts: { } facts })
            Show(key, facts.Exists ? ObjectInspector.Of(facts, EventCallback.Factory.Create<SelectionKey>(this, Select), ActionsOf(facts, model.State.Context), EventCallback.Factory.Create<TopologyAction>(this, RunAsync), PageOf(key, model.State.Context)) : new InspectorContent($"{key.Kind} {key.Id}") { Facts = builder => builder.AddContent(0, "There is no such object (any more).") });
    }

    protected override void OnDeselected()
    {
        if (Model is { State.Selection: not null } model)
            Go(model.State with { Selection = null });
    }

    protected override Task OnShortcutAsync(ShortcutId shortcut)
    {
        if (shortcut == ShortcutId.ToggleTable && Model is { Shown: not null } model)
            Go(model.State with { Table = !model.State.Table });
        return Task.CompletedTask;
    }

    private void Go(QueuesPageState state) => Go(state.Url(Id));

    private void Select(SelectionKey key) => Go(Model!.State with { Selection = key });

    private void SelectQueue(QueueRow queue) => Go(new QueuesPageState(queue.Context, queue.Id, Model!.State.From, Selection: new SelectionKey("object", $"{queue.Id}"), Table: Model.State.Table));

    private async Task RunAsync(Command command, OutcomePlace place)
    {
        await ExecuteAsync(command, place);
        await RefreshAsync();
    }

    // What the inspector's buttons do is answered beside the queue.
    private Task RunAsync(TopologyAction action) => RunAsync(action.Steps[0](null), OutcomePlace.Queue);

    private async Task RaiseAsync((uint Device, int Count) events)
    {
        for (int i = 0; i < events.Count; i++)
        {
            CommandAnswer answer = await ExecuteAsync(new TestTriggerVevent { Context = Model!.State.Context, Device = events.Device }, OutcomePlace.Setup);
            if (answer.Errno is not null)
                break;
        }
        await RefreshAsync();
    }

    // Each step is made from what is there after the one before it. Others may be at work on the same objects, so there is an end to it.
    private async Task RunAllAsync(Func<QueueSetupSnapshot, int, IReadOnlyList<SetupStep>> way)
    {
        for (int left = QueueSetup.MaxSteps; left > 0 && Model is { Setup: { IsOpen: true } setup } model && way(setup, model.State.Context).FirstOrDefault(step => step.Command is not null) is { Command: { } command }; left--)
        {
            CommandAnswer answer = await ExecuteAsync(command, OutcomePlace.Setup);
            await RefreshAsync();
            if (answer.Errno is not null)
                return;
        }
    }

    private Task<CommandAnswer> ExecuteAsync(Command command, OutcomePlace place) => Model!.ExecuteAsync(command, place, CommandCurl.For(new Uri(Navigation.BaseUri), Id, command));

    private static IReadOnlyList<TopologyAction> ActionsOf(ObjectFactsSnapshot facts, int context) =>
        facts.Name is { Kind: not "device" } name && uint.TryParse(name.Id, out uint id) ? [TopologyAction.Destroy(context, id)] : [];

    private (string Url, string Text)? PageOf(SelectionKey key, int context) => key.Kind switch
    {
        "hwpt" => (DashboardUrls.InContext(DashboardUrls.Domains(Id, key), context), "Open its page"),
        "device" => (DashboardUrls.InContext(DashboardUrls.Topology(Id, key), context), "Open its page"),
        _ => (DashboardUrls.InContext(DashboardUrls.Objects(Id, key), context), "Who holds it"),
    };
}
