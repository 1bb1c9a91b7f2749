// Repeats a trace on a host of its own and compares every answer with the recorded one.
// Leaves out: contents of memory; they decide no answer.
using System.Globalization;
using IommuDash.Abi;
using IommuDash.Abi.Layout;
using IommuDash.Bridge.Memory;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Bridge.Trace;

/// <summary>A line whose answer came out otherwise.</summary>
/// <param name="Line">Number in the file, from 1.</param>
/// <param name="Recorded">The recorded line.</param>
/// <param name="Answer">What came out here.</param>
public sealed record TraceDifference(int Line, string Recorded, string Answer);

public sealed class TraceReplay : IFailurePoints
{
    private readonly EmulatedHost _host;
    private readonly ReplayObjects _objects;
    private readonly Dictionary<int, (EmulatedProcess Process, ReplayAddressSpace Memory)> _processes = [];
    private readonly Dictionary<string, object> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, MmapWindow> _windows = new(StringComparer.Ordinal);
    private ulong _nth;

    /// <param name="host">Its memory is nobody else's to answer for; the pids of the trace are free.</param>
    public TraceReplay(EmulatedHost host)
    {
        _host = host;
        var frames = new ClientFrames(host.Memory);
        _objects = new ReplayObjects(frames);
        host.Memory.Foreign = frames;
        host.FailurePoints = this;
    }

    /// <summary>Lines whose answers were compared.</summary>
    public int Calls { get; private set; }

    public int Differences { get; private set; }

    /// <summary>How often each recorded answer of each call has come by.</summary>
    public TraceCoverage Coverage { get; } = new();

    /// <summary>The host's name and the level a trace was made on; null if a text is no trace.</summary>
    public static (string Host, string Level)? ReadHeader(string? line)
    {
        if (line is null || !line.StartsWith(TraceText.Header, StringComparison.Ordinal))
            return null;
        Dictionary<string, string> words = line.Split(' ').Where(w => w.Contains('=', StringComparison.Ordinal)).Select(w => w.Split('=', 2)).ToDictionary(w => w[0], w => w[1]);
        return words.TryGetValue("host", out string? host) && words.TryGetValue("level", out string? level) ? (host, level) : null;
    }

    /// <summary>Repeats the lines after the header, and gives each difference as it is found.</summary>
    /// <exception cref="FormatException">A line is not a trace's; its number is in the message.</exception>
    public IEnumerable<TraceDifference> Run(IEnumerable<string> lines)
    {
        int number = 1;
        foreach (string line in lines)
        {
            number++;
            if (line.Length == 0 || line[0] == '#')
                continue;
            string? answer;
            try
            {
                answer = Repeat(line);
            }
            catch (Exception e) when (e is FormatException or IndexOutOfRangeException or ArgumentOutOfRangeException or OverflowException or KeyNotFoundException or InvalidCastException)
            {
                throw new FormatException($"Line {number} cannot be read: {e.Message}");
            }
            if (answer is null)
                continue;
            Differences++;
            yield return new TraceDifference(number, line, answer);
        }
    }

    bool IFailurePoints.ShouldFail(FailurePoint point) => Fails(point);

    private bool Fails(FailurePoint _) => _nth != 0 && --_nth == 0;

    // Null = as recorded.
    private string? Repeat(string line)
    {
        string[] words = line.Split(' ');
        int pid = int.Parse(words[1], CultureInfo.InvariantCulture);
        switch (words[2])
        {
            case "process":
                Process(pid, words);
                return null;
            case "mem":
                Memory(pid, words);
                return null;
            case "file":
                _objects.Sizes[words[3]] = TraceText.Number(words[4].AsSpan(5));
                return null;
            case "lost":
                _objects.Frames.FailOnce((uint)TraceText.Number(words[3]));
                return null;
            case "exit":
                _host.RetireProcess(_processes[pid].Process);
                _processes.Remove(pid);
                return null;
            case "open":
                return Open(pid, words);
            case "close":
                Close(words[3]);
                return null;
            case "mmap":
                return Mmap(words);
            case "munmap":
                if (_windows.Remove(words[3], out MmapWindow? window))
                    window.Unmap();
                return null;
            case "read" or "write":
                return Transfer(words);
            default:
                return Ioctl(pid, words);
        }
    }

    private void Process(int pid, string[] words)
    {
        string Value(int index) => words[index][(words[index].IndexOf('=', StringComparison.Ordinal) + 1)..];
        ulong memlock = TraceText.Number(Value(5));
        int caps = int.Parse(Value(6), CultureInfo.InvariantCulture);
        if (_processes.TryGetValue(pid, out var known))
        {
            EmulatedHost.SetPrivileges(known.Process, memlock, (caps & 1) != 0, (caps & 2) != 0);
            return;
        }
        var memory = new ReplayAddressSpace(_objects);
        var description = new ProcessDescription { Pid = pid, Name = TraceText.Name(words[3]), Uid = int.Parse(Value(4), CultureInfo.InvariantCulture), MemlockBytes = memlock, CapIpcLock = (caps & 1) != 0, CapSysResource = (caps & 2) != 0 };
        if (_host.AdoptProcess(description, memory, out EmulatedProcess? process) is { } refusal)
            throw new FormatException(refusal.Reason);
        _processes.Add(pid, (process!, memory));
    }

    private void Memory(int pid, string[] words)
    {
        string[] range = words[3].Split('-');
        string[] origin = words[5].Split('+');
        bool isShared = words[4][2] == 's';
        var mapping = new ClientMapping(TraceText.Number(range[0]), TraceText.Number(range[1]), words[4][0] == 'r', words[4][1] == 'w', isShared, isShared ? TraceText.Number(origin[1]) : 0, 0, 0, words.Length > 6);
        _processes[pid].Memory.Set(mapping, isShared ? origin[0] : null);
    }

    private string? Open(int pid, string[] words)
    {
        Calls++;
        Refusal? refusal = _host.OpenContext(pid, out IommufdContext? context, words[4] == "vfio" ? AccountMode.Mm : AccountMode.User);
        long result = refusal is null ? 0 : -(long)refusal.Errno;
        if (context is not null)
            _files[words[3]] = new IommuFile(context);
        long recorded = long.Parse(words[6], CultureInfo.InvariantCulture);
        Coverage.Count("open", recorded);
        return result == recorded ? null : Text(result);
    }

    private void Close(string name)
    {
        if (!_files.Remove(name, out object? file))
            return;
        switch (file)
        {
            case IommuFile context:
                _host.CloseContext(context.Context.Fd);
                break;
            case AccessFile access:
                access.Close();
                break;
            case Dmabuf buffer:
                buffer.Close();
                break;
            case EventFile events:
                events.Close();
                break;
        }
    }

    private string? Mmap(string[] words)
    {
        Calls++;
        long recorded = long.Parse(words[8], CultureInfo.InvariantCulture);
        if (_files.GetValueOrDefault(words[3]) is not IommuFile file)
            return "no such file here";
        Refusal? refusal = file.Context.MmapWindows.Map(TraceText.Number(words[5].AsSpan(7)), TraceText.Number(words[4].AsSpan(7)), words[6][0] == 's', words[6][1] == 'x', out MmapWindow? window);
        long result = refusal is null ? Math.Max(recorded, 0) : -(long)refusal.Errno;
        if (result >= 0 && recorded >= 0)
            _windows.Add(words[8], window!);
        else
            window?.Unmap();
        return result == recorded ? null : Text(result);
    }

    private string? Transfer(string[] words)
    {
        Calls++;
        ulong count = TraceText.Number(words[4].AsSpan(6));
        ulong offset = TraceText.Number(words[5].AsSpan(7));
        long recorded = long.Parse(words[8], CultureInfo.InvariantCulture);
        Coverage.Count(words[2], recorded);
        if (!_files.TryGetValue(words[3], out object? file))
            return recorded < 0 ? null : "no such file here";
        int bytes = 0;
        byte[] room = words[2] == "read" ? new byte[int.Parse(words[6].AsSpan(5), CultureInfo.InvariantCulture)] : [];
        Refusal? refusal = (file, words[2]) switch
        {
            (FaultQueue queue, "read") => queue.Read(offset, count, room, out bytes),
            (Veventq queue, "read") => queue.Read(offset, count, room, out bytes),
            (FaultQueue queue, _) => queue.Write(offset, count, Convert.FromHexString(words[6].AsSpan(5)), out bytes),
            _ => throw new FormatException($"{words[3]} is no event file."),
        };
        long result = refusal is null ? bytes : -(long)refusal.Errno;
        if (result != recorded)
            return Text(result);
        if (words[2] == "write")
            return null;
        string content = $"@0x0={Convert.ToHexStringLower(room.AsSpan(0, bytes))}";
        return words[^1][0] != '@' || words[^1] == content ? null : content;
    }

    private string? Ioctl(int pid, string[] words)
    {
        Calls++;
        int equals = Array.IndexOf(words, "=");
        long recorded = long.Parse(words[equals + 1], CultureInfo.InvariantCulture);
        if (!_files.TryGetValue(words[2], out object? found) || found is not IommuFile file)
            return "no such file here";
        IoctlInfo? info = IoctlTable.FindByName(words[3]);
        uint request = info?.Number ?? (uint)TraceText.Number(words[3]);
        var caller = new ReplayCaller(_processes[pid].Process, name => _files.GetValueOrDefault(name), _objects, Fails) { Argument = TraceText.Number(words[4].AsSpan(4)), Structure = new byte[info?.KnownBytes ?? 0] };
        _nth = 0;
        string? delivered = null;
        foreach (string word in words[5..equals])
        {
            if (word.StartsWith("nth:", StringComparison.Ordinal))
                _nth = TraceText.Number(word.AsSpan(4));
            else if (word.StartsWith("=>", StringComparison.Ordinal))
                delivered = word[2..];
            else if (word.Contains(':', StringComparison.Ordinal) || word[0] == '@' || word.StartsWith("w!", StringComparison.Ordinal))
                caller.Add(word);
            else
                TraceFields.Store(info, caller.Structure, word);
        }
        Coverage.Count(TraceFields.NameOf(info, caller.Structure), recorded);
        byte[] expected = [.. caller.Structure];
        IoctlResult result = file.Ioctl(caller, request, caller.Argument);
        _nth = 0;
        if (delivered is not null && caller.Delivered is { } made)
            _files[delivered] = made;
        foreach (string word in words[(equals + 2)..].Where(w => w.Contains('=', StringComparison.Ordinal)))
        {
            if (word[0] == '@')
                caller.Expect(word);
            else
                TraceFields.Store(info, expected, word);
        }
        if (result.Value != recorded)
            return $"{Text(result.Value)}{(result.Refusal is { } refusal ? ": " + refusal.Reason : "")}";
        // How far a copy got that failed is the processor's business.
        bool isCut = recorded == -(long)Errno.EFAULT;
        if (isCut && caller.HasUnwritable)
            return null;
        StructField wrong = TraceFields.Of(info, expected).FirstOrDefault(f => f.Read(caller.Structure) != f.Read(expected));
        if (wrong.Name is not null)
            return $"{wrong.Name}={TraceText.Hex(wrong.Read(caller.Structure))}";
        return !isCut && caller.FindWrongStore() is { } address ? $"other bytes at {TraceText.Hex(address)}" : null;
    }

    private static string Text(long result) => result < 0 ? string.Create(CultureInfo.InvariantCulture, $"{result} {(Errno)(-result)}") : result.ToString(CultureInfo.InvariantCulture);
}
