namespace IommuDash.Engine.Hardware.Import;

/// <summary>
/// What the import needs of a <c>/sys</c> tree, live, captured or made up. Paths are relative to it, with slashes, e.g. <c>kernel/iommu_groups/1/type</c>. Only reads; an implementation never leaves its root.
/// </summary>
public interface ISysTree
{
    /// <summary>Names in a directory in any order; empty if it is not there.</summary>
    IReadOnlyCollection<string> Names(string directory);

    /// <summary>Lines of a file without line ends; null if it is not there, cannot be read or is larger than the implementation's cap.</summary>
    IReadOnlyList<string>? Read(string file);

    /// <summary>Line number in the text this tree was made from, of line <paramref name="index"/> (from 0) of a file or of a bare name; 0 if it was not made from a text.</summary>
    int LineNumber(string path, int index);
}
