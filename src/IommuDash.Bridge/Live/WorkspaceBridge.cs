// The door of one workspace: a bridge server on a thread of its own, whose calls take the workspace's path.
// Holds always:
//  - programs touch the host in the workspace's turns only; each call is journalled as the lines of a trace before its answer is sent;
//  - what a command of a page or the API learns of a program's memory is journalled with that command;
//  - the host does not go back in time while a program is on it.
using System.Diagnostics;
using System.Globalization;
using IommuDash.Bridge.Server;
using IommuDash.Bridge.Trace;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Workspaces;
using IommuDash.Workspaces.Calls;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Programs;

namespace IommuDash.Bridge.Live;

/// <summary>Real programs on one workspace. Ends with the workspace or when disposed; programs then get errors.</summary>
internal sealed class WorkspaceBridge : ISharedHost, IWorkspacePrograms, IDisposable
{
    private readonly Workspace _workspace;
    private readonly ProgramOptions _options;
    private readonly ProgramCount _total;
    private readonly DirectoryInfo _directory;
    private readonly StringWriter _lines = new(CultureInfo.InvariantCulture);
    private readonly TraceWriter _trace;
    private readonly BridgeServer _server;
    private readonly Thread _thread;
    private readonly CancellationTokenRegistration _deleted;
    private int _programs;
    private string _what = "";
    private long _began;

    private WorkspaceBridge(Workspace workspace, EmulatedHost host, ProgramOptions options, ProgramCount total, Action<Exception?> ended)
    {
        _workspace = workspace;
        _options = options;
        _total = total;
        _directory = Directory.CreateTempSubdirectory(StaleDoors.Prefix);
        _trace = new TraceWriter(_lines, workspace.Description.Name, workspace.Level.Name) { IsListening = false };
        _lines.GetStringBuilder().Clear();
        SocketPath = Path.Combine(_directory.FullName, StaleDoors.SocketName);
        if (BridgeServer.Listen(host, new BridgeOptions { SocketPath = SocketPath, Trace = _trace, Shared = this, MaxDescriptors = options.DescriptorsPerWorkspace }, out string reason) is not { } server)
        {
            _directory.Delete(recursive: true);
            throw new IOException(reason);
        }
        _server = server;
        _thread = new Thread(() => Serve(ended)) { Name = "bridge " + workspace.Id, IsBackground = true };
        workspace.SetPrograms(this);
        _deleted = workspace.Deleted.Register(_server.Stop);
        _thread.Start();
    }

    public string SocketPath { get; }

    /// <summary>Opens the door.</summary>
    /// <param name="ended">Told once it is closed, with what broke it if it was not asked to; on its thread.</param>
    /// <exception cref="WorkspaceDeletedException">The workspace is gone.</exception>
    /// <exception cref="IOException">The system gives no socket; the message says why.</exception>
    public static WorkspaceBridge Open(Workspace workspace, ProgramOptions options, ProgramCount total, Action<Exception?> ended)
    {
        EmulatedHost host = workspace.TakeTurn() ?? throw new WorkspaceDeletedException(workspace.Id);
        try
        {
            return new WorkspaceBridge(workspace, host, options, total, ended);
        }
        finally
        {
            workspace.GiveBackTurn();
        }
    }

    /// <summary>Closes the door and waits until it is.</summary>
    public void Dispose()
    {
        _server.Stop();
        _thread.Join();
    }

    EmulatedHost? ISharedHost.TakeTurn() => _workspace.TakeTurn();

    void ISharedHost.GiveBackTurn() => _workspace.GiveBackTurn();

    Refusal? ISharedHost.Admit(int pid, string program)
    {
        Refusal? refusal = _programs >= _options.PerWorkspace ? Full(nameof(ProgramOptions.PerWorkspace), _options.PerWorkspace, "on this workspace")
            : _total.Count >= _options.Total ? Full(nameof(ProgramOptions.Total), _options.Total, "on all workspaces")
            : null;
        if (refusal is null)
        {
            _programs++;
            _total.Add(1);
            return null;
        }
        _workspace.BeginCall(SourceOf(pid, program), "open", onlyReleases: true);
        _workspace.EndCall(null, new CallRecord { Time = default, Version = 0, Source = "door", Pid = pid, Program = program, Context = 0, Kind = CallKind.Open, Name = "open", Result = -(long)refusal.Errno, Refusal = refusal });
        return refusal;
    }

    void ISharedHost.Leave()
    {
        _programs--;
        _total.Add(-1);
    }

    Refusal? ISharedHost.Begin(int pid, string program, string what, bool onlyReleases)
    {
        _what = what;
        _trace.IsListening = true;
        Refusal? refusal = _workspace.BeginCall(SourceOf(pid, program), what, onlyReleases);
        _began = Stopwatch.GetTimestamp();
        return refusal;
    }

    void ISharedHost.Complete(CallRecord? call)
    {
        double microseconds = Stopwatch.GetElapsedTime(_began).TotalMicroseconds;
        _trace.IsListening = false;
        _workspace.EndCall(TakeLines() is { Length: > 0 } lines ? new ProgramCall(call is null ? _what : CallText.NameOf(call), lines) : null, call is null ? null : call with { DurationMicroseconds = microseconds });
    }

    Refusal? IWorkspacePrograms.Check(Command command) => command switch
    {
        ContextClose close when _server.HasContext(close.Fd) =>
            new Refusal(Errno.EBUSY, "context.program", $"Context {close.Fd} is a descriptor of a running program, which closes it itself."),
        ProcessExit exit when _server.HasProcess(exit.Pid) =>
            new Refusal(Errno.EBUSY, "process.program", $"Process {exit.Pid} is a running program; it exits by itself, or by kill(1)."),
        _ => null,
    };

    void IWorkspacePrograms.BeforeCommand()
    {
        _server.InvalidateMemory();
        _trace.IsListening = true;
    }

    RecordedCommand? IWorkspacePrograms.AfterCommand(Command command)
    {
        _trace.IsListening = false;
        return TakeLines() is { Length: > 0 } lines ? new CommandOnPrograms(lines, command) : null;
    }

    Refusal? IWorkspacePrograms.CheckUndo() => _server.HasPrograms
        ? new Refusal(Errno.EBUSY, "undo.programs", "A real program is on this host and cannot go back in time; undo works again once it has exited.")
        : null;

    private static string SourceOf(int pid, string program) => string.Create(CultureInfo.InvariantCulture, $"run {pid} {program}");

    private static Refusal Full(string option, int cap, string where) =>
        new(Errno.ENOMEM, "limit." + option, $"{cap} processes of programs run {where} (option {ProgramOptions.SectionName}:{option}).");

    private string TakeLines()
    {
        string lines = _lines.ToString();
        _lines.GetStringBuilder().Clear();
        return lines;
    }

    // A bug ends this door, not the dashboard.
    private void Serve(Action<Exception?> ended)
    {
        Exception? broken = null;
        try
        {
            using (_server)
                _server.Run();
            if (_workspace.TakeTurn() is not null)
            {
                _workspace.SetPrograms(null);
                _workspace.GiveBackTurn();
            }
            _deleted.Dispose();
            _directory.Delete(recursive: true);
        }
        catch (Exception e)
        {
            broken = e;
        }
        ended(broken);
    }
}
