using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces.Views;

/// <summary>Asks for nothing but the counts.</summary>
public sealed record HostSummaryQuery;

/// <summary>The live counts of one workspace on the hosts page.</summary>
/// <param name="Bound">Devices bound to any context.</param>
/// <param name="MappedBytes">Sum over all IOASes.</param>
/// <param name="PinnedFrames">Frames of 4 KiB that someone pins.</param>
public sealed record HostSummary(int Contexts, int Ioases, int Hwpts, int Bound, int Attached, long Areas, UInt128 MappedBytes, uint PinnedFrames);

public sealed class HostSummaryView : IView<HostSummaryQuery, HostSummary>
{
    public static string Name => "host.summary";

    public static HostSummary Project(EmulatedHost host, HostSummaryQuery query)
    {
        (int ioases, int hwpts, int bound, int attached, long areas, UInt128 mapped) = (0, 0, 0, 0, 0L, UInt128.Zero);
        foreach (IommufdObject item in host.Contexts.SelectMany(context => context.Objects.All))
        {
            switch (item)
            {
                case Ioas ioas:
                    ioases++;
                    areas += ioas.Pagetable.Areas.Count;
                    mapped += ioas.Pagetable.MappedBytes;
                    break;
                case HwptPaging:
                    hwpts++;
                    break;
                case Device device:
                    bound++;
                    attached += device.Hwpt is null ? 0 : 1;
                    break;
            }
        }
        return new HostSummary(host.Contexts.Count, ioases, hwpts, bound, attached, areas, mapped, host.Memory.PinnedFrames);
    }
}
