// A caller that remembers what a call met: bytes read, stores that failed, files found and delivered.
using System.Globalization;
using System.Text;
using IommuDash.Abi;
using IommuDash.Bridge.Memory;
using IommuDash.Engine.Pages;

namespace IommuDash.Bridge.Trace;

internal sealed class RecordingCaller(TraceWriter trace) : ICaller
{
    private const int MaxStructureBytes = 4096;

    private readonly byte[] _before = new byte[MaxStructureBytes];
    private readonly byte[] _after = new byte[MaxStructureBytes];
    private readonly StringBuilder _facts = new();
    private readonly StringBuilder _stores = new();
    private readonly HashSet<ulong> _read = [];
    private ICaller _inner = null!;
    private ulong _argument;
    private int _known;

    public EmulatedProcess Process => _inner.Process;

    /// <summary>Facts of the call, each with a space before it.</summary>
    public StringBuilder Facts => _facts;

    /// <summary>What the call stored where it had read before, each with a space before it. Other stores are memory contents, which a trace does not follow.</summary>
    public StringBuilder Stores => _stores;

    /// <summary>The structure as the call read it, and as it left it.</summary>
    public ReadOnlySpan<byte> Before => _before.AsSpan(0, _known);

    public ReadOnlySpan<byte> After => _after.AsSpan(0, _known);

    /// <summary>Starts a call on a structure of <paramref name="known"/> bytes at <paramref name="argument"/>.</summary>
    public void Begin(ICaller inner, ulong argument, int known)
    {
        _inner = inner;
        _argument = argument;
        _known = known;
        _facts.Clear();
        _stores.Clear();
        _read.Clear();
        _before.AsSpan(0, known).Clear();
        _after.AsSpan(0, known).Clear();
    }

    public bool TryRead(ulong address, Span<byte> bytes)
    {
        bool done = _inner.TryRead(address, bytes);
        if (!done)
            _facts.Append(CultureInfo.InvariantCulture, $" @{TraceText.Hex(address)}!{bytes.Length}");
        else if (address - _argument < (ulong)_known && bytes.Length <= _known - (int)(address - _argument))
        {
            bytes.CopyTo(_before.AsSpan((int)(address - _argument)));
            bytes.CopyTo(_after.AsSpan((int)(address - _argument)));
        }
        else if (bytes.Length != 0)
        {
            _facts.Append(CultureInfo.InvariantCulture, $" @{TraceText.Hex(address)}=");
            _read.Add(address);
            _facts.Append(bytes.Length > TraceText.MaxReadBytes ? string.Create(CultureInfo.InvariantCulture, $"*{bytes.Length}") : Convert.ToHexStringLower(bytes));
        }
        return done;
    }

    public bool TryWrite(ulong address, ReadOnlySpan<byte> bytes)
    {
        bool done = _inner.TryWrite(address, bytes);
        if (!done)
            _facts.Append(CultureInfo.InvariantCulture, $" w!{TraceText.Hex(address)}!{bytes.Length}");
        else if (address - _argument < (ulong)_known && bytes.Length <= _known - (int)(address - _argument))
            bytes.CopyTo(_after.AsSpan((int)(address - _argument)));
        else if (_read.Contains(address) && bytes.Length <= TraceText.MaxReadBytes)
            _stores.Append(CultureInfo.InvariantCulture, $" @{TraceText.Hex(address)}={Convert.ToHexStringLower(bytes)}");
        return done;
    }

    public bool TryDeliver(object file, ulong address, bool closeOnExec)
    {
        bool done = _inner.TryDeliver(file, address, closeOnExec);
        if (done)
            _facts.Append(CultureInfo.InvariantCulture, $" =>#{trace.NumberOf(file)}");
        return done;
    }

    public object? FindFile(int fd)
    {
        object? file = _inner.FindFile(fd);
        _facts.Append(CultureInfo.InvariantCulture, $" fd:{fd}={(file is null ? "-" : $"#{trace.NumberOf(file)}")}");
        return file;
    }

    public MemoryFile? FindMemoryFile(int fd)
    {
        MemoryFile? file = _inner.FindMemoryFile(fd);
        _facts.Append(CultureInfo.InvariantCulture, $" mf:{fd}={file switch { null => "-", ClientFile own => trace.Describe(own), _ => $"#{trace.NumberOf(file)}" }}");
        return file;
    }
}
