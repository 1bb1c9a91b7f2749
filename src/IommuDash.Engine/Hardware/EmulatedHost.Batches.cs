// Working memory for batches of frames. Less of it means smaller batches, which must make no difference but in speed: tests shrink it.
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Hardware;

public sealed partial class EmulatedHost
{
    /// <summary>What the reference works in unless told otherwise, and the most it takes.</summary>
    public const uint DefaultTempMemoryBytes = 65_536;

    // A run is a frame number and a count: 12 bytes in the reference.
    private const uint RunBytes = 12;

    /// <summary>Working memory of a batch in bytes.</summary>
    public uint TempMemoryBytes { get; private set; } = DefaultTempMemoryBytes;

    internal PhysicalRun[] ScratchRuns { get; private set; } = new PhysicalRun[DefaultTempMemoryBytes / RunBytes];

    /// <summary>Sets the working memory of batches, for all contexts (test operation SET_TEMP_MEMORY_LIMIT). EINVAL: below 12 bytes, which is one run.</summary>
    public Refusal? SetTempMemoryLimit(uint bytes)
    {
        if (bytes < RunBytes)
            return new Refusal(Errno.EINVAL, "temp.limit", $"{bytes} bytes hold no run of frames; it takes {RunBytes}.");
        TempMemoryBytes = bytes;
        ScratchRuns = new PhysicalRun[Math.Min(bytes, DefaultTempMemoryBytes) / RunBytes];
        return null;
    }
}
