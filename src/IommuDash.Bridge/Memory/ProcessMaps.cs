// /proc/PID/maps: what a real process has mapped where, with which permissions and from which file.
using System.Buffers.Text;
using System.Runtime.InteropServices;
using IommuDash.Bridge.Native;

namespace IommuDash.Bridge.Memory;

/// <summary>One mapping, both ends page aligned, <paramref name="Last"/> inclusive. <paramref name="Device"/> and <paramref name="Inode"/> are 0 for anonymous private memory.</summary>
public readonly record struct ClientMapping(ulong Start, ulong Last, bool CanRead, bool CanWrite, bool IsShared, ulong FileOffset, ulong Device, ulong Inode, bool IsHuge)
{
    public bool Contains(ulong address) => address >= Start && address <= Last;

    /// <summary>One page where nothing is mapped.</summary>
    public static ClientMapping Hole(ulong address) => new(address & ~0xffful, address | 0xfff, false, false, false, 0, 0, 0, false);
}

/// <summary>A snapshot of the mappings, in order. Reused: reading again replaces what it held.</summary>
internal sealed class ProcessMaps
{
    private static bool s_canQuery = true;

    private readonly List<ClientMapping> _mappings = [];
    private int _queryFd = -1;
    private byte[] _buffer = new byte[64 * 1024];

    public IReadOnlyList<ClientMapping> Mappings => _mappings;

    /// <summary>Reads the mappings of a process. False: it is gone, or may not be looked into.</summary>
    public bool TryRead(int pid)
    {
        _mappings.Clear();
        int length = 0;
        try
        {
            using var file = File.OpenHandle($"/proc/{pid}/maps");
            for (int got; (got = RandomAccess.Read(file, _buffer.AsSpan(length), length)) > 0;)
            {
                length += got;
                if (length == _buffer.Length)
                    Array.Resize(ref _buffer, _buffer.Length * 2);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
        ReadOnlySpan<byte> rest = _buffer.AsSpan(0, length);
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? [] : rest[(end + 1)..];
            if (TryParse(line, out ClientMapping mapping))
                _mappings.Add(mapping);
        }
        return _mappings.Count != 0;
    }

    /// <summary>
    /// Asks the kernel for the one mapping that holds an address, without reading all of them (PROCMAP_QUERY, Linux 6.11 and later). False: it cannot be asked; read them.
    /// </summary>
    public unsafe bool TryQuery(int pid, ulong address, out ClientMapping mapping, out bool isMapped)
    {
        (mapping, isMapped) = (default, false);
        if (!s_canQuery)
            return false;
        if (_queryFd < 0)
            _queryFd = Libc.Open($"/proc/{pid}/maps", Libc.OCloexec, 0);
        var query = new Libc.ProcmapQuery { Size = (ulong)sizeof(Libc.ProcmapQuery), Address = address };
        if (!TryQuery(ref query, out isMapped))
            return false;
        if (!isMapped)
            return true;
        ulong device = (ulong)query.Major << 32 | query.Minor;
        mapping = new ClientMapping(query.Start, query.End - 1, (query.Flags & 1) != 0, (query.Flags & 2) != 0, (query.Flags & 8) != 0, query.Offset, device, query.Inode, device == HugePages.Device);
        return true;
    }

    /// <summary>Lets go of the descriptor that questions went through.</summary>
    public void Close()
    {
        if (_queryFd >= 0)
            Libc.Close(_queryFd);
        _queryFd = -1;
    }

    private unsafe bool TryQuery(ref Libc.ProcmapQuery query, out bool isMapped)
    {
        isMapped = false;
        fixed (Libc.ProcmapQuery* place = &query)
            isMapped = Libc.Ioctl(_queryFd, Libc.ProcmapQueryRequest, place) == 0;
        if (isMapped)
            return true;
        switch (Marshal.GetLastPInvokeError())
        {
            case Libc.Enotty:
                s_canQuery = false;
                Close();
                return false;
            case Libc.Enoent or Libc.Esrch:
                return true;
            default:
                return false;
        }
    }

    /// <summary>The mapping that holds an address.</summary>
    public bool TryFind(ulong address, out ClientMapping mapping)
    {
        int low = 0;
        int high = _mappings.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_mappings[middle].Last < address)
                low = middle + 1;
            else
                high = middle;
        }
        mapping = low < _mappings.Count ? _mappings[low] : default;
        return low < _mappings.Count && mapping.Contains(address);
    }

    // start-end perms offset major:minor inode [path]
    internal static bool TryParse(ReadOnlySpan<byte> line, out ClientMapping mapping)
    {
        mapping = default;
        if (!TryHex(ref line, (byte)'-', out ulong start) || !TryHex(ref line, (byte)' ', out ulong end) || end <= start || line.Length < 5)
            return false;
        ReadOnlySpan<byte> permissions = line[..4];
        line = line[5..];
        if (!TryHex(ref line, (byte)' ', out ulong offset) || !TryHex(ref line, (byte)':', out ulong major) || !TryHex(ref line, (byte)' ', out ulong minor))
            return false;
        if (!Utf8Parser.TryParse(line, out ulong inode, out _))
            return false;
        ulong device = major << 32 | minor;
        mapping = new ClientMapping(start, end - 1, permissions[0] == 'r', permissions[1] == 'w', permissions[3] == 's', offset, device, inode, inode != 0 && device == HugePages.Device);
        return true;
    }

    private static bool TryHex(ref ReadOnlySpan<byte> text, byte terminator, out ulong value)
    {
        if (!Utf8Parser.TryParse(text, out value, out int used, 'x') || used >= text.Length || text[used] != terminator)
            return false;
        text = text[(used + 1)..];
        return true;
    }
}
