// The caller of one recorded call: it answers with the recorded facts, and keeps what the call stores beside them.
using System.Globalization;
using IommuDash.Abi;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Pages;

namespace IommuDash.Bridge.Trace;

internal sealed class ReplayCaller(EmulatedProcess process, Func<string, object?> findFile, ReplayObjects objects, Func<FailurePoint, bool> fails) : ICaller
{
    private readonly List<(ulong Address, byte[] Bytes)> _known = [];
    private readonly List<(ulong Address, byte[] Bytes)> _expected = [];
    private readonly List<(ulong Address, byte[] Bytes)> _stored = [];
    private readonly List<(ulong Address, ulong Length)> _unreadable = [];
    private readonly List<(ulong Address, ulong Length)> _unwritable = [];
    private readonly Dictionary<string, string> _files = new(StringComparer.Ordinal);

    public EmulatedProcess Process => process;

    public ulong Argument { get; init; }

    /// <summary>The structure, as the call finds it and then as it leaves it.</summary>
    public required byte[] Structure { get; init; }

    /// <summary>What the call delivered.</summary>
    public object? Delivered { get; private set; }

    /// <summary>Whether the trace knows of memory that could not be stored to.</summary>
    public bool HasUnwritable => _unwritable.Count != 0;

    /// <summary>Takes a fact: a word of the line that is no field.</summary>
    public void Add(string fact)
    {
        int at = fact.IndexOfAny(['=', '!'], 1);
        if (fact[0] == '@' && fact[at] == '!')
            _unreadable.Add((TraceText.Number(fact.AsSpan(1, at - 1)), TraceText.Number(fact.AsSpan(at + 1))));
        else if (fact[0] == '@')
            _known.Add(Bytes(fact));
        else if (fact[0] == 'w' && fact.LastIndexOf('!') is > 1 and int end)
            _unwritable.Add((TraceText.Number(fact.AsSpan(2, end - 2)), TraceText.Number(fact.AsSpan(end + 1))));
        else if (fact[0] == 'w')
            _unwritable.Add((TraceText.Number(fact.AsSpan(2)), 1));
        else
            _files[fact[..at]] = fact[(at + 1)..];
    }

    /// <summary>Takes a word of the answer: bytes that lie somewhere after the call.</summary>
    public void Expect(string word) => _expected.Add(Bytes(word));

    /// <summary>Where bytes that the trace knows came out otherwise; null: nowhere.</summary>
    public ulong? FindWrongStore()
    {
        foreach ((ulong start, byte[] piece) in _known.Concat(_expected))
        {
            var wanted = new byte[piece.Length];
            Overlay(wanted, start, _known);
            byte[] here = [.. wanted];
            Overlay(wanted, start, _expected);
            Overlay(here, start, _stored);
            int same = here.AsSpan().CommonPrefixLength(wanted);
            if (same < here.Length)
                return start + (ulong)same;
        }
        return null;
    }

    public bool TryRead(ulong address, Span<byte> bytes)
    {
        if (fails(FailurePoint.CopyIn) || Meets(_unreadable, address, bytes.Length))
            return false;
        bytes.Clear();
        Copy(bytes, address, Argument, Structure);
        Overlay(bytes, address, _known);
        return true;
    }

    public bool TryWrite(ulong address, ReadOnlySpan<byte> bytes)
    {
        if (fails(FailurePoint.CopyOut) || Meets(_unwritable, address, bytes.Length))
            return false;
        Copy(Structure, Argument, address, bytes);
        _stored.Add((address, bytes.ToArray()));
        return true;
    }

    public bool TryDeliver(object file, ulong address, bool closeOnExec)
    {
        Delivered = file;
        return true;
    }

    public object? FindFile(int fd) => findFile(_files.GetValueOrDefault(string.Create(CultureInfo.InvariantCulture, $"fd:{fd}"), "-"));

    public MemoryFile? FindMemoryFile(int fd)
    {
        string described = _files.GetValueOrDefault(string.Create(CultureInfo.InvariantCulture, $"mf:{fd}"), "-");
        if (described[0] is '-' or '#')
            return findFile(described) as MemoryFile;
        string[] parts = described.Split(',', 4);
        objects.Sizes[parts[0]] = TraceText.Number(parts[1]);
        return new ReplayFile(objects, parts[0], parts.Length < 4 ? parts[0] : TraceText.Name(parts[3]), parts[2] != "other", parts[2] == "huge");
    }

    private static (ulong Address, byte[] Bytes) Bytes(string word)
    {
        int at = word.IndexOf('=', StringComparison.Ordinal);
        return (TraceText.Number(word.AsSpan(1, at - 1)), word[at + 1] == '*' ? new byte[int.Parse(word.AsSpan(at + 2), CultureInfo.InvariantCulture)] : Convert.FromHexString(word.AsSpan(at + 1)));
    }

    // What failed then fails again, and so does whatever includes it; a part of it may do.
    private static bool Meets(List<(ulong Address, ulong Length)> failures, ulong address, int length) =>
        failures.Exists(failure => failure.Address - address < (ulong)length && failure.Length <= (ulong)length - (failure.Address - address));

    private static void Overlay(Span<byte> target, ulong start, List<(ulong Address, byte[] Bytes)> pieces)
    {
        foreach ((ulong address, byte[] bytes) in pieces)
            Copy(target, start, address, bytes);
    }

    // The part of [from, +source) that lies in [to, +target).
    private static void Copy(Span<byte> target, ulong to, ulong from, ReadOnlySpan<byte> source)
    {
        if (from - to < (ulong)target.Length)
        {
            Span<byte> rest = target[(int)(from - to)..];
            source[..Math.Min(rest.Length, source.Length)].CopyTo(rest);
        }
        else if (to - from < (ulong)source.Length)
        {
            ReadOnlySpan<byte> rest = source[(int)(to - from)..];
            rest[..Math.Min(rest.Length, target.Length)].CopyTo(target);
        }
    }
}
