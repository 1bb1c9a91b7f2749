using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Workspaces.Calls;

namespace IommuDash.Bridge.Server;

/// <summary>
/// A host that others use beside the server. Each message is one turn; what a program does in it is begun, done and completed. Used by the server's thread only.
/// </summary>
public interface ISharedHost
{
    /// <summary>Waits until nobody else uses the host, and gives it: another than before if it went back in time meanwhile, which it does only while no program is on it. Null: it is gone, and nothing of it may be touched.</summary>
    EmulatedHost? TakeTurn();

    void GiveBackTurn();

    /// <summary>A program wants to come in. Null: it may, and <see cref="Leave"/> follows some time; else why not.</summary>
    Refusal? Admit(int pid, string program);

    /// <summary>A program that was admitted has exited.</summary>
    void Leave();

    /// <summary>A process does something: all events until <see cref="Complete"/> are of it. A refusal answers the call in place of the engine.</summary>
    Refusal? Begin(int pid, string program, string what, bool onlyReleases);

    /// <summary>It is done.</summary>
    /// <param name="call">The call as it was answered, without version, time and duration; null for what is none, e.g. an exit.</param>
    void Complete(CallRecord? call);
}
