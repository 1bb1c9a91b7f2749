// What one hardware format adds to the generic table: how wide it is and how its words are spelled. Static abstract members on a struct, so that the JIT compiles the
// walk once per format with everything here inlined.
// Holds for every format: 512 words of 8 bytes in one frame per table, 9 index bits a level, an empty word is zero. Formats with other tables need a wider RadixPageTable.
namespace IommuDash.Engine.PageTables;

/// <summary>A page-table format. Levels count from 0, the leaf-most.</summary>
public interface IPageTableFormat
{
    /// <summary>The field's name, e.g. <c>VT-d second stage</c>.</summary>
    static abstract string Name { get; }

    /// <summary>log2 of the bytes one level-0 entry maps.</summary>
    static abstract int GranuleShift { get; }

    /// <summary>Width of a physical address.</summary>
    static abstract int OutputBits { get; }

    /// <summary>One bit per leaf size the format can spell.</summary>
    static abstract ulong PageSizes { get; }

    /// <summary>Whether a leaf may take several neighbouring entries, all alike.</summary>
    static abstract bool HasRuns { get; }

    /// <summary>The word in a table at <paramref name="level"/> that points to the table below it.</summary>
    static abstract ulong TableEntry(int level, ulong tablePhysical);

    /// <summary>The bits of a leaf that do not depend on its address.</summary>
    /// <param name="coherent">Snooping is enforced.</param>
    static abstract ulong LeafAttributes(int level, int pageShift, IommuProt prot, bool coherent);

    /// <summary>The address bits of a leaf, a coded size included.</summary>
    static abstract ulong LeafAddress(int level, int pageShift, ulong physical);

    /// <summary>Whether a word that is not empty points to a table.</summary>
    static abstract bool IsTable(int level, ulong raw);

    /// <summary>Takes a leaf apart: physical address of its first byte and log2 of its size.</summary>
    static abstract ulong LeafTarget(int level, ulong raw, out int pageShift);

    /// <summary>Physical address of the table a pointer leads to.</summary>
    static abstract ulong TableTarget(ulong raw);

    /// <summary>Whether hardware takes the word for something.</summary>
    static abstract bool IsPresent(ulong raw);

    /// <summary>The bit of a leaf that hardware sets when it writes there.</summary>
    static abstract ulong DirtyBit { get; }

    /// <summary>Fields of a word that is not empty, lowest bit first.</summary>
    static abstract IReadOnlyList<EntryField> Describe(int level, ulong raw);
}
