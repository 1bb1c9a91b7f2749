// Which table a unit uses. Shapes come from the unit's description; nothing here depends on a device.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Engine.PageTables;

/// <summary>Kinds of table the selftest's mock IOMMU offers (MOCK_IOMMUPT_*).</summary>
public enum MockTableKind
{
    /// <summary>Every power of two from 2 KiB; only the mock's small window.</summary>
    Default,

    /// <summary>4 KiB and 1 MiB pages only; the table's whole reach.</summary>
    Huge,
}

/// <summary>Makes paging domains (iommu_paging_domain_alloc).</summary>
public static class DomainFactory
{
    private const ulong MockHugePages = 0x1000 | 0x10_0000;
    private const ulong MockFlatPage = 0x800;
    private const ulong MockFlatHugePages = MockFlatPage | 0x10_0000;
    private static readonly IovaRange MockAperture = new(1UL << 24, (1UL << 31) - 1);

    /// <summary>
    /// Makes an empty domain for a unit. Null with a refusal: EOPNOTSUPP the vendor is unknown; EINVAL no table of the vendor has that input width; ENOMEM no frame for the top table.
    /// </summary>
    public static IommuDomain? Create(IommuUnitDescription unit, PhysicalMemory memory, out Refusal? refusal, MockTableKind mockKind = MockTableKind.Default, ReferenceLevel? level = null)
    {
        ArgumentNullException.ThrowIfNull(memory);
        level ??= ReferenceLevel.Current;
        if (Shape(unit, mockKind, level, out refusal) is not { } shape)
            return null;
        shape = shape with { DirtyReadStepsByLeaf = level.DirtyReadStepsByLeaf };
        IommuDomain? domain = unit.Vendor switch
        {
            IommuVendor.Intel => RadixPageTable<VtdSecondStage>.TryCreate(memory, shape),
            IommuVendor.Amd => RadixPageTable<AmdV1>.TryCreate(memory, shape),
            _ => RadixPageTable<MockAmdV1>.TryCreate(memory, shape),
        };
        if (domain is null)
            refusal = new Refusal(Errno.ENOMEM, "domain.memory", "The machine has no free frame for the domain's top table.");
        return domain;
    }

    /// <summary>What a domain made for a unit would report, without making one. The refusals of <see cref="Create"/> but ENOMEM.</summary>
    public static Refusal? Plan(IommuUnitDescription unit, out IovaRange aperture, out ulong pageSizeBitmap, MockTableKind mockKind = MockTableKind.Default, ReferenceLevel? level = null)
    {
        PageTableShape? shape = Shape(unit, mockKind, level ?? ReferenceLevel.Current, out Refusal? refusal);
        aperture = shape?.Aperture ?? new IovaRange(0, shape is null or { InputBits: >= 64 } ? ulong.MaxValue : (1UL << shape.InputBits) - 1);
        pageSizeBitmap = shape?.PageSizeBitmap ?? 0;
        return refusal;
    }

    private static PageTableShape? Shape(IommuUnitDescription unit, MockTableKind mockKind, ReferenceLevel level, out Refusal? refusal)
    {
        ArgumentNullException.ThrowIfNull(unit);
        refusal = null;
        switch (unit.Vendor)
        {
            case IommuVendor.Intel when unit.InputBits is >= 31 and <= 57:
                return VtdShape(unit);
            case IommuVendor.Amd when unit.InputBits is >= 31 and <= 64:
                return AmdShape(unit);
            case IommuVendor.Intel or IommuVendor.Amd:
                refusal = new Refusal(Errno.EINVAL, "domain.width", $"No {unit.Vendor} table translates {unit.InputBits} bits of IOVA, as unit {unit.Name} is described.");
                return null;
            case IommuVendor.Mock:
                return MockShape(mockKind, level.MockHasRadixTable) with { MapsWithoutRights = level.MockMapsWithoutRights };
            default:
                refusal = new Refusal(Errno.EOPNOTSUPP, "domain.vendor", $"It is not known which page tables unit {unit.Name} uses: its vendor is {unit.Vendor}.");
                return null;
        }
    }

    /// <summary>The narrowest of 39, 48 and 57 bits that holds the unit's width; 1 GiB pages never without 2 MiB.</summary>
    private static PageTableShape VtdShape(IommuUnitDescription unit)
    {
        int levels = Math.Max(3, LevelsFor(unit.InputBits));
        return new PageTableShape
        {
            StartLevels = levels,
            MaxLevels = levels,
            InputBits = unit.InputBits,
            PageSizeBitmap = PageSizes(VtdSecondStage.PageSizes, unit),
            CanEnforceCoherency = unit.SnoopControl,
        };
    }

    private static PageTableShape AmdShape(IommuUnitDescription unit) => new()
    {
        StartLevels = 3,
        MaxLevels = Math.Max(3, LevelsFor(unit.InputBits)),
        InputBits = unit.InputBits,
        PageSizeBitmap = PageSizes(AmdV1.PageSizes, unit),
        EnforcesCoherency = true,
        CanEnforceCoherency = true,
    };

    // The flat table of old mocks is the same words seen from outside, with the sizes it had.
    private static PageTableShape MockShape(MockTableKind kind, bool hasRadixTable) => new()
    {
        StartLevels = 5,
        MaxLevels = 5,
        InputBits = 56,
        PageSizeBitmap = (kind, hasRadixTable) switch
        {
            (MockTableKind.Huge, true) => MockHugePages,
            (MockTableKind.Huge, false) => MockFlatHugePages,
            (_, true) => MockAmdV1.PageSizes,
            _ => MockFlatPage,
        },
        Aperture = kind == MockTableKind.Huge && hasRadixTable ? null : MockAperture,
    };

    private static int LevelsFor(int inputBits) => (inputBits - 12 + 8) / 9;

    private static ulong PageSizes(ulong formatSizes, IommuUnitDescription unit)
    {
        int largest = unit.LargestPageShift == 0 ? unit.InputBits - 1 : Math.Min(unit.LargestPageShift, unit.InputBits - 1);
        return formatSizes & ((2UL << largest) - 1);
    }
}
