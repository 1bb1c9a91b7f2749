using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Components.Pinned;

/// <summary>What part of memory the frame map shows.</summary>
/// <param name="First">First frame.</param>
/// <param name="Shift">log2 of frames per cell.</param>
public readonly record struct FrameWindow(long First, int Shift)
{
    /// <summary>Lines of the map: with 128 cells each, a cell of 2 MiB lets 16 GiB be seen at once.</summary>
    public const int Lines = 64;

    private const long Cells = (long)PinnedFramesView.CellsPerLine * Lines;

    /// <summary>The smallest window that begins at a whole line and holds the frames [first, last].</summary>
    public static FrameWindow Around(long first, long last)
    {
        for (int shift = 0; ; shift++)
        {
            long lineFrames = (long)PinnedFramesView.CellsPerLine << shift;
            long start = first / lineFrames * lineFrames;
            if (last - start < Cells << shift || shift == PinnedFramesView.MaxShift)
                return new FrameWindow(start, shift);
        }
    }

    /// <summary>All of a machine.</summary>
    public static FrameWindow Whole(long frameCount) => Around(0, frameCount - 1);

    /// <summary>What a reader sees first: what is pinned, or the whole machine.</summary>
    public static FrameWindow Initial(PinnedFramesSnapshot snapshot) =>
        snapshot is { LowestPinned: { } lowest, HighestPinned: { } highest } ? Around(lowest, highest) : Whole(snapshot.FrameCount);
}
