using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;
using IommuDash.Engine.Pages;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Views;

/// <param name="Command">A map, unmap, unmapAll, copy or allow.</param>
public sealed record IoasPreviewQuery(Command Command);

/// <summary>What a command would do to an IOAS, had it been given now.</summary>
public sealed record IoasPreviewSnapshot
{
    /// <summary>The answer it would get; null = success.</summary>
    public Refusal? Refusal { get; init; }

    /// <summary>Of a map or copy: where it would land, or for a refused fixed one where it was meant to.</summary>
    public IovaRange? Landing { get; init; }

    /// <summary>How allocation would choose; null where the IOVA is fixed.</summary>
    public IovaSearch? Search { get; init; }

    /// <summary>What would be pinned and who would pay; null if refused before that is known.</summary>
    public PinForecast? Pins { get; init; }

    /// <summary>Domains that would show the mapping.</summary>
    public int Domains { get; init; }

    /// <summary>Of an unmap: areas that would go, also with a refusal, and the range they span.</summary>
    public int Areas { get; init; }

    public IovaRange? Removed { get; init; }
}

/// <summary>Dry runs: the same checks in the same order as the call, nothing changed. Leaves out the machine running out of frames or of memory for tables.</summary>
public sealed class IoasPreviewView : IView<IoasPreviewQuery, IoasPreviewSnapshot>
{
    public static string Name => "ioas.preview";

    public static IoasPreviewSnapshot Project(EmulatedHost host, IoasPreviewQuery query)
    {
        if (query.Command is not ContextCommand { Context: var fd } command)
            return Refused(Unsupported());
        if (host.FindContext(fd) is not { } context)
            return Refused(new Refusal(Errno.EBADF, "context.fd", $"No context {fd} is open."));
        return command switch
        {
            IoasMap map => Map(host, context, map),
            IoasCopy copy => Placed(context.PreviewIoasCopy(copy.Ioas, copy.SourceIoas, IoasMap.Flags(copy.Iova, copy.Readable, copy.Writeable), copy.SourceIova, copy.Length, copy.Iova ?? 0)),
            IoasUnmap unmap => Removed(context.PreviewIoasUnmap(unmap.Ioas, unmap.Iova, unmap.Length)),
            IoasUnmapAll unmap => Removed(context.PreviewIoasUnmap(unmap.Ioas, 0, ulong.MaxValue)),
            IoasAllow allow => Refused(context.PreviewIoasAllowIovas(allow.Ioas, [.. allow.Ranges])),
            _ => Refused(Unsupported()),
        };
    }

    private static IoasPreviewSnapshot Map(EmulatedHost host, IommufdContext context, IoasMap map)
    {
        EmulatedProcess? caller = map.Pid is { } pid ? host.FindProcess(pid) : context.Opener;
        return caller is null
            ? Refused(new Refusal(Errno.ENOENT, "process.lookup", $"There is no process {map.Pid}."))
            : Placed(context.PreviewIoasMap(caller, map.Ioas, IoasMap.Flags(map.Iova, map.Readable, map.Writeable), map.UserAddress, map.Length, map.Iova ?? 0));
    }

    private static IoasPreviewSnapshot Refused(Refusal? refusal) => new() { Refusal = refusal };

    private static IoasPreviewSnapshot Placed(MapPreview preview) =>
        new() { Refusal = preview.Refusal, Landing = preview.Range, Search = preview.Search, Pins = preview.Pins, Domains = preview.Domains };

    private static IoasPreviewSnapshot Removed(UnmapPreview preview) =>
        new() { Refusal = preview.Refusal, Areas = preview.Areas, Removed = preview.First is { } first ? new IovaRange(first, preview.Last!.Value) : null };

    private static Refusal Unsupported() => new(Errno.EOPNOTSUPP, "preview.command", "Only map, unmap, unmapAll, copy and allow can be previewed.");
}
