namespace IommuDash.Engine.PageTables;

/// <summary>How one table of a format is built on one unit. Fixed for the table's life.</summary>
internal sealed record PageTableShape
{
    /// <summary>Levels an empty table has.</summary>
    public required int StartLevels { get; init; }

    /// <summary>Levels it may grow to; equal to <see cref="StartLevels"/> where the format cannot grow.</summary>
    public required int MaxLevels { get; init; }

    /// <summary>Width of an IOVA it translates.</summary>
    public required int InputBits { get; init; }

    /// <summary>Leaf sizes in use, a subset of the format's.</summary>
    public required ulong PageSizeBitmap { get; init; }

    /// <summary>Addresses it reports; null = all of <see cref="InputBits"/>.</summary>
    public IovaRange? Aperture { get; init; }

    /// <summary>Every leaf is snooped from the start.</summary>
    public bool EnforcesCoherency { get; init; }

    /// <summary>How dirty leaves are read, see <see cref="Iommufd.ReferenceLevel.DirtyReadStepsByLeaf"/>.</summary>
    public bool DirtyReadStepsByLeaf { get; init; }

    /// <summary>A leaf may allow neither reads nor writes, see <see cref="Iommufd.ReferenceLevel.MockMapsWithoutRights"/>.</summary>
    public bool MapsWithoutRights { get; init; }

    /// <summary>Snooping may be asked for while nothing is mapped.</summary>
    public bool CanEnforceCoherency { get; init; }
}
