// What the journal keeps of real programs: lines of a trace. They hold all that came from outside, so they repeat on a host that has neither the program nor its memory.
using IommuDash.Bridge.Trace;
using IommuDash.Engine.Hardware;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Programs;

namespace IommuDash.Bridge.Live;

/// <summary>What one program did in one turn.</summary>
/// <param name="Op">The call's name, of TEST with its operation, e.g. <c>IOAS_MAP</c> or <c>TEST MOCK_DOMAIN</c>.</param>
/// <param name="Lines">Lines of a trace, each with its end.</param>
public sealed record ProgramCall(string Op, string Lines) : RecordedCommand
{
    public override string Op { get; } = Op;

    public override int CostBytes => base.CostBytes + (sizeof(char) * Lines.Length);

    public override CommandResult Apply(EmulatedHost host)
    {
        ProgramLines.Repeat(host, Lines);
        return default;
    }
}

/// <summary>A command of someone else that met memory of programs.</summary>
/// <param name="Lines">What that memory was.</param>
/// <param name="Command">The command itself.</param>
public sealed record CommandOnPrograms(string Lines, Command Command) : RecordedCommand
{
    public override string Op => CommandOps.NameOf(Command);

    public override int CostBytes => Command.CostBytes + (sizeof(char) * Lines.Length);

    public override CommandResult Apply(EmulatedHost host)
    {
        ProgramLines.Repeat(host, Lines);
        return Command.Apply(host);
    }
}

internal static class ProgramLines
{
    // The host's replay knows the programs that earlier lines brought in.
    public static void Repeat(EmulatedHost host, string lines)
    {
        TraceReplay replay = host.FailurePoints as TraceReplay ?? new TraceReplay(host);
        foreach (TraceDifference difference in replay.Run(lines.Split('\n')))
            throw new JournalReplayException($"What a program did does not repeat: \"{difference.Recorded}\" came out as {difference.Answer}.");
    }
}
