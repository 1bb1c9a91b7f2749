using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Pages;

/// <summary>A file of the emulated host and its page cache: shared mappings of it see the same frames. Contents start as zeroes; there is no disk behind it.</summary>
public sealed class EmulatedFile
{
    internal EmulatedFile(string name) => Name = name;

    public string Name { get; }

    /// <summary>Mappings of the file alive now; with the last one the page cache goes.</summary>
    public int Mappings { get; internal set; }

    internal FrameTable Frames { get; } = new(FrameLayout.Contiguous);
}
