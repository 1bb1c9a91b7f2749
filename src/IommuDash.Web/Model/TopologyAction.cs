using IommuDash.Engine;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Model;

/// <summary>Something one can do with what is selected on the topology page.</summary>
/// <param name="Title">What the button says.</param>
/// <param name="Steps">Commands in order; each is made from the answer of the one before it, null for the first. Ends at the first refusal.</param>
public sealed record TopologyAction(string Title, IReadOnlyList<Func<CommandAnswer?, Command>> Steps)
{
    /// <summary>Where bound devices are that are attached to nothing.</summary>
    public const string UnattachedPlace = "unattached";

    /// <summary>Where devices are that no context has.</summary>
    public const string HostPlace = "host";

    /// <summary>Why it would be refused; null if nothing forbids it, as far as one can tell without trying.</summary>
    public Refusal? Refusal { get; init; }

    /// <summary>What it would do beside what the title says.</summary>
    public string? Note { get; init; }

    private static TopologyAction Of(string title, Command command) => new(title, [_ => command]);

    public static TopologyAction NewIoas(int context) => Of("New IOAS", new IoasAlloc { Context = context });

    public static TopologyAction OpenContext(int pid) => Of("Open context", new ContextOpen { Pid = pid });

    public static TopologyAction CloseContext(int fd) => Of($"Close context {fd}", new ContextClose { Fd = fd });

    public static TopologyAction Destroy(int context, uint id) => Of("Destroy", new ObjectDestroy { Context = context, Id = id });

    public static TopologyAction NewHwpt(int context, uint device, uint ioas, bool nestParent, bool dirtyTracking, bool pasid) =>
        Of("New hw_pagetable", new HwptAlloc { Context = context, Device = device, Pt = ioas, NestParent = nestParent, DirtyTracking = dirtyTracking, Pasid = pasid });

    /// <summary>What can be done with a device without naming a target: bind, detach, unbind.</summary>
    public static IReadOnlyList<TopologyAction> Of(ChosenDevice device, int context) => device.Binding switch
    {
        { } bound when bound.Context == context =>
        [
            .. bound.Hwpt is null ? (TopologyAction[])[] : [Of("Detach", new DeviceDetach { Context = context, Device = bound.Id })],
            Of("Unbind", new DeviceUnbind { Context = context, Device = bound.Id }),
        ],
        _ => [Of($"Bind to context {context}", new DeviceBind { Context = context, Address = device.Address }) with { Refusal = device.BindRefusal }],
    };

    /// <summary>What dropping a device comes to; null if there is nothing to do.</summary>
    /// <param name="place">Key of a target, <see cref="UnattachedPlace"/> or <see cref="HostPlace"/>.</param>
    public static TopologyAction? Dropped(string place, AttachTargetsSnapshot targets, ChosenDevice device, int context)
    {
        IReadOnlyList<TopologyAction> own = Of(device, context);
        bool isHere = device.Binding?.Context == context;
        return place switch
        {
            UnattachedPlace => isHere && device.Binding!.Hwpt is null ? null : own[0],
            HostPlace => isHere ? own[^1] : null,
            _ => targets.Targets.FirstOrDefault(target => target.Key == place) is { } target ? To(target, device, context) : null,
        };
    }

    /// <summary>What takes a device to a target; null if it is there.</summary>
    public static TopologyAction? To(AttachTarget target, ChosenDevice device, int context)
    {
        string name = target.Hwpt is null ? $"IOAS {target.Id}" : $"hw_pagetable {target.Id}";
        TopologyAction? action = target.Preview?.Call switch
        {
            AttachCall.BindAndAttach => new($"Bind and attach to {name}",
            [
                _ => new DeviceBind { Context = context, Address = device.Address },
                bound => new DeviceAttach { Context = context, Device = bound!.Outputs.Device!.Value, Pt = target.Id },
            ]),
            AttachCall.Attach => Of($"Attach to {name}", new DeviceAttach { Context = context, Device = device.Binding!.Id, Pt = target.Id }),
            AttachCall.Replace => Of($"Replace with {name}", new DeviceReplace { Context = context, Device = device.Binding!.Id, Pt = target.Id }),
            _ => null,
        };
        return action is null ? null : action with { Refusal = target.Preview!.Refusal, Note = NoteOf(target) };
    }

    private static string? NoteOf(AttachTarget target) => target switch
    {
        { Preview.Refusal: not null } or { Hwpt: not null } => null,
        { Preview.MakesHwpt: true } => "makes a new hw_pagetable",
        _ => $"joins hw_pagetable {target.Preview!.Hwpt}",
    };
}
