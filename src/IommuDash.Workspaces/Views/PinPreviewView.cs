using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Workspaces.Views;

/// <summary>"Would this map fit?"</summary>
public sealed record PinPreviewQuery(int Context, uint Ioas, int Pid, ulong Address, ulong Length, bool Writeable);

/// <param name="Exists">False: no such context or process.</param>
/// <param name="PinsNow">True: the IOAS has a domain, so the map itself pins; false: pinning waits for the first device.</param>
/// <param name="Pages">Pages it would pin.</param>
/// <param name="FreshFrames">Of those, pages that have no frame yet.</param>
/// <param name="LimitPages">Null = unlimited.</param>
/// <param name="Refusal">Why it would be refused, or null.</param>
public sealed record PinPreviewSnapshot(bool Exists, bool PinsNow, long Pages, long FreshFrames, AccountMode Mode, long LockedPages, long LockedAfter, long? LimitPages, Refusal? Refusal);

public sealed class PinPreviewView : IView<PinPreviewQuery, PinPreviewSnapshot>
{
    public static string Name => "pinned.preview";

    public static PinPreviewSnapshot Project(EmulatedHost host, PinPreviewQuery query)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (host.FindContext(query.Context) is not { } context || host.FindProcess(query.Pid) is not { } process)
            return new PinPreviewSnapshot(false, false, 0, 0, AccountMode.User, 0, 0, null, null);
        var preview = PinPreview.Of(context, process, query.Address, query.Length, query.Writeable);
        bool pinsNow = context.Objects.Find<Ioas>(query.Ioas)?.Pagetable.Domains.Count > 0;
        return new PinPreviewSnapshot(true, pinsNow, (long)preview.Pages, (long)preview.FreshFrames, preview.Mode, (long)preview.LockedPages, (long)preview.LockedAfter, process.MemlockBytes == ulong.MaxValue ? null : (long)preview.LimitPages, preview.Refusal);
    }
}
