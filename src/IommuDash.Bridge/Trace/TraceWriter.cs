// Writes down every call of the programs on a host, with all that came from outside, so that it can be read by people and repeated without the programs.
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using IommuDash.Abi;
using IommuDash.Abi.Layout;
using IommuDash.Bridge.Memory;
using IommuDash.Engine;
using IommuDash.Engine.Pages;

namespace IommuDash.Bridge.Trace;

/// <summary>A trace in the making; see <see cref="TraceText"/> for its lines. Used by the server's thread only.</summary>
public sealed class TraceWriter
{
    private const int MaxToldSizes = 4_096;

    private readonly TextWriter _text;
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly ConditionalWeakTable<object, StrongBox<int>> _numbers = [];
    private readonly Dictionary<EmulatedProcess, List<ClientMapping>> _told = [];
    private readonly Dictionary<string, ulong> _toldSizes = new(StringComparer.Ordinal);
    private readonly RecordingCaller _recorder;
    private int _files;

    /// <param name="text">Not closed here.</param>
    /// <param name="host">Preset name, for a replay to find the same.</param>
    public TraceWriter(TextWriter text, string host, string level)
    {
        _text = text;
        _recorder = new RecordingCaller(this);
        text.WriteLine($"{TraceText.Header} host={host} level={level}");
    }

    /// <summary>The number of an open file; one that is new gets the next.</summary>
    internal int NumberOf(object file) => _numbers.GetValue(file, _ => new StrongBox<int>(++_files)).Value;

    /// <summary>Whether what is learned about memory is written down; only while something happens that a replay repeats.</summary>
    internal bool IsListening { get; set; } = true;

    internal void Process(EmulatedProcess process)
    {
        int caps = (process.CapIpcLock ? 1 : 0) | (process.CapSysResource ? 2 : 0);
        Line(process.Pid, $"process {TraceText.Word(process.Name)} uid={process.User.Uid} memlock={TraceText.Hex(process.MemlockBytes)} caps={caps}");
    }

    /// <summary>Memory that decided about a call; told once while it stays the same.</summary>
    internal void Memory(EmulatedProcess process, ClientMapping mapping)
    {
        if (!IsListening)
            return;
        if (!_told.TryGetValue(process, out List<ClientMapping>? told))
            _told.Add(process, told = []);
        if (told.Contains(mapping))
            return;
        told.RemoveAll(other => other.Start <= mapping.Last && other.Last >= mapping.Start);
        told.Add(mapping);
        string rights = $"{(mapping.CanRead ? 'r' : '-')}{(mapping.CanWrite ? 'w' : '-')}{(mapping.IsShared ? 's' : '-')}";
        string origin = mapping.IsShared ? $"{NameOf(mapping.Device, mapping.Inode)}+{TraceText.Hex(mapping.FileOffset)}" : "own";
        Line(process.Pid, $"mem {TraceText.Hex(mapping.Start)}-{TraceText.Hex(mapping.Last)} {rights} {origin}{(mapping.IsHuge ? " huge" : "")}");
    }

    /// <summary>A memory file as the facts of a call name it: its object and its size, which need not be told again while it stays the same.</summary>
    internal string Describe(ClientFile file)
    {
        (ulong device, ulong inode, ulong size, bool isMemory, bool isHuge) = file.Identity;
        string name = NameOf(device, inode);
        _toldSizes[name] = size;
        return $"{name},{TraceText.Hex(size)},{(isHuge ? "huge" : isMemory ? "memory" : "other")},{TraceText.Word(file.Name)}";
    }

    /// <summary>The size of a memory file that decided about a pin.</summary>
    internal void FileSize(ulong device, ulong inode, ulong size)
    {
        string name = NameOf(device, inode);
        if (!IsListening || (_toldSizes.TryGetValue(name, out ulong told) && told == size))
            return;
        // Telling again does no harm.
        if (_toldSizes.Count >= MaxToldSizes)
            _toldSizes.Clear();
        _toldSizes[name] = size;
        Line(0, $"file {name} size={TraceText.Hex(size)}");
    }

    /// <summary>Bytes of a frame that could not be had.</summary>
    internal void Lost(uint pfn)
    {
        if (IsListening)
            Line(0, $"lost {TraceText.Hex(pfn)}");
    }

    internal void Exit(EmulatedProcess process)
    {
        _told.Remove(process);
        Line(process.Pid, "exit");
    }

    internal void Open(int pid, object? file, bool isVfio, long result) =>
        Line(pid, $"open {(file is null ? "-" : $"#{NumberOf(file)}")} {(isVfio ? "vfio" : "iommu")} = {result}");

    internal void Close(object file) => Line(0, $"close #{NumberOf(file)}");

    /// <summary>A mapping of a driver's window. <paramref name="result"/> is its number, or an errno.</summary>
    internal void Mmap(int pid, object file, ulong length, ulong offset, bool isShared, bool isExecutable, long result) =>
        Line(pid, $"mmap #{NumberOf(file)} length={TraceText.Hex(length)} offset={TraceText.Hex(offset)} {(isShared ? "s" : "-")}{(isExecutable ? "x" : "-")} = {result}");

    internal void Munmap(int pid, ulong window) => Line(pid, $"munmap {window}");

    /// <summary>A read or write of an event file. For a write, the bytes that could be read.</summary>
    internal void Transfer(int pid, object file, bool isRead, ulong count, ulong offset, int room, ReadOnlySpan<byte> bytes, long result) =>
        Line(pid, $"{(isRead ? "read" : "write")} #{NumberOf(file)} count={count} offset={TraceText.Hex(offset)} {(isRead ? $"room:{room}" : $"@0x0={Convert.ToHexStringLower(bytes)}")} = {result}");

    /// <summary>Makes a call and writes it down.</summary>
    internal IoctlResult Ioctl(IommuFile file, ICaller caller, uint request, ulong argument, ulong nth)
    {
        IoctlInfo? info = IoctlTable.Find(request);
        _recorder.Begin(caller, argument, info?.KnownBytes ?? 0);
        IoctlResult result = file.Ioctl(_recorder, request, argument);
        string name = info?.Name ?? TraceText.Hex(request);
        string number = $"#{NumberOf(file)}";
        string errno = result.Value < 0 ? " " + (Errno)(-result.Value) : "";
        string points = nth == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" nth:{nth}");
        Line(caller.Process.Pid, $"{number} {name} arg={TraceText.Hex(argument)}{Fields(info, _recorder.Before, default)}{_recorder.Facts}{points} = {result.Value}{errno}{Fields(info, _recorder.After, _recorder.Before)}{_recorder.Stores}");
        return result;
    }

    // All fields, or those that differ from another state of the structure.
    private static string Fields(IoctlInfo? info, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> before)
    {
        var text = new StringBuilder();
        foreach (StructField field in TraceFields.Of(info, bytes))
        {
            ulong value = field.Read(bytes);
            if (before.IsEmpty ? value != 0 || TraceFields.IsAlwaysShown(field) : value != field.Read(before))
                text.Append(' ').Append(field.Name).Append('=').Append(TraceFields.Spell(info!, field, value));
        }
        return text.ToString();
    }

    private static string NameOf(ulong device, ulong inode) => $"{TraceText.Hex(device)}:{TraceText.Hex(inode)}";

    private void Line(int pid, string what) =>
        _text.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(_start).TotalSeconds:F6} {pid} {what}"));
}
