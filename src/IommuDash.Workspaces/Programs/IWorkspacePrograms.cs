using IommuDash.Engine;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Programs;

/// <summary>The real programs on a workspace's host, as far as its commands are concerned. Called in the workspace's turn only.</summary>
public interface IWorkspacePrograms
{
    /// <summary>Why a command must not be done to what belongs to a program; null = it may. It is not journalled then.</summary>
    Refusal? Check(Command command);

    /// <summary>A command is about to run: programs have run since, so what was known of their memory may be out of date.</summary>
    void BeforeCommand();

    /// <summary>The command as it must be journalled, with what it learned of programs' memory; null = as it is.</summary>
    RecordedCommand? AfterCommand(Command command);

    /// <summary>Why the host cannot go back in time now; null = it can.</summary>
    Refusal? CheckUndo();
}
