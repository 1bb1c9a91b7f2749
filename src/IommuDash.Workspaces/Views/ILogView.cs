using IommuDash.Workspaces.Calls;

namespace IommuDash.Workspaces.Views;

/// <summary>What a workspace remembers of what happened, beside its host.</summary>
public sealed record WorkspaceLogs(EventRing Events, CallLog Calls);

/// <summary>As <see cref="IView{TQuery, TSnapshot}"/>, of what belongs to the workspace and not to its host.</summary>
public interface ILogView<in TQuery, out TSnapshot>
    where TQuery : notnull
    where TSnapshot : class
{
    /// <summary>What clients of the hub and the API call it, e.g. <c>events</c>.</summary>
    static abstract string Name { get; }

    static abstract TSnapshot Project(WorkspaceLogs logs, TQuery query);
}
