namespace IommuDash.Engine.Hardware;

/// <summary>Frames whose bytes are kept outside the emulated machine: memory of real processes.</summary>
public interface IForeignFrames
{
    /// <summary>Copies bytes of a frame out. <paramref name="isForeign"/> false: the frame is the machine's own; else the result says whether the bytes could be had.</summary>
    bool TryRead(uint pfn, int offset, Span<byte> bytes, out bool isForeign);

    /// <summary>Copies bytes into a frame; as <see cref="TryRead"/>.</summary>
    bool TryWrite(uint pfn, int offset, ReadOnlySpan<byte> bytes, out bool isForeign);
}
