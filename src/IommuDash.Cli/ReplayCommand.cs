// iommudash replay: the calls of a trace once more, and what came out otherwise.
using System.CommandLine;
using System.IO.Compression;
using IommuDash.Bridge.Trace;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Cli;

internal static class ReplayCommand
{
    private const int Differs = 1;
    private const int CannotReplay = 2;

    public static Command Create()
    {
        var file = new Argument<FileInfo>("file") { Description = "Trace written by run --trace; may be packed (.gz)." };
        var level = new Option<string?>("--level") { Description = "Kernel to answer as, in place of the trace's own." };
        var most = new Option<int>("--show") { Description = "Differences to show; all are counted.", DefaultValueFactory = _ => 20 };
        var coverage = new Option<bool>("--coverage") { Description = "Show how often each call was answered how." };
        var command = new Command("replay", "Repeats a trace on a fresh host and counts answers that differ. Exits with 0 if none does.") { file, level, most, coverage };
        command.SetAction(parsed => Replay(parsed.GetValue(file)!, parsed.GetValue(level), parsed.GetValue(most), parsed.GetValue(coverage)));
        return command;
    }

    private static int Replay(FileInfo file, string? levelName, int most, bool showCoverage)
    {
        if (!file.Exists)
            return Fail($"There is no file {file.FullName}.");
        IEnumerable<string> lines = ReadLines(file);
        if (TraceReplay.ReadHeader(lines.FirstOrDefault()) is not (string preset, string recordedLevel))
            return Fail($"{file.Name} is no trace of iommudash.");
        if (Presets.Find(preset, out string problem) is not { } description)
            return Fail(problem);
        if (ReferenceLevel.Find(levelName ?? recordedLevel) is not { } level)
            return Fail($"No level is called '{levelName ?? recordedLevel}'; there are {string.Join(", ", ReferenceLevel.All)}.");
        using var host = new EmulatedHost(description with { Processes = [] }, level: level);
        var replay = new TraceReplay(host);
        try
        {
            foreach (TraceDifference difference in replay.Run(lines.Skip(1)))
            {
                if (replay.Differences <= most)
                    Console.WriteLine($"line {difference.Line}: {difference.Recorded}\n  here: {difference.Answer}");
            }
        }
        catch (FormatException e)
        {
            return Fail(e.Message);
        }
        if (showCoverage)
            Console.Write($"{replay.Coverage}{replay.Coverage.Pairs} different pairs of call and answer\n");
        Console.WriteLine($"{replay.Calls} calls, {replay.Differences} differ");
        return replay.Differences == 0 ? 0 : Differs;
    }

    private static IEnumerable<string> ReadLines(FileInfo file)
    {
        using Stream stream = file.Extension == ".gz" ? new GZipStream(file.OpenRead(), CompressionMode.Decompress) : file.OpenRead();
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
            yield return line;
    }

    private static int Fail(string message)
    {
        Console.Error.WriteLine($"iommudash: {message}");
        return CannotReplay;
    }
}
