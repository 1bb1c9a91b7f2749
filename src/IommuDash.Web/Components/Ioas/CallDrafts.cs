using IommuDash.Engine;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Components.Ioas;

/// <summary>Which form is open.</summary>
public enum CallKind
{
    Map,
    Unmap,
    Copy,
    Allow,
}

/// <summary>What stands in the four forms. Each gives a command once it can be read; null until then.</summary>
public sealed class CallDrafts
{
    private const ulong DefaultLength = 0x10_0000;

    public int? Pid { get; set; }

    public ulong? UserAddress { get; set; }

    public ulong? MapLength { get; set; }

    public bool MapFixed { get; set; }

    public ulong? MapIova { get; set; }

    public bool MapReadable { get; set; } = true;

    public bool MapWriteable { get; set; } = true;

    public ulong? UnmapIova { get; set; }

    public ulong? UnmapLength { get; set; }

    public uint SourceIoas { get; set; }

    public ulong? SourceIova { get; set; }

    public ulong? CopyLength { get; set; }

    public bool CopyFixed { get; set; }

    public ulong? CopyIova { get; set; }

    public bool CopyReadable { get; set; } = true;

    public bool CopyWriteable { get; set; } = true;

    /// <summary>One range a line.</summary>
    public string AllowText { get; set; } = "";

    /// <summary>Something that works at once: the opener's first writable memory, mapped wherever there is room.</summary>
    public void Begin(IoasSnapshot summary, int context)
    {
        if (Pid is not null)
            return;
        int opener = summary.Contexts.FirstOrDefault(c => c.Fd == context)?.Pid ?? 0;
        Begin(summary.Processes.FirstOrDefault(p => p.Pid == opener) ?? (summary.Processes is [var first, ..] ? first : null));
        SourceIoas = summary.Ioas;
    }

    /// <summary>Takes a process and its first writable memory.</summary>
    public void Begin(IoasProcess? process)
    {
        IoasMemory? memory = process?.Memory.FirstOrDefault(m => m.Access == "rw") ?? (process?.Memory is [var first, ..] ? first : null);
        Pid = process?.Pid;
        UserAddress = memory?.Start;
        MapLength = memory is null ? null : Math.Min(DefaultLength, memory.Last - memory.Start + 1);
    }

    /// <summary>An area was selected: unmap it, or copy it.</summary>
    public void Take(uint ioas, IoasAreaRow area)
    {
        ulong length = area.Last - area.Start + 1;
        (UnmapIova, UnmapLength) = (area.Start, length);
        (SourceIoas, SourceIova, CopyLength) = (ioas, area.Start, length);
    }

    /// <summary>A range was brushed on the map: map there, or unmap there.</summary>
    public void Take(IovaRange range)
    {
        ulong length = range.Last - range.Start + 1;
        (MapFixed, MapIova, MapLength) = (true, range.Start, length);
        (UnmapIova, UnmapLength) = (range.Start, length);
    }

    public Command? Command(CallKind kind, int context, uint ioas) => ioas == 0 ? null : kind switch
    {
        CallKind.Map when UserAddress is { } user && MapLength is { } length && (!MapFixed || MapIova is not null) => new IoasMap
        {
            Context = context, Ioas = ioas, Pid = Pid, UserAddress = user, Length = length, Iova = MapFixed ? MapIova : null, Readable = MapReadable, Writeable = MapWriteable,
        },
        CallKind.Unmap when UnmapIova is { } iova && UnmapLength is { } length => new IoasUnmap { Context = context, Ioas = ioas, Iova = iova, Length = length },
        CallKind.Copy when SourceIova is { } source && CopyLength is { } length && (!CopyFixed || CopyIova is not null) => new IoasCopy
        {
            Context = context, Ioas = ioas, SourceIoas = SourceIoas, SourceIova = source, Length = length, Iova = CopyFixed ? CopyIova : null, Readable = CopyReadable, Writeable = CopyWriteable,
        },
        CallKind.Allow when ParseAllowed(out IReadOnlyList<IovaRange> ranges) is null => new IoasAllow { Context = context, Ioas = ioas, Ranges = ranges },
        _ => null,
    };

    /// <summary>Null on success; otherwise which line cannot be read, and why.</summary>
    public string? ParseAllowed(out IReadOnlyList<IovaRange> ranges)
    {
        var read = new List<IovaRange>();
        ranges = read;
        string[] lines = AllowText.Split('\n');
        for (int line = 0; line < lines.Length; line++)
        {
            if (string.IsNullOrWhiteSpace(lines[line]))
                continue;
            if (RangeParser.Parse(lines[line], out IovaRange range) is { } problem)
                return $"Line {line + 1}: {problem}";
            read.Add(range);
        }
        return null;
    }
}
