// Memory as a heat map: cells of 2^Shift frames, 128 to a line, so that at shift 0 four lines are one 2 MiB block and at shift 9 a cell is one. Lines with nothing in use are not sent.
// Cells go as runs [cells, frames in use, pinned, most pins of one frame, orphaned], since memory is mostly regular.
using System.Text.Json.Serialization;
using IommuDash.Engine.Hardware;

namespace IommuDash.Workspaces.Views;

/// <summary>A window on memory.</summary>
/// <param name="First">First frame; brought down to the start of a line.</param>
/// <param name="Shift">log2 of frames per cell, 0 to <see cref="PinnedFramesView.MaxShift"/>.</param>
/// <param name="Lines">Lines of 128 cells, at most <see cref="PinnedFramesView.MaxLines"/>.</param>
public sealed record PinnedFramesQuery(long First, int Shift, int Lines);

/// <summary>128 cells.</summary>
/// <param name="FirstFrame">Number of the line's first frame.</param>
/// <param name="Runs">Runs of equal cells, together 128 of them.</param>
public sealed record FrameLine(long FirstFrame, IReadOnlyList<IReadOnlyList<long>> Runs) : IViewItem
{
    public string Key => FirstFrame.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <param name="FrameCount">Frames of the machine.</param>
/// <param name="FramesInUse">Handed out to processes, files and page tables.</param>
/// <param name="OrphanedFrames">Mapped by no process any more, kept by pins.</param>
/// <param name="LowestPinned">Lowest pinned frame, or null if none is.</param>
/// <param name="WindowInUse">Frames in use in the window; the next two likewise.</param>
public sealed record PinnedFramesSnapshot(
    long FrameCount,
    long FramesInUse,
    long PinnedFrames,
    long OrphanedFrames,
    long? LowestPinned,
    long? HighestPinned,
    long First,
    int Shift,
    int LineCount,
    long WindowInUse,
    long WindowPinned,
    long WindowMostPins,
    [property: JsonPropertyName("items")] IReadOnlyList<FrameLine> Lines) : IItemSnapshot
{
    IReadOnlyList<IViewItem> IItemSnapshot.Items => Lines;
}

public sealed class PinnedFramesView : IView<PinnedFramesQuery, PinnedFramesSnapshot>
{
    public const int CellsPerLine = 128;
    public const int MaxLines = 128;
    public const int MaxShift = 20;

    public static string Name => "pinned.frames";

    public static PinnedFramesSnapshot Project(EmulatedHost host, PinnedFramesQuery query)
    {
        ArgumentNullException.ThrowIfNull(host);
        PhysicalMemory memory = host.Memory;
        int shift = Math.Clamp(query.Shift, 0, MaxShift);
        long lineFrames = (long)CellsPerLine << shift;
        long first = Math.Clamp(query.First, 0, memory.FrameCount - 1L) / lineFrames * lineFrames;
        int lineCount = (int)Math.Min(Math.Clamp(query.Lines, 1, MaxLines), (memory.FrameCount - first + lineFrames - 1) / lineFrames);
        var lines = new List<FrameLine>();
        long inUse = 0;
        long pinned = 0;
        long most = 0;
        for (int line = 0; line < lineCount; line++)
        {
            uint start = (uint)(first + (line * lineFrames));
            FrameUsage usage = memory.Usage(start, (uint)lineFrames);
            if (usage.InUse == 0)
                continue;
            inUse += usage.InUse;
            pinned += usage.Pinned;
            most = Math.Max(most, usage.MostPins);
            lines.Add(new FrameLine(start, Runs(memory, start, shift)));
        }
        bool any = memory.TryPinnedExtent(out uint lowest, out uint highest);
        return new PinnedFramesSnapshot(memory.FrameCount, memory.FramesInUse, memory.PinnedFrames, memory.OrphanedFrames, any ? lowest : null, any ? highest : null, first, shift, lineCount, inUse, pinned, most, lines);
    }

    private static List<IReadOnlyList<long>> Runs(PhysicalMemory memory, uint start, int shift)
    {
        var runs = new List<IReadOnlyList<long>>();
        FrameUsage previous = default;
        int length = 0;
        for (int cell = 0; cell < CellsPerLine; cell++)
        {
            ulong frame = start + ((ulong)cell << shift);
            FrameUsage usage = frame < memory.FrameCount ? memory.Usage((uint)frame, 1u << shift) : default;
            if (length != 0 && usage != previous)
            {
                runs.Add(Run(length, previous));
                length = 0;
            }
            previous = usage;
            length++;
        }
        runs.Add(Run(length, previous));
        return runs;
    }

    private static long[] Run(int cells, FrameUsage usage) => [cells, usage.InUse, usage.Pinned, usage.MostPins, usage.Orphaned];
}
