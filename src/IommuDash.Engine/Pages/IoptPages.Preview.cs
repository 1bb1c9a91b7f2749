// What filling a domain would pin, without pinning it. Leaves out: the machine running out of frames or of memory for tables.
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;

namespace IommuDash.Engine.Pages;

/// <summary>What a call would pin and who would pay.</summary>
/// <param name="Pages">Pages to pin; 0 without a domain, where pinning waits for one. At most these: slices of one call that share unpinned pages count them twice.</param>
/// <param name="Mode">Who pays.</param>
/// <param name="LockedPages">Pages charged to the payer now.</param>
/// <param name="LimitPages">RLIMIT_MEMLOCK of the process, in whole pages.</param>
public readonly record struct PinForecast(ulong Pages, AccountMode Mode, ulong LockedPages, ulong LimitPages);

public partial class IoptPages
{
    /// <summary>
    /// The pages of a slice that no domain or access has pinned yet, and the refusal that pinning and charging them would meet.
    /// <paramref name="promised"/> counts pages per payer over the slices of one call.
    /// </summary>
    internal Refusal? ForecastFill(PagesSlice slice, Dictionary<object, ulong> promised, ref PinForecast forecast)
    {
        ulong index = slice.StartByte >> Hardware.PhysicalMemory.FrameShift;
        ulong last = (slice.StartByte + slice.LengthBytes - 1) >> Hardware.PhysicalMemory.FrameShift;
        Refusal? refusal = null;
        ulong pages = 0;
        while (true)
        {
            bool unpinned = SourceOf(index, last, out ulong spanLast, out _, out _) == PfnSource.Memory;
            if (unpinned)
            {
                pages += spanLast - index + 1;
                refusal ??= CheckSource(index, spanLast - index + 1);
            }
            if (spanLast == last)
                break;
            index = spanLast + 1;
        }
        object payer = Mode == AccountMode.Mm ? Source.Memory : Source.User;
        promised.TryGetValue(payer, out ulong before);
        refusal ??= pages == 0 ? null : CheckCharge(Source, Mode, pages, before);
        if (Mode != AccountMode.None)
            promised[payer] = before + pages;
        forecast = new PinForecast(forecast.Pages + pages, Mode, ChargedPages(Source, Mode), Source.MemlockPages);
        return refusal;
    }
}
